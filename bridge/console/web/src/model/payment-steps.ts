/** The steps of a payment from waiting to paid, as its page lists them. */

import type { Fixed } from "../words/catalogue";
import type { Words } from "../words/words";
import { agreed, compare, isZero, roundMoney } from "./amounts";
import type { HistoryItem, PaymentDocument } from "./documents";

export interface Step {
  name: string;
  state: "done" | "current" | "ahead" | "stopped";
  note: string | null;
  at: string | null;
}

const ENDINGS: Partial<Record<PaymentDocument["status"], Fixed>> = {
  expired: "stepExpired",
  failed: "stepFailed",
  cancelled: "stepCancelled",
  refunded: "stepRefunded",
};

export function steps(words: Words, payment: PaymentDocument): Step[] {
  const { status, history } = payment;
  const first = (...statuses: HistoryItem["status"][]): string | null =>
    history.find((item) => statuses.includes(item.status))?.at ?? null;
  const seenAt = first("confirming", "partially_paid", "completed");
  const wasSeen = seenAt !== null && status !== "pending";
  const isMined = status === "confirming" && payment.confirmations !== null;
  const found: Step[] = [
    { name: words.say("stepWaiting"), state: status === "pending" ? "current" : "done", note: null, at: payment.createdAt },
  ];
  const ending = ENDINGS[status];
  if (ending !== undefined) {
    if (wasSeen) found.push({ name: words.say("stepSeen"), state: "done", note: null, at: seenAt });
    if (!isZero(payment.received)) {
      const name = words.say(compare(payment.received, payment.amount) < 0 ? "stepPartlyPaid" : "stepArrived");
      found.push({ name, state: "done", note: arrivedNote(words, payment), at: first("partially_paid") });
    }
    found.push({ name: words.say(ending), state: "stopped", note: null, at: last(history, status) });
    return found;
  }
  const isPartial = status === "partially_paid";
  const isDone = status === "completed";
  found.push({
    name: words.say("stepSeen"),
    state: isPartial || isDone || isMined ? "done" : status === "confirming" ? "current" : "ahead",
    note: null,
    at: wasSeen ? seenAt : null,
  });
  found.push({
    name: words.say("stepConfirming"),
    state: isPartial || isDone ? "done" : isMined ? "current" : "ahead",
    note: isMined ? confirmationNote(words, payment) : null,
    at: null,
  });
  if (isPartial) {
    const note = arrivedNote(words, payment);
    found.push({ name: words.say("stepPartlyPaid"), state: "current", note, at: last(history, status) });
  }
  const paidAt = isDone ? first("completed") : null;
  found.push({ name: words.say("stepPaid"), state: isDone ? "done" : "ahead", note: null, at: paidAt });
  return found;
}

function confirmationNote(words: Words, { confirmations, requiredConfirmations: needed }: PaymentDocument): string {
  const done = confirmations ?? 0;
  return needed === null ? words.say("soFar", { done }) : words.say("ofAll", { done, needed });
}

function arrivedNote(words: Words, { received, amount, currency }: PaymentDocument): string {
  return words.say("ofAll", { done: roundMoney(received, currency, "down"), needed: agreed(amount, currency) });
}

function last(history: HistoryItem[], status: string): string | null {
  return history.findLast((item) => item.status === status)?.at ?? null;
}
