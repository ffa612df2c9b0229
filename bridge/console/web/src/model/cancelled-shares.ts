/** Purchases of a payment that were cancelled: what its buyer is told of them, and what is still to be paid or may come back. */

import type { Words } from "../words/words";
import { agreed, sum } from "./amounts";
import type { PaymentDocument, Share } from "./documents";
import type { Side } from "./payment-line";
import { takingMoney } from "./refunds";

/** Those that were cancelled of several, while the others go on. */
function cancelledOf({ shares, status }: PaymentDocument): Share[] {
  const goesOn = ["pending", "confirming", "partially_paid", "completed"].includes(status);
  return goesOn ? shares.filter(({ cancelled }) => cancelled) : [];
}

/** The sale of a seller, who may be shown the payments of others with theirs: it is cancelled though those are paid. */
export function asTheirs(payment: PaymentDocument, mine: readonly Share[]): PaymentDocument {
  const isCancelled = mine.length > 0 && cancelledOf(payment).length > 0 && mine.every(({ cancelled }) => cancelled);
  return isCancelled ? { ...payment, status: "cancelled", escrowState: "none" } : payment;
}

export function cancelledRemarks(words: Words, payment: PaymentDocument, side: Side): string[] {
  const cancelled = cancelledOf(payment);
  if (cancelled.length === 0) return [];
  const said = words.say("cancelledPart", {
    purchases: cancelled.map(({ requestId }) => requestId).join(", "),
    amount: agreed(sum(cancelled.map(({ amount }) => amount)), payment.currency),
  });
  if (side === "seller") return [said];
  if (payment.status !== "completed") return [words.together(said, words.say("payAllOrNew"))];
  const goesBack = takingMoney(payment).filter(({ of }) => of === "goods");
  const isDecided = cancelled.every(({ sellerId }) => goesBack.some((one) => one.sellerId === null || one.sellerId === sellerId));
  return [isDecided ? said : words.together(said, words.say("partDecided"))];
}
