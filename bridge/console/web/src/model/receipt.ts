/** What stands on a receipt: whole ids and hashes, since nobody copies from paper what was cut short. */

import type { Words } from "../words/words";
import { agreed, isZero, money } from "./amounts";
import type { PaymentDocument } from "./documents";
import { moment } from "./times";

export function receiptLines(words: Words, payment: PaymentDocument, shop: string | null): [string, string][] {
  const paidAt = payment.history.find(({ status }) => status === "completed")?.at ?? payment.updatedAt;
  const lines: [string, string][] = shop === null ? [] : [[words.say("shop"), shop]];
  lines.push([words.say("paid"), moment(paidAt, words.locale)]);
  if (payment.shares.length > 1) {
    for (const { requestId, sellerId, amount } of payment.shares) {
      lines.push([words.say("forTo", { purchase: requestId, seller: sellerId }), agreed(amount, payment.currency)]);
    }
  } else {
    lines.push([words.say("for"), payment.requestId], [words.say("to"), payment.sellerId]);
  }
  for (const { amount, asset, txHash, confirmed } of payment.transfers) {
    if (confirmed) lines.push([money(amount, asset), txHash]);
  }
  if (!isZero(payment.refunded)) lines.push([words.say("sentBackSince"), agreed(payment.refunded, payment.currency)]);
  lines.push([words.say("payment"), payment.paymentId]);
  return lines;
}
