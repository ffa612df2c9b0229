/** The confirmations of what staff may do. What was done, and by whom, is recorded by the bridge. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isDismissedWithANote, type Outcome, paymentIdIn, resolutionFault, WAITS } from "../model/attention";
import { endedBy } from "../model/holds";
import type { Action, HoldItem, PayoutRow } from "../model/ops-documents";
import { refundFault, sentFault } from "../model/refunds";
import { get, newKey, post, Problem } from "../net/rest";
import { Asked } from "./Approval";
import { desk } from "./desk";
import { endpointDone } from "./endpointDeeds";
import { HoldsToEnd } from "./HoldsToEnd";
import { NOTHING_WANTED, refundContent, RefundFields, type RefundWanted, type Seen } from "./RefundFields";
import {
  FOR_BOTH,
  GAVE_BOTH,
  isTheirWord,
  NEEDS_A_NOTE,
  NOTE_HINTS,
  NOTE_LABELS,
  noteMissing,
  OUTCOMES_AGAIN,
  SENT_ALREADY,
  TAKES_A_NOTE,
  WORDS,
  type Intent,
} from "./intents";
import { Asking, Modal } from "./Modal";
import { Field, ResolutionFields } from "./ResolutionFields";
import { useWho, WhoField } from "./Who";

export interface Done {
  message: string;
  action: Action | null;
  payout?: PayoutRow;
}

const asking = new Asking<Intent>();

export function askFor(intent: Intent): void {
  asking.about(intent);
}

export function Dialogs(): JSX.Element | null {
  const asked = asking.use();
  return asked && <ActionDialog key={asked.time} intent={asked.intent} close={asked.close} />;
}

function ActionDialog({ intent, close }: { intent: Intent; close: () => void }): JSX.Element {
  const who = useWho();
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
  /** What is shown of who holds payouts, which stands still until the bridge has said that there are others. */
  const [holds, setHolds] = useState<readonly HoldItem[]>(() => desk.hold.value?.holds ?? []);
  const [holdsBefore, setHoldsBefore] = useState<readonly string[] | null>(null);
  const [key] = useState(newKey);
  const toEnd = intent.action === "resume" || intent.action === "resume-without-comparison" ? endedBy(intent.action, holds) : null;
  const asSeen = isOtherAddress ? GAVE_BOTH : isForSeveral ? FOR_BOTH : null;
  const words = wanted.sent === null ? WORDS[intent.action] : SENT_ALREADY;
  const said = intent.action === "resolve" ? outcome : null;
  const again = said === null ? words.again : OUTCOMES_AGAIN[said];
  const needsNote =
    isTheirWord(said, row?.chain ?? null) || NEEDS_A_NOTE.includes(intent.action) || (intent.action === "dismiss" && isDismissedWithANote(intent.id));
  const knownHashes = row?.txHashes ?? [];

  useEffect(() => {
    if (!("payoutId" in intent)) return;
    get<PayoutRow>(`/api/ops/payouts/${encodeURIComponent(intent.payoutId)}`).then(setRow, () => undefined);
  }, [intent, refusals]);

  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wrong =
      (intent.action === "resolve" ? resolutionFault(outcome, txHash.trim(), knownHashes.length > 0) : null) ??
      (intent.action === "refund" ? refundFault(wanted.pool, wanted.amount, wanted.currency) : null) ??
      (wanted.sent === null ? null : sentFault(wanted.sent)) ??
      (intent.action === "give" && paymentIdIn(payment) === null ? "Name the payment by its id." : null) ??
      (needsNote && note.trim() === "" ? noteMissing(said) : null) ??
      (who.said.by === "" ? "Say who you are: it is kept with what you do." : null);
    setFault(wrong);
    if (wrong !== null) return;
    who.remember();
    if (again !== undefined && !isAskedAgain) {
      setIsAskedAgain(true);
      return;
    }
    setState("doing");
    try {
      const content = { outcome, txHash: txHash.trim(), note: note.trim(), hours, wanted, paymentId: paymentIdIn(payment) ?? "", seen, row, holds: toEnd ?? [], key };
      setState(await done(intent, who.said, content));
      void desk.askAttention();
      desk.retell();
    } catch (error) {
      setFault(error instanceof Problem ? error.detail : "It was not done. Reload the page and try again.");
      const refused = error instanceof Problem && error.status === 409 ? error : null;
      if (refused?.code === "transaction_taken") setTaken(named);
      else if (refused?.code === "other_address") setElsewhere(wanted.sent?.destination ?? null);
      else if (refused?.code === "holds_unseen") {
        await desk.askHold();
        setHoldsBefore(holds.map(({ holdId }) => holdId));
        setHolds(desk.hold.value?.holds ?? []);
        setIsAskedAgain(false);
        setFault("Others hold payouts by now, and nothing was resumed. Look at what is new, and say so again.");
      } else if (refused !== null) setRefusals(refusals + 1);
      setState("asking");
    }
  };

  /** What is said otherwise than it was is asked anew. */
  const anew = <Value,>(set: (value: Value) => void) => {
    return (value: Value): void => {
      set(value);
      setIsAskedAgain(false);
    };
  };
  const isDone = typeof state === "object";
  return (
    <Modal close={close}>
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
            {toEnd !== null && <HoldsToEnd holds={toEnd} seen={holdsBefore} />}
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
                <input value={payment} spellcheck={false} autoComplete="off" onInput={(event) => anew(setPayment)(event.currentTarget.value)} />
              </Field>
            )}
            {intent.action === "refund" && (
              <RefundFields paymentId={intent.paymentId} wanted={wanted} want={anew(setWanted)} refusals={refusals} />
            )}
            {intent.action === "resolve" && (
              <ResolutionFields outcome={outcome} setOutcome={anew(setOutcome)} txHash={txHash} setTxHash={anew(setTxHash)} known={knownHashes} />
            )}
            {TAKES_A_NOTE.includes(intent.action) && (
              <Field
                label={NOTE_LABELS[intent.action] ?? "Why"}
                note={NOTE_HINTS[intent.action] ?? (needsNote ? "Kept with what you do." : "If there is something to say.")}
              >
                <input value={note} maxLength={500} autoComplete="off" onInput={(event) => setNote(event.currentTarget.value)} />
              </Field>
            )}
            <WhoField who={who} />
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
    </Modal>
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
  /** The payout as it is shown. */
  row: PayoutRow | null;
  /** The holds that are to end, as they are shown. */
  holds: readonly HoldItem[];
  key: string;
}

async function done(intent: Intent, by: { by?: string }, { outcome, txHash, note, hours, wanted, paymentId, seen, row, holds, key }: Said): Promise<Done> {
  if (intent.action === "replay") return post<Done>(`/api/ops/webhooks/${encodeURIComponent(intent.webhookId)}/replay`, by);
  if (intent.action === "dismiss") {
    return post<Done>("/api/ops/attention/dismissal", { ...by, id: intent.id, seen: intent.seen, ...(note === "" ? {} : { note }) });
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
    const said = { ...by, ...(note === "" ? {} : { note }) };
    if (intent.action === "hold") return post<Done>("/api/ops/hold", said);
    const without = intent.action === "resume-without-comparison" ? { withoutComparison: true } : {};
    return post<Done>("/api/ops/resumption", { ...said, ...without, seen: holds.map(({ holdId }) => holdId) }, key);
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
  if (intent.action === "approve") {
    return post<Done>(`${payout}/approval`, { ...by, ...noted, ...(row === null ? {} : { reasons: row.approvalReasons }) });
  }
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
