/** The confirmations of what staff may do. What was done, and by whom, is recorded by the bridge. */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Gift, isDismissedWithANote, type Outcome, paymentIdIn, resolutionFault, WAITS } from "../model/attention";
import type { Action, PayoutRow, ProblemKind, Ruling } from "../model/documents";
import { refundFault, sentFault } from "../model/refunds";
import { get, post, Problem } from "../net/rest";
import { Store, useStore } from "../net/store";
import { Asked } from "./Approval";
import { desk } from "./desk";
import { ENDPOINT_WORDS, type EndpointDeed, endpointDone } from "./endpointDeeds";
import { NOTHING_WANTED, refundContent, RefundFields, type RefundWanted, type Seen } from "./RefundFields";
import { Field, ResolutionFields } from "./ResolutionFields";

/** What somebody is about to do, and to what, in words. */
export type Intent = { title: string; detail: string } & (
  | { action: "approve" | "reject" | "withdraw-payout" | "recheck" | "resolve"; payoutId: string }
  | { action: "replay"; webhookId: string }
  | { action: "dismiss"; id: string }
  | { action: "give"; gift: Gift }
  | { action: "hold" | "resume" }
  | { action: Ruling | "refund"; paymentId: string }
  | { action: "withdraw"; refundId: string }
  | { action: "settle"; paymentId: string; problem: ProblemKind }
  | EndpointDeed
);

export interface Done {
  message: string;
  action: Action | null;
  payout?: PayoutRow;
}

export const WHO = "bridge.who";
const intended = new Store<{ intent: Intent; time: number } | null>(null);
let times = 0;

export function askFor(intent: Intent): void {
  times += 1;
  intended.set({ intent, time: times });
}

export function Dialogs(): JSX.Element | null {
  const asked = useStore(intended);
  if (asked === null) return null;
  // Of a dialog that closes the browser tells later, when another may have been asked for.
  const close = (): void => intended.update((latest) => (latest === asked ? null : latest));
  return <ActionDialog key={asked.time} intent={asked.intent} close={close} />;
}

interface Words {
  title: string;
  text: string;
  button: string;
  /** What is asked a second time, where it cannot be undone. */
  again?: { text: string; button: string };
}

const WORDS: Record<Intent["action"], Words> = {
  ...ENDPOINT_WORDS,
  approve: {
    title: "Approve this payout?",
    text: "It is sent at once, unless payouts are held, and cannot be called back. Who asked for it cannot approve it.",
    button: "Approve and send",
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
    text: "What waits is sent at once.",
    button: "Resume payouts",
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
    button: "Give it to the payment",
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

const SENT_ALREADY: Words = {
  title: "Write down what was sent back?",
  text:
    "Nothing is sent by this, and the buyer is asked for nothing: the figures are right then. A payment that is not completed is " +
    "cancelled for good with it.",
  button: "Write it down",
};

/** That it was not sent has it paid again, so it is asked a second time. */
const NOT_SENT_AGAIN = {
  text: "Are you sure that it was not sent? Its payment can be paid out again then: the seller has the money twice if it was.",
  button: "Yes, it was not sent",
};
/** A transaction that is another payout's already is for both only where somebody has seen that. */
const FOR_BOTH = "Yes, it is for both";
/** And an address that is not the one of before is the buyer's only where they gave it. */
const GAVE_BOTH = "Yes, the buyer gave it";
const NEEDS_A_NOTE: readonly string[] = ["accept", "cancel", "settle", "reject", "refund"];
const TAKES_A_NOTE: readonly string[] = [...NEEDS_A_NOTE, "approve", "dismiss", "hold", "resume", "resolve", "withdraw", "withdraw-payout", "endpoint-disable"];
const NOTE_MISSING = {
  why: "Say why: it is kept with what you do.",
  "not-sent": "Say how you found out that it was not sent: it is kept with what you do.",
};
const NOTE_LABELS: Partial<Record<Intent["action"], string>> = { resolve: "How you found out" };
const NOTE_HINTS: Partial<Record<Intent["action"], string>> = {
  reject: "Kept with the payout, where its seller can read it.",
  "withdraw-payout": "Kept with the payout, where its seller can read it.",
  refund: "Kept with what you do. The buyer reads it too.",
};

function ActionDialog({ intent, close }: { intent: Intent; close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const session = useStore(desk.session);
  const [who, setWho] = useState(() => localStorage.getItem(WHO) ?? "");
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [txHash, setTxHash] = useState("");
  const [row, setRow] = useState<PayoutRow | null>(null);
  const [state, setState] = useState<"asking" | "doing" | Done>("asking");
  const [fault, setFault] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const [hours, setHours] = useState<number>(24);
  const [payment, setPayment] = useState("");
  const [wanted, setWanted] = useState(NOTHING_WANTED);
  const [isAskedAgain, setIsAskedAgain] = useState(false);
  const [refusals, setRefusals] = useState(0);
  /** The transaction of which the bridge has said that it is another's. */
  const [taken, setTaken] = useState<string | null>(null);
  const named = wanted.sent === null ? txHash.trim() : wanted.sent.txHash;
  const isForSeveral = taken !== null && taken === named;
  /** The address of which the bridge has said that the buyer gave another. */
  const [elsewhere, setElsewhere] = useState<string | null>(null);
  const isOtherAddress = elsewhere !== null && elsewhere === wanted.sent?.destination;
  const seen = { isForSeveral, isOtherAddress };
  const asSeen = isOtherAddress ? GAVE_BOTH : isForSeveral ? FOR_BOTH : null;
  const isOpen = session?.access !== "jwt";
  const words = wanted.sent === null ? WORDS[intent.action] : SENT_ALREADY;
  const isNotSent = intent.action === "resolve" && outcome === "not-sent";
  const again = isNotSent ? NOT_SENT_AGAIN : words.again;
  const needsNote =
    isNotSent || NEEDS_A_NOTE.includes(intent.action) || (intent.action === "dismiss" && isDismissedWithANote(intent.id));
  const knownHashes = row?.txHashes ?? [];

  useEffect(() => {
    const opener = document.activeElement;
    desk.isBusy = true;
    dialog.current?.showModal();
    return () => {
      desk.isBusy = false;
      // Where the opener is gone, because nothing needs a person any more, the page itself takes the focus.
      const back = opener instanceof HTMLElement && opener.isConnected ? opener : document.getElementById("main");
      back?.focus();
    };
  }, []);

  useEffect(() => {
    if (!("payoutId" in intent)) return;
    get<PayoutRow>(`/api/ops/payouts/${encodeURIComponent(intent.payoutId)}`).then(setRow, () => undefined);
  }, [intent]);

  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    const by = who.trim();
    const wrong =
      (intent.action === "resolve" ? resolutionFault(outcome, txHash.trim(), knownHashes.length > 0) : null) ??
      (intent.action === "refund" ? refundFault(wanted.pool, wanted.amount, wanted.currency) : null) ??
      (wanted.sent === null ? null : sentFault(wanted.sent)) ??
      (intent.action === "give" && paymentIdIn(payment) === null ? "Name the payment by its id." : null) ??
      (needsNote && note.trim() === "" ? NOTE_MISSING[isNotSent ? "not-sent" : "why"] : null) ??
      (isOpen && by === "" ? "Say who you are: it is kept with what you do." : null);
    setFault(wrong);
    if (wrong !== null) return;
    if (isOpen) localStorage.setItem(WHO, by);
    if (again !== undefined && !isAskedAgain) {
      setIsAskedAgain(true);
      return;
    }
    setState("doing");
    try {
      const said = { outcome, txHash: txHash.trim(), note: note.trim(), hours, wanted, paymentId: paymentIdIn(payment) ?? "", seen };
      setState(await done(intent, { ...(isOpen ? { by } : {}) }, said));
      void desk.askAttention();
      desk.retell();
    } catch (error) {
      setFault(error instanceof Problem ? error.detail : "It was not done. Reload the page and try again.");
      const refused = error instanceof Problem && error.status === 409 ? error : null;
      if (refused?.code === "transaction_taken") setTaken(named);
      else if (refused?.code === "other_address") setElsewhere(wanted.sent?.destination ?? null);
      else if (refused !== null) setRefusals(refusals + 1);
      setState("asking");
    }
  };

  const choose = (chosen: Outcome): void => {
    setOutcome(chosen);
    setIsAskedAgain(false);
  };
  const isDone = typeof state === "object";
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close}>
      <form onSubmit={(event) => void confirm(event)} noValidate>
        <h2 id="dialog-title">{isDone ? "Done" : words.title}</h2>
        <div class="dialog-subject">
          <p>{intent.title}</p>
          {row !== null && (intent.action === "approve" || intent.action === "reject") ? (
            <Asked row={row} />
          ) : (
            <p class="soft">{intent.detail}</p>
          )}
        </div>
        {isDone ? (
          <Told done={state} />
        ) : (
          <>
            <p>{words.text}</p>
            {intent.action === "wait" && (
              <Field label="How long, from now" note={null}>
                <select value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
                  {WAITS.map((one) => (
                    <option key={one.hours} value={one.hours}>
                      {one.label}
                    </option>
                  ))}
                </select>
              </Field>
            )}
            {intent.action === "give" && (
              <Field label="Payment" note="Its id, or the address of its page.">
                <input value={payment} spellcheck={false} autoComplete="off" onInput={(event) => setPayment(event.currentTarget.value)} />
              </Field>
            )}
            {intent.action === "refund" && (
              <RefundFields paymentId={intent.paymentId} wanted={wanted} want={setWanted} refusals={refusals} />
            )}
            {intent.action === "resolve" && (
              <ResolutionFields outcome={outcome} setOutcome={choose} txHash={txHash} setTxHash={setTxHash} known={knownHashes} />
            )}
            {TAKES_A_NOTE.includes(intent.action) && (
              <Field
                label={NOTE_LABELS[intent.action] ?? "Why"}
                note={NOTE_HINTS[intent.action] ?? (needsNote ? "Kept with what you do." : "If there is something to say.")}
              >
                <input value={note} maxLength={500} autoComplete="off" onInput={(event) => setNote(event.currentTarget.value)} />
              </Field>
            )}
            {isOpen ? (
              <Field label="Your name" note="Kept with what you do. This browser remembers it.">
                <input value={who} maxLength={100} autoComplete="name" onInput={(event) => setWho(event.currentTarget.value)} />
              </Field>
            ) : (
              <p class="soft">Recorded as done by {session?.userId}.</p>
            )}
          </>
        )}
        {isAskedAgain && !isDone && (
          <p class="fault" role="status">
            {again?.text}
          </p>
        )}
        {fault !== null && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" onClick={close}>
            {isDone ? "Close" : intent.action === "cancel" ? "Leave it" : "Cancel"}
          </button>
          {!isDone && (
            <button type="submit" class="primary" disabled={state === "doing"}>
              {state === "doing" ? "Working …" : (asSeen ?? (isAskedAgain ? again?.button : null) ?? words.button)}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}

interface Said {
  outcome: Outcome | null;
  txHash: string;
  note: string;
  hours: number;
  wanted: RefundWanted;
  paymentId: string;
  seen: Seen;
}

async function done(intent: Intent, by: { by?: string }, { outcome, txHash, note, hours, wanted, paymentId, seen }: Said): Promise<Done> {
  if (intent.action === "replay") return post<Done>(`/api/ops/webhooks/${encodeURIComponent(intent.webhookId)}/replay`, by);
  if (intent.action === "dismiss") {
    return post<Done>("/api/ops/attention/dismissal", { ...by, id: intent.id, ...(note === "" ? {} : { note }) });
  }
  if ("endpointId" in intent) return { message: await endpointDone(intent, { ...by, ...(note === "" ? {} : { note }) }), action: null };
  if (intent.action === "give") {
    return post<Done>(`/api/ops/payments/${encodeURIComponent(paymentId)}/transaction`, { ...by, ...intent.gift });
  }
  if (intent.action === "withdraw") {
    const noted = note === "" ? {} : { note };
    return post<Done>(`/api/ops/refunds/${encodeURIComponent(intent.refundId)}/cancellation`, { ...by, ...noted });
  }
  if (!("payoutId" in intent) && !("paymentId" in intent)) {
    return post<Done>(`/api/ops/${intent.action === "hold" ? "hold" : "resumption"}`, { ...by, ...(note === "" ? {} : { note }) });
  }
  if ("paymentId" in intent) {
    const payment = `/api/ops/payments/${encodeURIComponent(intent.paymentId)}`;
    if ("problem" in intent) return post<Done>(`${payment}/settlement`, { ...by, note, problems: [intent.problem] });
    if (intent.action === "refund") {
      return post<Done>(`${payment}/refund`, { ...by, ...refundContent(wanted, note, seen) }, wanted.key);
    }
    if (intent.action === "wait") return post<Done>(`${payment}/waiting`, { ...by, hours });
    return post<Done>(`${payment}/${intent.action === "accept" ? "acceptance" : "cancellation"}`, { ...by, note });
  }
  const payout = `/api/ops/payouts/${encodeURIComponent(intent.payoutId)}`;
  if (intent.action === "recheck") return post<Done>(`${payout}/recheck`, by);
  const noted = note === "" ? {} : { note };
  if (intent.action === "approve") return post<Done>(`${payout}/approval`, { ...by, ...noted });
  if (intent.action === "withdraw-payout") return post<Done>(`${payout}/cancellation`, { ...by, ...noted });
  if (intent.action === "reject") return post<Done>(`${payout}/rejection`, { ...by, note });
  const carried = txHash === "" ? {} : { txHash, ...(seen.isForSeveral ? { forSeveral: true } : {}) };
  return post<Done>(`${payout}/resolution`, { ...by, outcome, ...noted, ...carried });
}

export function Told({ done }: { done: Done }): JSX.Element {
  return (
    <div role="status">
      <p>{done.message}</p>
      {done.action !== null && <p class="soft">Recorded as done by {done.action.by}.</p>}
    </div>
  );
}
