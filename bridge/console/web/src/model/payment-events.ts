/** Which events move a payment's page, and what they say before REST has told the rest. */

import type { PaymentProgress, PaymentUpdate } from "@contract/events";
import type { EscrowState, PaymentDocument, PaymentStatus } from "./documents";

export function withUpdate(payment: PaymentDocument, update: PaymentUpdate): PaymentDocument {
  // It tells of all sellers' money: a seller's own part is as REST tells it.
  if (update.paymentId !== payment.paymentId || !payment.whole) return payment;
  return {
    ...payment,
    status: update.status as PaymentStatus,
    escrowState: (update.escrowState as EscrowState | undefined) ?? payment.escrowState,
  };
}

export function withProgress(payment: PaymentDocument, progress: PaymentProgress): PaymentDocument {
  if (progress.paymentId !== payment.paymentId) return payment;
  const heard = {
    ...payment,
    late: progress.late,
    confirmations: progress.confirmations ?? null,
    requiredConfirmations: progress.requiredConfirmations ?? null,
  };
  // Of a checkout, sellers are told of their own parts: what is shown here is as REST tells it.
  if (payment.checkoutId !== null || !payment.whole) return heard;
  return {
    ...heard,
    status: progress.status as PaymentStatus,
    received: progress.received,
    missing: progress.missing,
  };
}
