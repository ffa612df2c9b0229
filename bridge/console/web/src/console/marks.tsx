/** How a state is shown: a shape and a word, so that nothing hangs on colour alone. */

import type { JSX } from "preact";
import { statusName } from "../model/statuses";

type Mark = "open" | "moving" | "done" | "wrong" | "over";

const MARKS: Record<string, Mark> = {
  awaiting_address: "open",
  awaiting_approval: "open",
  created: "open",
  pending: "open",
  broadcast: "moving",
  confirming: "moving",
  partially_paid: "moving",
  completed: "done",
  verified: "done",
  ambiguous: "wrong",
  mismatch: "wrong",
  dropped: "wrong",
  failed: "wrong",
  expired: "over",
  cancelled: "over",
  refunded: "over",
  returned: "over",
};

export function StateMark({ status, isOverdue = false }: { status: string; isOverdue?: boolean }): JSX.Element {
  return (
    <span class={`state is-${isOverdue ? "wrong" : (MARKS[status] ?? "open")}`}>
      <span class="state-mark" aria-hidden="true" />
      {statusName(status)}
      {isOverdue && <span class="overdue"> · stuck</span>}
    </span>
  );
}
