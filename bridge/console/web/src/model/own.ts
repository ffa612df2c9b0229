/** One's own: what the lists of a buyer and of a seller say of each payment and payout, and what of both is news to them. */

import type { Fixed } from "../words/catalogue";
import type { Words } from "../words/words";
import { compare, sum } from "./amounts";
import { asTheirs } from "./cancelled-shares";
import type { PaymentDocument, PayoutDocument, PayoutStatus } from "./documents";
import { paymentLine, type Side, type Tone } from "./payment-line";
import { type RefundLine, refundLine, takingMoney } from "./refunds";

/** A page of a list, and what asks for the next. */
export interface Listed<Item> {
  items: readonly Item[];
  next: string | null;
}

export interface OwnLists {
  payments: Listed<PaymentDocument>;
  /** To a seller; a buyer has none. */
  payouts: Listed<PayoutDocument>;
  onItsWay: Listed<PayoutDocument>;
}

export interface OwnLine {
  amount: string;
  currency: string;
  tone: Tone;
  words: string;
  /** What it is about. */
  about: string;
  /** What is to be done about it, if anything is. */
  asks: string | null;
  path: string;
}

export function paymentEntry(words: Words, payment: PaymentDocument, side: Side, me: string): OwnLine {
  const mine = side === "buyer" ? payment.shares : payment.shares.filter(({ sellerId }) => sellerId === me);
  const shown = side === "buyer" ? payment : asTheirs(payment, mine);
  const line = goingBack(words, shown, side) ?? paymentLine(words, shown, side);
  const page =
    payment.checkoutId === null
      ? `/pay/${encodeURIComponent(payment.paymentId)}`
      : `/checkout/${encodeURIComponent(payment.checkoutId)}`;
  const waitsForAddress = payment.refunds.some(({ status }) => status === "awaiting_address");
  return {
    amount: side === "buyer" ? payment.amount : sum(mine.map(({ amount }) => amount)),
    currency: payment.currency,
    tone: line.tone,
    words: line.headline,
    about: mine.map(({ requestId }) => requestId).join(", "),
    asks: side === "buyer" && waitsForAddress ? words.say("sayWhereRefundGoes") : null,
    path: side === "buyer" ? page : `${page}?as=seller`,
  };
}

/** Where all of a completed payment is to go back: that is what there is to say of it, as its page does. */
function goingBack(words: Words, payment: PaymentDocument, side: Side): RefundLine | null {
  if (payment.status !== "completed") return null;
  const refunds = takingMoney(payment).filter(({ of }) => of === "goods");
  const open = refunds.findLast(({ status }) => status !== "completed");
  const isAll = compare(sum(refunds.map(({ amount }) => amount)), payment.amount) >= 0;
  return open === undefined || !isAll ? null : refundLine(words, open, side);
}

/** In a seller's words: who looks into what goes wrong is no business of theirs. */
const PAYOUT_WORDS: Record<PayoutStatus, [Tone, Fixed]> = {
  awaiting_approval: ["waiting", "toBeApproved"],
  created: ["waiting", "toBeSent"],
  broadcast: ["moving", "payoutSent"],
  confirming: ["moving", "beingConfirmed"],
  ambiguous: ["short", "lookedInto"],
  mismatch: ["short", "lookedInto"],
  dropped: ["short", "lookedInto"],
  completed: ["done", "payoutArrived"],
  failed: ["trouble", "payoutFailed"],
  returned: ["over", "payoutReturned"],
};

const SETTLED: readonly PayoutStatus[] = ["completed", "failed", "returned"];

export const ON_ITS_WAY: readonly PayoutStatus[] = (Object.keys(PAYOUT_WORDS) as PayoutStatus[]).filter(
  (status) => !SETTLED.includes(status),
);

export function payoutEntry(words: Words, payout: PayoutDocument): OwnLine {
  const [tone, name] = PAYOUT_WORDS[payout.status];
  return {
    amount: payout.amount,
    currency: payout.coin,
    tone,
    words: words.say(name),
    about: payout.destination, // whole: others are made whose ends are the same
    asks: null,
    path: `/pay/${encodeURIComponent(payout.paymentId)}?as=seller`,
  };
}

/** What an event tells of, as far as a list can be concerned by it. */
export interface Told {
  paymentId?: string | undefined;
  payoutId?: string | undefined;
  buyerId?: string | undefined;
  sellerId?: string | undefined;
}

/** Whether an event changes what is shown: where events go to everyone, most are of somebody else's money. */
export function concernsOwn({ payments, payouts, onItsWay }: OwnLists, side: Side, me: string, told: Told): boolean {
  if ((side === "buyer" ? told.buyerId : told.sellerId) === me) return true;
  const out = [...payouts.items, ...onItsWay.items];
  return (
    payments.items.some(({ paymentId }) => paymentId === told.paymentId) ||
    out.some(({ payoutId }) => payoutId === told.payoutId)
  );
}
