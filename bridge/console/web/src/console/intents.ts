/** What staff may do, and the words in which each is asked before it is done. */

import type { Gift, Outcome } from "../model/attention";
import type { Resuming } from "../model/holds";
import type { ProblemKind, Ruling } from "../model/ops-documents";
import { ENDPOINT_WORDS, type EndpointDeed } from "./endpointDeeds";

/** What somebody is about to do, and to what, in words. */
export type Intent = { title: string; detail: string } & (
  | { action: "approve" | "reject" | "withdraw-payout" | "recheck" | "resolve"; payoutId: string }
  | { action: "replay"; webhookId: string }
  | { action: "dismiss"; id: string; seen: string }
  | { action: "give"; gift: Gift }
  | { action: "hold" | Resuming }
  | { action: Ruling | "refund"; paymentId: string }
  | { action: "withdraw"; refundId: string }
  | { action: "settle"; paymentId: string; problem: ProblemKind }
  | EndpointDeed
);

export interface Words {
  title: string;
  text: string;
  button: string;
  /** What is asked a second time, where it cannot be undone. */
  again?: { text: string; button: string };
}

export const WORDS: Record<Intent["action"], Words> = {
  ...ENDPOINT_WORDS,
  approve: {
    title: "Approve this payout?",
    text: "It is sent at once, unless payouts are held, and cannot be called back. Who asked for it cannot approve it.",
    button: "Approve and send …",
    again: { text: "Are you sure? The money leaves at once, and cannot be called back.", button: "Yes, approve and send" },
  },
  reject: {
    title: "Reject this payout?",
    text: "Nothing of it is sent, and another payout can be made for its payment. Who asked for it cannot reject it.",
    button: "Reject it",
  },
  accept: {
    title: "Accept this payment as paid?",
    text: "It completes whatever has come, and the seller is told that it is paid.",
    button: "Accept as paid …",
    again: { text: "Are you sure? It cannot be undone: the seller may hand out the goods.", button: "Yes, accept it as paid" },
  },
  wait: {
    title: "Keep waiting for the money?",
    text: "The payment is open until then, and the buyer can pay.",
    button: "Keep waiting",
  },
  cancel: {
    title: "Cancel this payment?",
    text: "It is cancelled for good: money that comes all the same does not complete it, but waits for a person.",
    button: "Cancel the payment …",
    again: { text: "Are you sure? It cannot be undone: the buyer is told that it is cancelled.", button: "Yes, cancel the payment" },
  },
  refund: {
    title: "Send money back?",
    text:
      "The buyer is asked on the payment's page where to send it. Until then you can withdraw it; from then on it is a payout like " +
      "others. A payment that is not completed is cancelled for good with it.",
    button: "Open the refund",
  },
  withdraw: {
    title: "Withdraw this refund?",
    text: "The buyer is not asked for an address any more, and the money is there for the seller, or for another refund.",
    button: "Withdraw it",
  },
  "withdraw-payout": {
    title: "Withdraw this payout?",
    text: "Nothing of it is sent, and another payout can be made for its payment. Only who asked for it can withdraw it.",
    button: "Withdraw it",
  },
  settle: {
    title: "Was this settled elsewhere?",
    text:
      "Its money was sent back, or the parties agreed. This is off the list until there is news of it. A payment that has only " +
      "a part of its money is cancelled with it: what comes later does not complete it, but is on the list again. To take such " +
      "a payment as paid, accept it instead.",
    button: "Record it",
  },
  hold: {
    title: "Hold all payouts?",
    text: "No payout is sent from now on, until somebody resumes them. What a provider has taken on already goes its way.",
    button: "Hold all payouts",
  },
  resume: {
    title: "Resume payouts?",
    text: "What waits is sent at once, unless others hold payouts.",
    button: "Resume payouts …",
    again: { text: "Are you sure? All that waits leaves at once, and cannot be called back.", button: "Yes, resume payouts" },
  },
  "resume-without-comparison": {
    title: "Resume payouts without the comparison?",
    text:
      "The journal was restored or copied, and the bridge is still comparing it with the providers: a payout that it has forgotten " +
      "may have been sent already, and is sent once more then. What the comparison finds from now on holds nothing.",
    button: "Resume without the comparison …",
    again: { text: "Are you sure? What was sent before may be sent again, and cannot be called back.", button: "Yes, resume without it" },
  },
  recheck: {
    title: "Re-check this payout?",
    text: "The provider and, where it is watched, the chain are asked now how it stands. No money is sent by this.",
    button: "Re-check now",
  },
  replay: {
    title: "Replay this webhook?",
    text: "It is read again as if it came now. What was counted before is not counted twice.",
    button: "Replay now",
  },
  give: {
    title: "Which payment is it for?",
    text: "The transfer counts for that payment, as far as the chain shows it and nothing else has it.",
    button: "Give it to the payment …",
    again: { text: "Are you sure? Its seller may be told that it is paid, and can be paid out.", button: "Yes, give it to the payment" },
  },
  dismiss: {
    title: "Take this off the list?",
    text: "It needs nobody any more. Nothing of what is kept changes.",
    button: "Dismiss",
  },
  resolve: {
    title: "What became of this payout?",
    text: "The provider and the chain are asked first, and what they know counts. What you say decides whether it can be sent again.",
    button: "Record it",
  },
};

export const SENT_ALREADY: Words = {
  title: "Write down what was sent back?",
  text:
    "Nothing is sent by this, and the buyer is asked for nothing: the figures are right then. A payment that is not completed is " +
    "cancelled for good with it.",
  button: "Write it down …",
  again: { text: "Are you sure that it was sent? The bridge does not send that money then.", button: "Yes, it was sent" },
};

/** What a person says of a payout moves its money, or counts as if it had moved, so each is asked a second time. */
export const OUTCOMES_AGAIN: Record<Outcome, NonNullable<Words["again"]>> = {
  sent: { text: "Are you sure that this transaction carries it? It is not sent again then.", button: "Yes, it was sent" },
  arrived: { text: "Are you sure that it has arrived? It is completed then, whatever the chain says.", button: "Yes, it has arrived" },
  "not-sent": {
    text: "Are you sure that it was not sent? Its payment can be paid out again then: the seller has the money twice if it was.",
    button: "Yes, it was not sent",
  },
  returned: {
    text: "Are you sure that it came back? Its payment can be paid out again then: the seller has the money twice if it did not.",
    button: "Yes, it came back",
  },
};
/** A transaction that is another payout's already is for both only where somebody has seen that. */
export const FOR_BOTH = "Yes, it is for both";
/** And an address that is not the one of before is the buyer's only where they gave it. */
export const GAVE_BOTH = "Yes, the buyer gave it";
export const NEEDS_A_NOTE: readonly string[] = ["accept", "cancel", "settle", "reject", "refund"];
export const TAKES_A_NOTE: readonly string[] = [...NEEDS_A_NOTE, "approve", "dismiss", "hold", "resume", "resume-without-comparison", "resolve", "withdraw", "withdraw-payout", "endpoint-disable"];
const WHY_MISSING = "Say why: it is kept with what you do.";
const FOUND_OUT: Record<Outcome, string> = {
  sent: "it was sent",
  arrived: "it has arrived",
  "not-sent": "it was not sent",
  returned: "it came back",
};

/** What is said where a note is missing: of a payout, what nothing but a person's word confirms. */
export function noteMissing(outcome: Outcome | null): string {
  return outcome === null ? WHY_MISSING : `Say how you found out that ${FOUND_OUT[outcome]}: it is kept with what you do.`;
}

/** Whether only a person's word says that a payout became this: what was sent, a chain that is followed shows by itself. */
export function isTheirWord(outcome: Outcome | null, chain: string | null): boolean {
  return outcome !== null && (outcome !== "sent" || chain === null);
}
export const NOTE_LABELS: Partial<Record<Intent["action"], string>> = { resolve: "How you found out" };
export const NOTE_HINTS: Partial<Record<Intent["action"], string>> = {
  reject: "Kept with the payout, where its seller can read it.",
  "withdraw-payout": "Kept with the payout, where its seller can read it.",
  refund: "Kept with what you do. The buyer reads it too.",
};
