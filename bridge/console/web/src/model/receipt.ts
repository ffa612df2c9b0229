/** What stands on a receipt: whole ids and hashes, since nobody copies from paper what was cut short. */

import { isZero, money } from "./amounts";
import type { PaymentDocument } from "./documents";

export function receiptLines(payment: PaymentDocument, shop: string | null, moment: (at: string) => string): [string, string][] {
  const paidAt = payment.history.find(({ status }) => status === "completed")?.at ?? payment.updatedAt;
  const lines: [string, string][] = shop === null ? [] : [["Shop", shop]];
  lines.push(["Paid", moment(paidAt)]);
  if (payment.shares.length > 1) {
    for (const share of payment.shares) lines.push([`For ${share.requestId}, to ${share.sellerId}`, money(share.amount, payment.currency)]);
  } else {
    lines.push(["For", payment.requestId], ["To", payment.sellerId]);
  }
  for (const { amount, asset, txHash, confirmed } of payment.transfers) {
    if (confirmed) lines.push([money(amount, asset), txHash]);
  }
  if (!isZero(payment.refunded)) lines.push(["Sent back since", money(payment.refunded, payment.currency)]);
  lines.push(["Payment", payment.paymentId]);
  return lines;
}
