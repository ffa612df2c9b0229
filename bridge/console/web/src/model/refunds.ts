/** Refunds as the pages tell of them: what the buyer is asked, how each stands in words, and what can still go back. */

import type { Words } from "../words/words";
import { agreed, compare, isZero, money } from "./amounts";
import type { PaymentDocument, Refund, Refundable } from "./documents";
import type { Side, Tone } from "./payment-line";

/** What a page says of one refund. */
export interface RefundLine {
  tone: Tone;
  headline: string;
  sentence: string;
}

/** The refunds that a page tells of; one that was withdrawn is as if it had never been. */
export function shownRefunds(payment: PaymentDocument): Refund[] {
  return payment.refunds.filter(({ status }) => status !== "cancelled");
}

/** The refunds that take money of a payment: whoever opens another has to have seen them. */
export function takingMoney(payment: PaymentDocument): Refund[] {
  return payment.refunds.filter(({ status }) => !["cancelled", "failed", "returned"].includes(status));
}

/** The coin, with what people call it or its network where that is known. */
export function coinOf(refund: Refund, payment: PaymentDocument): string {
  const name = payment.invoices.find(({ coin }) => coin === refund.coin)?.displayName ?? null;
  return name === null || name === refund.coin ? refund.coin : `${refund.coin} (${name})`;
}

export function refundLine(words: Words, refund: Refund, side: Side): RefundLine {
  const amount = agreed(refund.amount, refund.currency);
  const coins = refund.coinAmount === null ? null : money(refund.coinAmount, refund.coin);
  const yours = side === "buyer";
  const onItsWay = words.say(yours ? "onItsWayToYou" : "onItsWayToBuyer", { amount });
  switch (refund.status) {
    case "awaiting_address":
      return {
        tone: "waiting",
        headline: words.say(yours ? "canGoBackToYou" : "canGoBackToBuyer", { amount }),
        sentence: words.say(yours ? "sayWhere" : "buyerSaysWhere"),
      };
    case "awaiting_approval":
    case "created":
    case "ambiguous":
    case "mismatch":
    case "dropped":
      return { tone: "moving", headline: onItsWay, sentence: words.say(ON_ITS_WAY[refund.status]) };
    case "broadcast":
    case "confirming":
      return {
        tone: "moving",
        headline: onItsWay,
        sentence: coins === null ? words.say("wasSentAlone") : words.say("wasSent", { coins }),
      };
    case "completed":
      return {
        tone: "done",
        headline: words.say(yours ? "isBackWithYou" : "isBackWithBuyer", { amount }),
        sentence: coins === null ? words.say("hasArrivedAlone") : words.say("hasArrived", { coins }),
      };
    case "failed":
      return {
        tone: "trouble",
        headline: words.say("notSentBack", { amount }),
        sentence: words.say(yours ? "notSentBackBuyer" : "notSentBackSeller"),
      };
    case "returned":
      return {
        tone: "trouble",
        headline: words.say("cameBack", { amount }),
        sentence: words.say(yours ? "cameBackBuyer" : "cameBackSeller"),
      };
    case "cancelled":
      return { tone: "over", headline: words.say("refund"), sentence: words.say("withdrawn") };
  }
}

const ON_ITS_WAY = {
  awaiting_approval: "lookedAt",
  created: "beingSent",
  ambiguous: "madeSure",
  mismatch: "lookedAfter",
  dropped: "lookedAfter",
} as const;

/** What can still be sent back of one kind, in the payment's currency. */
export function left(payment: PaymentDocument, of: Refundable["of"]): string {
  return payment.refundable.find((one) => one.of === of)?.amount ?? "0";
}

/** What money is meant, for whoever opens a refund. */
export function poolName({ of, sellerId }: Refundable, hasSeveral: boolean): string {
  if (of === "excess") return "What came too much";
  return sellerId === null || !hasSeveral ? "What came for the goods" : `What came for the goods of ${sellerId}`;
}

/** How a refund was sent without the bridge, as somebody says it. */
export interface SentAlready {
  txHash: string;
  destination: string;
  /** Empty where the coin stands for the payment's currency. */
  coinAmount: string;
}

/** Why it cannot be written down that a refund was sent so; null if it can. */
export function sentFault({ txHash, destination, coinAmount }: SentAlready): string | null {
  if (txHash === "") return "Name the transaction that carries it.";
  if (destination === "") return "Say where it went.";
  if (coinAmount !== "" && !isAmount(coinAmount)) return "Say how much of the coin, such as 12.50, or leave it out.";
  return null;
}

function isAmount(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text) && !isZero(text);
}

/** Why a refund cannot be opened so; null if it can. */
export function refundFault(pool: Refundable | null, amount: string, currency: string): string | null {
  if (pool === null) return "Nothing of this payment can go back.";
  if (!isAmount(amount)) return "Say how much, such as 12.50.";
  if (compare(amount, pool.amount) > 0) return `No more than ${agreed(pool.amount, currency)} can go back.`;
  return null;
}
