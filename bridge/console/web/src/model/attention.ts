/** What needs a person: what each kind is called, what may be done about it, and what is shown first. */

import type { AttentionAnswer, AttentionItem, AttentionKind, LeftOut, PayoutRow, ProblemKind, Ruling, Session, StaffAction } from "./ops-documents";

/** What can be wrong with a payment, as it is called on the list and in the filter. */
export const PROBLEMS: Record<ProblemKind, string> = {
  "payment-overdrawn": "Overdrawn",
  "payment-refunded-while-paid-out": "Refunded and paid out",
  "payment-refund-told-twice": "Refund told twice",
  "payment-called-refunded": "Called refunded",
  "payment-disputed": "Disputed",
  "payment-twice-paid": "Paid twice",
  "payment-contradicting-books": "Contradicting books",
  "payment-unreadable-books": "Unreadable books",
  "payment-foreign": "Not about this payment",
  "payment-forgotten": "Forgotten invoice",
  "payment-price-doubted": "Doubted price",
  "payment-fee-too-high": "Fee too high",
  "payment-other-currency": "Other currency",
  "payment-paid-after-cancellation": "Paid after cancellation",
  "payment-short": "Too little",
  "payment-partly-paid-expired": "Expired, partly paid",
  "payment-unconfirmed-too-long": "Never confirmed",
  "payment-lateness-doubted": "Late, or not",
  "payment-over": "Too much",
};

export const KINDS: Record<AttentionKind, string> = {
  ...PROBLEMS,
  "payment-without-address": "No address",
  "payout-sent-after-all": "Sent after all",
  "payout-paid-twice": "Paid twice",
  "payout-forgotten": "Forgotten payout",
  "payout-mismatch": "Mismatch",
  "payout-contradicted": "Contradicted",
  "payout-ambiguous": "Ambiguous",
  "payout-dropped": "Dropped",
  "payout-awaiting-approval": "Awaiting approval",
  "payout-overdue": "Stuck",
  "journal-rewound": "Journal rewound",
  "payouts-held": "Held",
  "payout-failed": "Failed",
  "payout-returned": "Returned",
  "refund-without-address": "No address for a refund",
  "webhook-unreadable": "Unreadable webhook",
  "webhook-unmatched": "Unmatched webhook",
  "transfer-unmatched": "Unmatched transfer",
  "chain-alarm": "Chain alarm",
  "chain-contradicted": "Contradicting endpoints",
  "coin-unfollowed": "Unfollowed coin",
  "provider-unset": "Provider not set up",
  "provider-unreachable": "Provider cannot be asked",
  "provider-dates-off": "Dates in another zone",
  "chain-read-by-one": "Blocks read by one",
  "endpoint-disabled": "Endpoint disabled",
  "endpoint-missed": "Endpoint missed events",
  "alerts-undelivered": "Alerts do not arrive",
  "wallet-differs": "Wallet differs",
  "price-unusable": "Price cannot be used",
  "row-unreadable": "Unreadable row",
  "clock-wrong": "Wrong clock",
};

/** Whether who is at the console may press a button; it is there for nobody else. */
export function mayDo(session: Session | null, action: StaffAction | "hold"): boolean {
  if (action === "approve" || action === "reject") return session?.mayApprove === true;
  return session?.mayAct === true;
}

/** Whether who is at the console may withdraw a payout: whoever asked for it may, as long as nothing of it was sent. */
export function mayWithdraw(session: Session | null, { withdrawable, askedBy }: PayoutRow): boolean {
  if (!withdrawable || askedBy === null || !mayDo(session, "withdraw")) return false;
  return session?.access !== "jwt" || session.userId === askedBy;
}

/**
 * The list as the bridge orders it, except that what a person is looking at stays where it is: whoever has the pointer
 * over a button must not find another one under it.
 */
export function settled(before: readonly AttentionItem[], now: readonly AttentionItem[], isBusy: boolean): AttentionItem[] {
  if (!isBusy) return [...now];
  const current = new Map(now.map((item) => [keyOf(item), item]));
  const kept = before.flatMap((item) => current.get(keyOf(item)) ?? []);
  const places = new Set(kept.map(keyOf));
  return [...kept, ...now.filter((item) => !places.has(keyOf(item)))];
}

/** The page of the payout or payment that an item is about; null where it is about neither. */
export function storyPath({ payoutId, paymentId }: AttentionItem): string | null {
  if (payoutId) return `/ops/payouts/${payoutId}`;
  return paymentId ? `/ops/payments/${paymentId}` : null;
}

/** A text in pieces: those that are the id of a payment or payout have the path of its page. */
export function storiesIn(text: string): { words: string; path: string | null }[] {
  return text.split(/\b((?:pay|out)_[0-9a-f]{24,26})\b/).flatMap((words, number) => {
    if (words === "") return [];
    const view = words.startsWith("out_") ? "payouts" : "payments";
    return [{ words, path: number % 2 === 1 ? `/ops/${view}/${words}` : null }];
  });
}

export function keyOf(item: AttentionItem): string {
  return `${item.kind} ${item.id}`;
}

/** How many there are of each kind, in the order of the list: `2 mismatch, 1 stuck`. */
export function counted(items: readonly AttentionItem[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of items) counts.set(KINDS[kind], (counts.get(KINDS[kind]) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name.toLowerCase()}`).join(", ");
}

/** How many things need a person, those that are not listed included: `213`, or `213+` where not all were counted. */
export function howMany(items: readonly AttentionItem[], leftOut: readonly LeftOut[]): string {
  const all = leftOut.reduce((sum, { count }) => sum + (count ?? 0), items.length);
  return leftOut.some(({ count }) => count === null) ? `${all}+` : `${all}`;
}

/** What is said where nothing is listed: that all goes its way only if nothing waits in another state, or for a moment. */
export function nothingListed({ leftOut, awaitingAddress, elsewhere }: Omit<AttentionAnswer, "items">, isAll: boolean): string {
  if (!isAll) return "Nothing stands so.";
  const waiting = (["snoozed", "closed"] as const).flatMap((state) => (elsewhere[state] ? [`${elsewhere[state]} ${state}`] : []));
  if (awaitingAddress > 0) waiting.push(`${awaitingAddress} without an address for less than a minute`);
  if (waiting.length > 0) return `Nothing is open. Still so: ${waiting.join(", ")}.`;
  return leftOut.length > 0 ? "Nothing of what is listed." : "Nothing. All goes its way.";
}

/** What is said of a kind of which not all are listed: `13 more: Too little`. */
export function leftOutWords({ kind, count }: LeftOut): string {
  return `${count === null ? "Maybe more" : `${count} more`}: ${KINDS[kind]}`;
}

/** About the money of these nobody else is asked once they are off the list, so it has to be said how they were settled. */
const OF_MONEY: readonly AttentionKind[] = ["payout-failed", "payout-returned", "payout-paid-twice", "payment-overdrawn"];

/** Whether something is dismissed only with a note, by what it is called on the list. */
export function isDismissedWithANote(id: string): boolean {
  return OF_MONEY.some((kind) => id.startsWith(`${kind}:`));
}

/** The invoice of a payment that is to be paid is not opened. */
export const WITHOUT_ADDRESS = "payment-without-address";

/** What lists of payments can be filtered by. */
export const WRONG_WITH_PAYMENTS: Readonly<Record<ProblemKind | typeof WITHOUT_ADDRESS, string>> = {
  [WITHOUT_ADDRESS]: KINDS[WITHOUT_ADDRESS],
  ...PROBLEMS,
};

export function isWrongWithPayments(kind: string): kind is keyof typeof WRONG_WITH_PAYMENTS {
  return kind in WRONG_WITH_PAYMENTS;
}

export function isProblem(kind: string): kind is ProblemKind {
  return kind in PROBLEMS;
}

/** What can be decided about a payment, as the buttons say it. */
export const RULINGS: Record<Ruling | "settle" | "refund" | "withdraw", string> = {
  accept: "Accept as paid …",
  wait: "Keep waiting …",
  cancel: "Cancel the payment …",
  settle: "Settled elsewhere …",
  refund: "Refund …",
  withdraw: "Withdraw …",
};

/** What of a transaction is given to a payment: the one transfer that the item names, where its transaction carries several. */
export interface Gift {
  txHash: string;
  place?: string;
}

export function giftOf({ txHash, place }: AttentionItem): Gift | null {
  if (!txHash) return null;
  return place ? { txHash, place } : { txHash };
}

/** The payment's id in what somebody typed or pasted, which may be the address of one of its pages; null if there is none. */
export function paymentIdIn(text: string): string | null {
  return /^(?:.*\/(?:pay|payments)\/)?([\w.~-]+)\/?$/.exec(text.trim())?.[1] ?? null;
}

/** For how long a payment can be had to wait. */
export const WAITS = [
  { hours: 1, label: "1 hour" },
  { hours: 6, label: "6 hours" },
  { hours: 24, label: "1 day" },
  { hours: 72, label: "3 days" },
  { hours: 168, label: "7 days" },
] as const;

/** What a payout can have become, as a person may say it. */
export const OUTCOMES = [
  { outcome: "arrived", label: "It has arrived", means: "Completes it, whatever the chain says." },
  { outcome: "sent", label: "It was sent", means: "Names its transaction, which is then checked on its chain." },
  { outcome: "not-sent", label: "It was not sent", means: "Fails it, so that another payout can be made." },
  { outcome: "returned", label: "It came back", means: "Names the transaction that brought it back, or its own with a note if that failed; another payout can be made." },
] as const;

export type Outcome = (typeof OUTCOMES)[number]["outcome"];

/** Why an answer to a payout cannot be sent yet; null if it can. */
export function resolutionFault(outcome: Outcome | null, txHash: string, knowsTransaction: boolean): string | null {
  if (outcome === null) return "Choose what became of it.";
  if (outcome === "sent" && txHash === "") return "Name the transaction that carries it.";
  if (outcome === "arrived" && txHash === "" && !knowsTransaction) return "Name the transaction by which it arrived.";
  if (outcome === "returned" && txHash === "") return "Name the transaction that brought it back.";
  return null;
}
