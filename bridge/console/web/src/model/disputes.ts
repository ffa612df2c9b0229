/** Disputes as the pages tell of them: money that the buyer's bank was asked to take back. */

import { agreed } from "./amounts";
import type { Dispute, PaymentDocument } from "./documents";
import type { Words } from "../words/words";
import type { Side } from "./payment-line";

/** What the parties are to know of the disputes of a payment; what was lost is said as money that went back. */
export function disputeRemarks(words: Words, { disputes, currency }: PaymentDocument, side: Side): string[] {
  return disputes.flatMap(({ status, amount: disputed }) => {
    const amount = agreed(disputed, currency);
    if (status === "open") return [words.say(side === "buyer" ? "yourBankAsked" : "bankAsked", { amount })];
    return status === "won" && side === "seller" ? [words.say("bankLeft", { amount })] : [];
  });
}

/** One dispute as the console tells of it. */
export function disputeWords({ disputeId, status, amount, reason }: Dispute, currency: string): string {
  return `${agreed(amount, currency)}, ${status} (${disputeId}${reason === null ? "" : `: ${reason}`})`;
}
