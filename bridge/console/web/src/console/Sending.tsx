/** Whether payouts are sent, on every page: who holds them, since when and why, and the button for who may stop or resume them. */

import type { JSX } from "preact";
import { mayDo } from "../model/attention";
import { endedBy, isComparing, missingIn } from "../model/holds";
import { age, moment } from "../model/times";
import { useStore } from "../net/store";
import { useNow } from "../parts/clock";
import { desk } from "./desk";
import { askFor } from "./Dialogs";

const ALL = { title: "All payouts", detail: "Of every provider, to every seller." };

export function Sending(): JSX.Element | null {
  const hold = useStore(desk.hold);
  const session = useStore(desk.session);
  const now = useNow(10_000);
  if (hold === null) return null;
  const { held, holds = [] } = hold;
  const may = mayDo(session, held ? "resume" : "hold");
  return (
    <aside class={`sending is-${held ? "held" : "open"}`} aria-label="Sending of payouts">
      <p role="status">
        {held ? (
          <>
            <strong>Payouts are held</strong> by{" "}
            {holds.map((one, index) => (
              <span key={one.holdId}>
                {index > 0 && "; by "}
                {one.heldBy} since{" "}
                <time dateTime={one.heldAt} title={age(one.heldAt, now)}>
                  {moment(one.heldAt)}
                </time>
                {one.note && `: ${one.note}`}
                {missingIn(one) !== null && `. ${missingIn(one)}`}
              </span>
            ))}
          </>
        ) : (
          "Payouts are sent."
        )}
      </p>
      {may && (!held || endedBy("resume", holds).length > 0) && (
        <button type="button" class="quiet" onClick={() => askFor({ action: held ? "resume" : "hold", ...ALL })}>
          {held ? "Resume payouts …" : "Hold all payouts …"}
        </button>
      )}
      {may && isComparing(holds) && (
        <button type="button" class="quiet" onClick={() => askFor({ action: "resume-without-comparison", ...ALL })}>
          Resume without the comparison …
        </button>
      )}
      {held && mayDo(session, "hold") && (
        <button type="button" class="quiet" onClick={() => askFor({ action: "hold", ...ALL })}>
          Hold too …
        </button>
      )}
    </aside>
  );
}
