/** Refunds as the pages tell of them: what the buyer is asked, how each stands in words, and what can still go back. */

import { compare, isZero, money } from "./amounts";
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

export function refundLine(refund: Refund, side: Side): RefundLine {
  const amount = money(refund.amount, refund.currency);
  const yours = side === "buyer";
  const whom = yours ? "you" : "the buyer";
  const coins = refund.coinAmount === null ? "" : ` ${money(refund.coinAmount, refund.coin)}`;
  switch (refund.status) {
    case "awaiting_address":
      return {
        tone: "waiting",
        headline: `${amount} can go back to ${whom}`,
        sentence: yours ? "Say where to send it." : "The buyer is asked where to send it.",
      };
    case "awaiting_approval":
    case "created":
    case "ambiguous":
    case "mismatch":
    case "dropped":
      return {
        tone: "moving",
        headline: `${amount} is on its way back to ${whom}`,
        sentence: ON_ITS_WAY[refund.status],
      };
    case "broadcast":
    case "confirming":
      return {
        tone: "moving",
        headline: `${amount} is on its way back to ${whom}`,
        sentence: `It was sent:${coins}. The network has to confirm it.`,
      };
    case "completed":
      return { tone: "done", headline: `${amount} went back to ${whom}`, sentence: `It has arrived:${coins}.` };
    case "failed":
      return {
        tone: "trouble",
        headline: `${amount} could not be sent back`,
        sentence: `Nothing of it was sent. The shop has been told${yours ? ", and can ask you for an address again here" : ""}.`,
      };
    case "returned":
      return {
        tone: "trouble",
        headline: `${amount} came back`,
        sentence: `It was sent, and did not stay there. The shop has been told${yours ? ", and can ask you for another address here" : ""}.`,
      };
    default:
      return { tone: "moving", headline: `${amount} goes back to ${whom}`, sentence: "" };
  }
}

const ON_ITS_WAY = {
  awaiting_approval: "Somebody of the shop looks at it before it is sent.",
  created: "It is being sent.",
  ambiguous: "It was asked for; somebody of the shop makes sure that it is sent.",
  mismatch: "Somebody of the shop is looking after it.",
  dropped: "Somebody of the shop is looking after it.",
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
  if (compare(amount, pool.amount) > 0) return `No more than ${money(pool.amount, currency)} can go back.`;
  return null;
}
