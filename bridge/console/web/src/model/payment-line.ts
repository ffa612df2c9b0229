/**
 * What a payment's page says: one headline, one sentence of what to know or to do, and the steps from waiting to paid.
 * Everything is read off the document; nothing is remembered.
 */

import { compare, isZero, money, roundMoney, share } from "./amounts";
import { disputeRemarks } from "./disputes";
import type { HistoryItem, PaymentDocument, Sighting } from "./documents";
import { type Nowhere, whyNowhere } from "./payment-links";
import { left } from "./refunds";

export type Side = "buyer" | "seller";

/** How a line feels: it decides the mark and the colour, never the words. */
export type Tone = "waiting" | "moving" | "short" | "done" | "over" | "trouble";

export interface Step {
  name: string;
  state: "done" | "current" | "ahead" | "stopped";
  note: string | null;
  at: string | null;
}

export interface PaymentLine {
  tone: Tone;
  headline: string;
  sentence: string;
  /** What else is to be known, each in a sentence. */
  remarks: string[];
  steps: Step[];
  /** How much has come, between 0 and 1: for drawing. */
  arrived: number;
  /** Whether money is still asked for, so that address and QR code are of use. */
  asksForMoney: boolean;
}

/** Without a clock, no price has ended. */
export function paymentLine(payment: PaymentDocument, side: Side, now: number | null = null): PaymentLine {
  const said = SAYINGS[payment.status](payment, side, whyNowhere(payment, now));
  const tone = said.tone ?? "waiting";
  return {
    tone,
    headline: said.headline,
    sentence: said.sentence,
    remarks: [...(said.remarks ?? []), ...remarks(payment, side)],
    steps: steps(payment),
    arrived: payment.status === "completed" ? 1 : share(payment.received, payment.amount),
    asksForMoney: payment.status === "pending" || payment.status === "partially_paid",
  };
}

interface Said {
  tone?: Tone;
  headline: string;
  sentence: string;
  remarks?: string[];
}

const SAYINGS: Record<PaymentDocument["status"], (payment: PaymentDocument, side: Side, nowhere: Nowhere | null) => Said> = {
  pending: waiting,
  confirming,
  partially_paid: partiallyPaid,
  completed,
  expired,
  failed: (_payment, side) => ({
    tone: "trouble",
    headline: "The payment failed",
    sentence:
      side === "buyer"
        ? `The provider gave it up. ${ASK_THE_SHOP}`
        : "The provider gave it up. The shop can open a new payment for the buyer.",
  }),
  cancelled: (payment, side) => ({
    tone: "over",
    headline: "The payment was cancelled",
    sentence:
      side === "buyer" ? `Do not send money any more. ${ASK_THE_SHOP}` : "The buyer is asked for nothing any more.",
    remarks: isZero(left(payment, "goods")) ? [] : [`${came(payment)} had arrived. The shop decides what becomes of it.`],
  }),
  refunded: (payment, side) => ({
    tone: "over",
    headline: "The payment was refunded",
    sentence:
      side === "buyer"
        ? `${came(payment)} had arrived and was sent back to you.`
        : `${came(payment)} had arrived and was sent back to the buyer.`,
  }),
};

function waiting(payment: PaymentDocument, side: Side, nowhere: Nowhere | null): Said {
  const setback = lastSetback(payment);
  if (setback !== null) return takenBack(setback, side);
  if (side === "seller") {
    return {
      headline: "Waiting for the buyer to pay",
      sentence: "Nothing was sent yet. This page tells as soon as the payment is seen.",
    };
  }
  if (nowhere === "no-address" && payment.invoices[0]?.refusal != null) {
    return { tone: "short", headline: "No address yet", sentence: "The payment provider has not opened this payment so far." };
  }
  if (nowhere === "no-address") {
    return {
      headline: "Preparing the address",
      sentence: "The payment provider is being asked where to pay. The address appears here by itself.",
    };
  }
  return { headline: "Waiting for your payment", sentence: `${HOW_TO_PAY[nowhere ?? "here"]} This page tells when it is seen.` };
}

const HOW_TO_PAY: Record<Exclude<Nowhere, "no-address"> | "here", string> = {
  here: "Scan the code with your wallet, or copy the address and the amount.",
  "at-the-shop": "This payment is paid on the shop's own page.",
  "at-checkout": "This payment is paid on the payment provider's own page.",
  "nothing-missing": "Nothing more is to be sent.",
  "price-ended": "The price has ended; ask for a new one before you pay.",
  "being-valued": "Your money has been seen, and what it is worth is still being found out. Send nothing more.",
  "whole-only": "It cannot be paid with this coin; ask the shop for another one.",
};

function takenBack(setback: Sighting, side: Side): Said {
  const yours = side === "buyer";
  switch (setback.stage) {
    case "reorganised":
      return {
        tone: "short",
        headline: "The network took the block back",
        sentence:
          "The payment was in a block that the network has replaced by another. It usually comes into a new one by " +
          `itself within minutes${yours ? "; do not pay twice." : "."}`,
      };
    case "dropped":
      return {
        tone: "trouble",
        headline: "The transaction was dropped",
        sentence:
          `The network never took it in and will not${because(setback)}. No money has moved` +
          `${yours ? "; send it again, to the same address." : "; the buyer has to send it again."}`,
      };
    default:
      return {
        tone: "trouble",
        headline: "The transaction does not pay this",
        sentence: `${sentence(setback.reason ?? "It failed on the chain")} ${yours ? "The payment is still open." : "The buyer still has to pay."}`,
      };
  }
}

function confirming(payment: PaymentDocument, side: Side): Said {
  const { confirmations, requiredConfirmations } = payment;
  const whose = side === "buyer" ? "Your payment" : "The buyer's payment";
  if (confirmations === null) {
    return {
      tone: "moving",
      headline: side === "buyer" ? "Payment seen" : "The buyer has paid; it is on its way",
      sentence: `${whose} is on its way${inFlight(payment)}. ${
        payment.requiredConfirmations === null ? "It counts when the network has confirmed it." : "No block holds it yet."
      }`,
    };
  }
  if (requiredConfirmations === null) {
    return {
      tone: "moving",
      headline: `Confirming: ${confirmations} ${confirmations === 1 ? "block" : "blocks"} so far`,
      sentence: `${whose} is in a block. It counts when the chain itself calls the block final.`,
    };
  }
  return {
    tone: "moving",
    headline: `Confirming: ${confirmations} of ${requiredConfirmations}`,
    sentence: `${whose} is in a block. It counts when ${requiredConfirmations} blocks confirm it.`,
  };
}

function partiallyPaid(payment: PaymentDocument, side: Side, nowhere: Nowhere | null): Said {
  const asked = money(payment.amount, payment.currency);
  const missing = roundMoney(payment.missing, payment.currency, "up");
  const more = payment.transfers.some((transfer) => !transfer.confirmed);
  return {
    tone: "short",
    headline: `${missing} ${side === "buyer" ? "still to pay" : "still missing"}`,
    sentence:
      `${came(payment)} of ${asked} has arrived. ` +
      (more
        ? "More is on its way."
        : side === "buyer"
          ? howToPayTheRest(missing, nowhere)
          : `The buyer has been asked for the missing ${missing}.`),
  };
}

function howToPayTheRest(missing: string, nowhere: Nowhere | null): string {
  switch (nowhere) {
    case null:
      return `Send the missing ${missing} to the address shown here.`;
    case "at-the-shop":
      return `Pay the missing ${missing} on the shop's own page.`;
    case "at-checkout":
      return `Pay the missing ${missing} on the payment provider's own page.`;
    case "no-address":
      return `The payment provider is being asked where to pay the missing ${missing}.`;
    case "price-ended":
      return `The price has ended; ask for a new one before you send the missing ${missing}.`;
    case "nothing-missing":
      return "Nothing more is to be sent; it is not settled yet.";
    case "being-valued":
      return "More has been seen than is counted yet. Send nothing more; if this does not settle by itself, ask the shop.";
    case "whole-only":
      return `The missing ${missing} cannot be paid with this coin; ask the shop for another one.`;
  }
}

function completed(payment: PaymentDocument, side: Side): Said {
  const asked = money(payment.amount, payment.currency);
  if (side === "buyer") {
    return {
      tone: "done",
      headline: "Paid",
      sentence: `Your payment of ${asked} is complete, and ${payment.checkoutId === null ? "the seller has" : "the sellers have"} been told.`,
    };
  }
  const escrow = {
    none: "",
    funded: " It is held until the sale is settled.",
    releasing: " It is being paid out to you now.",
    released: " It has been paid out to you.",
    refunded: " It was sent back to the buyer.",
  }[payment.escrowState];
  return { tone: "done", headline: "The buyer has paid", sentence: `The payment of ${asked} is complete.${escrow}` };
}

function expired(payment: PaymentDocument, side: Side): Said {
  const nothing = isZero(payment.received);
  const inTime = nothing
    ? "Nothing arrived in time."
    : `${came(payment)} of ${money(payment.amount, payment.currency)} arrived in time.`;
  return {
    tone: "over",
    headline: "The time to pay has run out",
    sentence:
      side === "buyer"
        ? `${inTime} Do not send money any more: ask the shop first. What is on its way already is still counted.`
        : `${inTime} If money still comes it is counted, and you are told here.`,
  };
}

function remarks(payment: PaymentDocument, side: Side): string[] {
  const found: string[] = [];
  const tooMuch = left(payment, "excess");
  if (!isZero(tooMuch)) {
    const excess = roundMoney(tooMuch, payment.currency, "down");
    found.push(
      side === "buyer"
        ? `${excess} more came than was asked for. Ask the shop to send it back.`
        : `${excess} more came than was asked for; it belongs to the buyer.`,
    );
  }
  if (!isZero(payment.refunded) && payment.status !== "refunded") {
    found.push(`${roundMoney(payment.refunded, payment.currency, "down")} went back to ${side === "buyer" ? "you" : "the buyer"}.`);
  }
  found.push(...disputeRemarks(payment, side));
  if (payment.late) found.push("Some of the money came after the deadline. It was counted all the same.");
  const setback = lastSetback(payment);
  if (setback !== null && payment.status !== "pending" && payment.status !== "completed") {
    found.push(`${sentence(setback.reason ?? `A transaction was ${setback.stage}`)} It does not count.`);
  }
  return found;
}

/** The transfer that came to nothing last; null while others are under way or nothing went wrong. */
function lastSetback(payment: PaymentDocument): Sighting | null {
  const underWay = payment.sightings.some(({ stage }) => stage === "seen" || stage === "mined");
  if (underWay) return null;
  return payment.sightings.findLast(({ stage }) => ["reorganised", "dropped", "failed"].includes(stage)) ?? null;
}

function inFlight(payment: PaymentDocument): string {
  const [only, ...others] = payment.transfers.filter((transfer) => !transfer.confirmed);
  return only === undefined || others.length > 0 ? "" : `: ${money(only.amount, only.asset)}`;
}

function because({ reason }: Sighting): string {
  return reason === null ? "" : ` (${reason})`;
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

const ASK_THE_SHOP = "Ask the shop for a new payment.";

/**
 * What a screen reader is told when the payment has moved; null if it is not worth interrupting for. Of confirmations,
 * which may come every second, the first, the middle and the end are.
 */
export function announcement(before: PaymentDocument | null, now: PaymentDocument, side: Side): string | null {
  const line = paymentLine(now, side);
  const said = `${line.headline}. ${line.sentence}`;
  if (before === null) return null;
  const previous = paymentLine(before, side);
  if (`${previous.headline}. ${previous.sentence}` === said) return null;
  const [from, to, needed] = [before.confirmations, now.confirmations, now.requiredConfirmations];
  const isCounting = before.status === "confirming" && now.status === "confirming" && from !== null && to !== null;
  if (!isCounting || needed === null || to < from) return said;
  const half = Math.ceil(needed / 2);
  return from < half && to >= half ? said : null;
}

const ENDINGS: Partial<Record<PaymentDocument["status"], string>> = {
  expired: "Expired",
  failed: "Failed",
  cancelled: "Cancelled",
  refunded: "Refunded",
};

function steps(payment: PaymentDocument): Step[] {
  const { status, history } = payment;
  const first = (...statuses: HistoryItem["status"][]): string | null =>
    history.find((item) => statuses.includes(item.status))?.at ?? null;
  const seenAt = first("confirming", "partially_paid", "completed");
  const wasSeen = seenAt !== null && status !== "pending";
  const isMined = status === "confirming" && payment.confirmations !== null;
  const found: Step[] = [
    { name: "Waiting", state: status === "pending" ? "current" : "done", note: null, at: payment.createdAt },
  ];
  const ending = ENDINGS[status];
  if (ending !== undefined) {
    if (wasSeen) found.push({ name: "Seen", state: "done", note: null, at: seenAt });
    if (!isZero(payment.received)) {
      const name = compare(payment.received, payment.amount) < 0 ? "Partly paid" : "Arrived";
      found.push({ name, state: "done", note: arrivedNote(payment), at: first("partially_paid") });
    }
    found.push({ name: ending, state: "stopped", note: null, at: last(history, status) });
    return found;
  }
  const isPartial = status === "partially_paid";
  const isDone = status === "completed";
  found.push({
    name: "Seen",
    state: isPartial || isDone || isMined ? "done" : status === "confirming" ? "current" : "ahead",
    note: null,
    at: wasSeen ? seenAt : null,
  });
  found.push({
    name: "Confirming",
    state: isPartial || isDone ? "done" : isMined ? "current" : "ahead",
    note: isMined ? confirmationNote(payment) : null,
    at: null,
  });
  if (isPartial) found.push({ name: "Partly paid", state: "current", note: arrivedNote(payment), at: last(history, status) });
  found.push({ name: "Paid", state: isDone ? "done" : "ahead", note: null, at: isDone ? first("completed") : null });
  return found;
}

function confirmationNote({ confirmations, requiredConfirmations }: PaymentDocument): string {
  return requiredConfirmations === null ? `${confirmations} so far` : `${confirmations} of ${requiredConfirmations}`;
}

function arrivedNote(payment: PaymentDocument): string {
  return `${came(payment)} of ${money(payment.amount, payment.currency)}`;
}

function came(payment: PaymentDocument): string {
  return roundMoney(payment.received, payment.currency, "down");
}

function last(history: HistoryItem[], status: string): string | null {
  return history.findLast((item) => item.status === status)?.at ?? null;
}
