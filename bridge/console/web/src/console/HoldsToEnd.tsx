/** The holds that a resumption ends, as its dialog shows them: who placed each, when and why. */

import type { JSX } from "preact";
import { missingIn } from "../model/holds";
import type { HoldItem } from "../model/ops-documents";
import { moment } from "../model/times";

/** `seen` are those that were shown before; null where there was no before. */
export function HoldsToEnd({ holds, seen }: { holds: readonly HoldItem[]; seen: readonly string[] | null }): JSX.Element {
  if (holds.length === 0) return <p>There is no hold that this ends.</p>;
  return (
    <>
      <p>{holds.length === 1 ? "It ends this hold:" : `It ends these ${holds.length} holds:`}</p>
      <ul class="holds" aria-label="Holds that end">
        {holds.map((hold) => (
          <li key={hold.holdId}>
            {seen !== null && !seen.includes(hold.holdId) && <strong>New: </strong>}
            {hold.heldBy} since <time dateTime={hold.heldAt}>{moment(hold.heldAt)}</time>
            {hold.note !== null && `: ${hold.note}`}
            {missingIn(hold) !== null && <> {missingIn(hold)}</>}
          </li>
        ))}
      </ul>
    </>
  );
}
