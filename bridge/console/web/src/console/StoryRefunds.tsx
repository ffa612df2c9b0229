/** The refunds of a payment in its story: how each stands, the way to withdraw it, and the way to open another. */

import type { JSX } from "preact";
import { agreed } from "../model/amounts";
import { mayDo, RULINGS } from "../model/attention";
import type { PaymentRow, PaymentStory } from "../model/ops-documents";
import { useStore } from "../net/store";
import { desk } from "./desk";
import { askFor } from "./Dialogs";
import { StateMark } from "./marks";

export function StoryRefunds({ row, story, title }: { row: PaymentRow; story: PaymentStory; title: string }): JSX.Element {
  const mayAct = mayDo(useStore(desk.session), "refund");
  const { refunds, refundable } = story.document;
  return (
    <>
      {refunds.map(({ refundId, amount, currency, reason, status }) => (
        <div key={refundId} class="finding" data-refund={refundId}>
          <p>
            <strong>Refund of {agreed(amount, currency)}</strong> <StateMark status={status} />
            <br />
            {reason}
          </p>
          {status === "awaiting_address" && mayAct && (
            <div class="item-actions">
              <button
                type="button"
                aria-label={`Withdraw the refund of ${agreed(amount, currency)}`}
                onClick={() => askFor({ action: "withdraw", refundId, title: `${agreed(amount, currency)} to ${row.buyerId}`, detail: reason })}
              >
                {RULINGS.withdraw}
              </button>
            </div>
          )}
        </div>
      ))}
      {story.canSendBack && refundable.length > 0 && mayAct && (
        <div class="item-actions">
          <button type="button" onClick={() => askFor({ action: "refund", paymentId: row.paymentId, title, detail: row.paymentId })}>
            {RULINGS.refund}
          </button>
        </div>
      )}
    </>
  );
}
