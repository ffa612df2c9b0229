/** Whether payouts are sent, on every page: who holds them, since when and why, and the button for who may stop or resume them. */

import type { JSX } from "preact";
import { mayDo } from "../model/attention";
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
            {holds.map(({ heldBy, heldAt, note }, index) => (
              <span key={`${heldAt} ${heldBy}`}>
                {index > 0 && "; by "}
                {heldBy} since{" "}
                <time dateTime={heldAt} title={age(heldAt, now)}>
                  {moment(heldAt)}
                </time>
                {note && `: ${note}`}
              </span>
            ))}
          </>
        ) : (
          "Payouts are sent."
        )}
      </p>
      {may && (
        <button type="button" class="quiet" onClick={() => askFor({ action: held ? "resume" : "hold", ...ALL })}>
          {held ? "Resume payouts …" : "Hold all payouts …"}
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
