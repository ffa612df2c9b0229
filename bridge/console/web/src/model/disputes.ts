/** Disputes as the pages tell of them: money that the buyer's bank was asked to take back. */

import { money } from "./amounts";
import type { Dispute, PaymentDocument } from "./documents";
import type { Side } from "./payment-line";

/** What the parties are to know of the disputes of a payment; what was lost is said as money that went back. */
export function disputeRemarks({ disputes, currency }: PaymentDocument, side: Side): string[] {
  return disputes.flatMap((dispute) => REMARKS[dispute.status](money(dispute.amount, currency), side));
}

const REMARKS: Record<Dispute["status"], (amount: string, side: Side) => string[]> = {
  open: (amount, side) => [
    side === "buyer"
      ? `Your bank was asked to take ${amount} back, and has not decided yet.`
      : `The buyer's bank was asked to take ${amount} back. Nothing is paid out until it has decided.`,
  ],
  won: (amount, side) => (side === "buyer" ? [] : [`The buyer's bank was asked to take ${amount} back, and has decided that it stays.`]),
  lost: () => [],
};

/** One dispute as the console tells of it. */
export function disputeWords({ disputeId, status, amount, reason }: Dispute, currency: string): string {
  return `${money(amount, currency)}, ${status} (${disputeId}${reason === null ? "" : `: ${reason}`})`;
}
