/**
 * What a payment's page says: one headline, one sentence of what to know or to do, and the steps from waiting to paid.
 * Everything is read off the document; nothing is remembered.
 */

import type { Fixed } from "../words/catalogue";
import type { Words } from "../words/words";
import { agreed, isZero, money, roundMoney, share } from "./amounts";
import { cancelledRemarks } from "./cancelled-shares";
import { disputeRemarks } from "./disputes";
import type { Cause, PaymentDocument, Sighting } from "./documents";
import { type Nowhere, whyNowhere } from "./payment-links";
import { steps, type Step } from "./payment-steps";
import { left } from "./refunds";

export type Side = "buyer" | "seller";

/** How a line feels: it decides the mark and the colour, never the words. */
export type Tone = "waiting" | "moving" | "short" | "done" | "over" | "trouble";

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
export function paymentLine(words: Words, payment: PaymentDocument, side: Side, now: number | null = null): PaymentLine {
  const said = SAYINGS[payment.status](words, payment, side, whyNowhere(payment, now));
  return {
    tone: said.tone ?? "waiting",
    headline: said.headline,
    sentence: said.sentence,
    remarks: [...(said.remarks ?? []), ...remarks(words, payment, side)],
    steps: steps(words, payment),
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

type Saying = (words: Words, payment: PaymentDocument, side: Side, nowhere: Nowhere | null) => Said;

const SAYINGS: Record<PaymentDocument["status"], Saying> = {
  pending: waiting,
  confirming,
  partially_paid: partiallyPaid,
  completed,
  expired,
  failed: (words, _payment, side) => ({
    tone: "trouble",
    headline: words.say("failed"),
    sentence: words.together(words.say("givenUp"), words.say(side === "buyer" ? "askNewPayment" : "shopCanOpenAnother")),
  }),
  cancelled: (words, payment, side) => ({
    tone: "over",
    headline: words.say("cancelled"),
    sentence:
      side === "buyer" ? words.together(words.say("sendNothing"), words.say("askNewPayment")) : words.say("buyerNotAsked"),
    remarks: isZero(left(payment, "goods")) ? [] : [words.say("shopDecides", { amount: came(payment) })],
  }),
  refunded: (words, payment, side) => ({
    tone: "over",
    headline: words.say("refunded"),
    sentence: words.say(side === "buyer" ? "cameAndWentToYou" : "cameAndWentToBuyer", { amount: came(payment) }),
  }),
};

function waiting(words: Words, payment: PaymentDocument, side: Side, nowhere: Nowhere | null): Said {
  const setback = lastSetback(payment);
  if (setback !== null) return takenBack(words, setback, side);
  if (side === "seller") return { headline: words.say("waitingForBuyer"), sentence: words.say("nothingSent") };
  if (nowhere === "no-address" && payment.invoices[0]?.refusal != null) {
    return { tone: "short", headline: words.say("noAddressYet"), sentence: words.say("notOpened") };
  }
  if (nowhere === "no-address") return { headline: words.say("preparing"), sentence: words.say("addressAsked") };
  return {
    headline: words.say("waiting"),
    sentence: words.together(words.say(HOW_TO_PAY[nowhere ?? "here"]), words.say("tellsWhenSeen")),
  };
}

const HOW_TO_PAY: Record<Exclude<Nowhere, "no-address"> | "here", Fixed> = {
  here: "scanOrCopy",
  "at-the-shop": "paidAtShop",
  "at-checkout": "paidAtProvider",
  "nothing-missing": "nothingMore",
  "price-ended": "askNewPrice",
  "being-valued": "beingValued",
  "whole-only": "otherCoin",
};

function takenBack(words: Words, setback: Sighting, side: Side): Said {
  const yours = side === "buyer";
  const why = because(words, setback);
  switch (setback.stage) {
    case "reorganised":
      return {
        tone: "short",
        headline: words.say("blockTakenBack"),
        sentence: words.say(yours ? "blockReplacedBuyer" : "blockReplacedSeller"),
      };
    case "dropped":
      return {
        tone: "trouble",
        headline: words.say("droppedTransaction"),
        sentence: words.together(
          words.say("neverTaken"),
          setback.cause === "forgotten" ? null : why,
          words.say(yours ? "sendAgain" : "buyerSendsAgain"),
        ),
      };
    default:
      return {
        tone: "trouble",
        headline: words.say("notForThis"),
        sentence: words.together(
          why ?? words.say("failedOnChain"),
          words.say(yours ? "stillOpen" : "buyerStillPays"),
        ),
      };
  }
}

const CAUSES: Record<Cause, Fixed> = {
  failed: "whyFailed",
  "other-sender": "whyOtherSender",
  "other-coin": "whyOtherCoin",
  "other-address": "whyOtherAddress",
  "too-early": "whyTooEarly",
  "counted-elsewhere": "whyCountedElsewhere",
  undecided: "whyUndecided",
  replaced: "whyReplaced",
  forgotten: "whyForgotten",
};

/** Why a transaction came to nothing, in the reader's language; null where nobody says more than how far it came. */
function because(words: Words, { cause, reason }: Sighting): string | null {
  if (cause !== null && cause in CAUSES) return words.say(CAUSES[cause]);
  const told = words.ofTheBridge(reason);
  return told === null ? null : sentence(told);
}

function confirming(words: Words, payment: PaymentDocument, side: Side): Said {
  const { confirmations: done, requiredConfirmations: needed } = payment;
  const yours = side === "buyer";
  if (done === null) {
    return {
      tone: "moving",
      headline: words.say(yours ? "seen" : "buyersSeen"),
      sentence: words.together(inFlight(words, payment, side), words.say(needed === null ? "countsWhenConfirmed" : "noBlockYet")),
    };
  }
  const inBlock = words.say(yours ? "yoursInBlock" : "buyersInBlock");
  if (needed === null) {
    return {
      tone: "moving",
      headline: words.count("confirmingSoFar", done),
      sentence: words.together(inBlock, words.say("countsWhenFinal")),
    };
  }
  return {
    tone: "moving",
    headline: words.say("confirmingOf", { done, needed }),
    sentence: words.together(inBlock, words.count("countsAfterBlocks", needed)),
  };
}

function partiallyPaid(words: Words, payment: PaymentDocument, side: Side, nowhere: Nowhere | null): Said {
  const asked = agreed(payment.amount, payment.currency);
  const missing = roundMoney(payment.missing, payment.currency, "up");
  const more = payment.transfers.some((transfer) => !transfer.confirmed);
  return {
    tone: "short",
    headline: words.say(side === "buyer" ? "stillToPay" : "stillMissing", { amount: missing }),
    sentence: words.together(
      words.say("partArrived", { received: came(payment), asked }),
      more
        ? words.say("moreOnItsWay")
        : side === "buyer"
          ? howToPayTheRest(words, missing, nowhere)
          : words.say("buyerAsked", { missing }),
    ),
  };
}

function howToPayTheRest(words: Words, missing: string, nowhere: Nowhere | null): string {
  switch (nowhere) {
    case null:
      return words.say("sendRest", { missing });
    case "at-the-shop":
      return words.say("payRestAtShop", { missing });
    case "at-checkout":
      return words.say("payRestAtProvider", { missing });
    case "no-address":
      return words.say("restAsked", { missing });
    case "price-ended":
      return words.say("restNewPrice", { missing });
    case "nothing-missing":
      return words.say("notSettled");
    case "being-valued":
      return words.say("moreSeen");
    case "whole-only":
      return words.say("restOtherCoin", { missing });
  }
}

const OF_ESCROW: Record<PaymentDocument["escrowState"], Fixed | null> = {
  none: null,
  funded: "held",
  releasing: "beingPaidOut",
  released: "paidOut",
  refunded: "sentBackToBuyer",
};

function completed(words: Words, payment: PaymentDocument, side: Side): Said {
  const amount = agreed(payment.amount, payment.currency);
  if (side === "buyer") {
    return {
      tone: "done",
      headline: words.say("paid"),
      sentence: words.say(payment.checkoutId === null ? "paidToSeller" : "paidToSellers", { amount }),
    };
  }
  // Whoever sees the money of several sellers is not told that it is theirs.
  const isOfSeveral = new Set(payment.shares.map(({ sellerId }) => sellerId)).size > 1;
  const escrow = isOfSeveral ? null : OF_ESCROW[payment.escrowState];
  return {
    tone: "done",
    headline: words.say("buyerPaid"),
    sentence: words.together(words.say("complete", { amount }), escrow && words.say(escrow)),
  };
}

function expired(words: Words, payment: PaymentDocument, side: Side): Said {
  const yours = side === "buyer";
  const received = isZero(payment.received)
    ? null
    : words.say("partInTime", { received: came(payment), asked: agreed(payment.amount, payment.currency) });
  const seen = payment.transfers.some((transfer) => !transfer.confirmed)
    ? words.say(yours ? "yoursNeverConfirmed" : "buyersNeverConfirmed")
    : null;
  return {
    tone: "over",
    headline: words.say("expired"),
    sentence: words.together(
      ...(received === null && seen === null ? [words.say("nothingInTime")] : [received, seen]),
      words.say(yours ? "sendNothingLate" : "lateIsCounted"),
    ),
  };
}

const OF_SETBACK: Partial<Record<Sighting["stage"], Fixed>> = {
  reorganised: "aTransactionReorganised",
  dropped: "aTransactionDropped",
};

function remarks(words: Words, payment: PaymentDocument, side: Side): string[] {
  const yours = side === "buyer";
  const found = cancelledRemarks(words, payment, side);
  const tooMuch = left(payment, "excess");
  if (!isZero(tooMuch)) {
    const amount = roundMoney(tooMuch, payment.currency, "down");
    found.push(words.say(yours ? "tooMuchBuyer" : "tooMuchSeller", { amount }));
  }
  if (!isZero(payment.refunded) && payment.status !== "refunded") {
    const amount = roundMoney(payment.refunded, payment.currency, "down");
    found.push(words.say(yours ? "wentBackToYou" : "wentBackToBuyer", { amount }));
  }
  found.push(...disputeRemarks(words, payment, side));
  if (payment.late) found.push(words.say("cameLate"));
  const setback = lastSetback(payment);
  if (setback !== null && payment.status !== "pending" && payment.status !== "completed") {
    const said = because(words, setback) ?? words.say(OF_SETBACK[setback.stage] ?? "aTransactionFailed");
    found.push(words.together(said, words.say("doesNotCount")));
  }
  return found;
}

/** The transfer that came to nothing last; null while others are under way or nothing went wrong. */
function lastSetback(payment: PaymentDocument): Sighting | null {
  const underWay = payment.sightings.some(({ stage }) => stage === "seen" || stage === "mined");
  if (underWay) return null;
  return payment.sightings.findLast(({ stage }) => ["reorganised", "dropped", "failed"].includes(stage)) ?? null;
}

function inFlight(words: Words, payment: PaymentDocument, side: Side): string {
  const yours = side === "buyer";
  const [only, ...others] = payment.transfers.filter((transfer) => !transfer.confirmed);
  if (only === undefined || others.length > 0) return words.say(yours ? "yoursOnItsWay" : "buyersOnItsWay");
  return words.say(yours ? "yoursOnItsWayOf" : "buyersOnItsWayOf", { amount: money(only.amount, only.asset) });
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/**
 * What a screen reader is told when the payment has moved; null if it is not worth interrupting for. Of confirmations,
 * which may come every second, the first, the middle and the end are.
 */
export function announcement(words: Words, before: PaymentDocument | null, now: PaymentDocument, side: Side): string | null {
  if (before === null) return null;
  const said = readOut(words, now, side);
  if (readOut(words, before, side) === said) return null;
  const [from, to, needed] = [before.confirmations, now.confirmations, now.requiredConfirmations];
  const isCounting = before.status === "confirming" && now.status === "confirming" && from !== null && to !== null;
  if (!isCounting || needed === null || to < from) return said;
  const half = Math.ceil(needed / 2);
  return from < half && to >= half ? said : null;
}

function readOut(words: Words, payment: PaymentDocument, side: Side): string {
  const { headline, sentence: said } = paymentLine(words, payment, side);
  return words.say("readOut", { headline, sentence: said });
}

function came(payment: PaymentDocument): string {
  return roundMoney(payment.received, payment.currency, "down");
}
