/** Who sees to what needs a person, what they noted, until when it is put off and why it is closed; and the buttons for it. */

import "../styles/handling.css";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AttentionItem } from "../model/ops-documents";
import { type Handle, handles, type HandlingState, SNOOZES, STATES, type Step } from "../model/handling";
import { moment } from "../model/times";
import { get, post, Problem } from "../net/rest";
import { useStore } from "../net/store";
import { desk } from "./desk";
import { type Done, Told } from "./Dialogs";
import { Asking, Modal } from "./Modal";
import { Field } from "./ResolutionFields";
import { useWho, whoIsHere, WhoField } from "./Who";

const LABELS: Record<Handle, string> = {
  assign: "Assign to me",
  unassign: "Unassign",
  note: "Note …",
  snooze: "Snooze …",
  close: "Close …",
  reopen: "Reopen",
};

const WORDS: Record<Handle, { title: string; text: string; button: string; route: string }> = {
  assign: { title: "Do you see to this?", text: "Others see that you do.", button: "Assign to me", route: "assignment" },
  unassign: { title: "Leave this to others?", text: "Nobody sees to it then.", button: "Unassign", route: "assignment" },
  note: { title: "What are others to know?", text: "It is kept with its history.", button: "Note it", route: "note" },
  snooze: {
    title: "Put this off?",
    text: "Nobody is told of it, nor shown it, until then. It comes back by itself.",
    button: "Snooze it",
    route: "snooze",
  },
  close: {
    title: "Does nobody have to look?",
    text: "It is closed until it changes. What can be decided is better decided: nothing else changes by this.",
    button: "Close it",
    route: "closure",
  },
  reopen: { title: "Have it open again?", text: "It is on the list again.", button: "Reopen it", route: "reopening" },
};

interface Intent {
  item: AttentionItem;
  handle: Handle | "history";
}

const asking = new Asking<Intent>();

/** Which of the list is shown: what is open, snoozed or closed, of everybody or one's own. */
export function Views(): JSX.Element {
  const session = useStore(desk.session);
  const view = useStore(desk.view);
  const { answer } = useStore(desk.attention);
  const me = whoIsHere(session);
  return (
    <div class="views" role="group" aria-label="Which of them">
      {(Object.keys(STATES) as HandlingState[]).map((state) => {
        const count = answer?.elsewhere[state] ?? 0;
        return (
          <button key={state} type="button" class="quiet" aria-pressed={view.state === state} onClick={() => void desk.look({ ...view, state })}>
            {STATES[state]}
            {count > 0 && ` (${count})`}
          </button>
        );
      })}
      {me !== null && (
        <button
          type="button"
          class="quiet"
          aria-pressed={view.assignedTo !== null}
          onClick={() => void desk.look({ ...view, assignedTo: view.assignedTo === null ? me : null })}
        >
          Mine
        </button>
      )}
    </div>
  );
}

export function Handling({ item }: { item: AttentionItem }): JSX.Element {
  const session = useStore(desk.session);
  const about = `${item.title}, ${item.payoutId ?? item.refundId ?? item.webhookId ?? item.paymentId ?? item.id}`;
  const ask = (handle: Intent["handle"]): void => asking.about({ item, handle });
  return (
    <div class="handling">
      <p class="item-standing">
        <span class="severity" data-severity={item.severity}>
          {item.severity}
        </span>
        {item.assignedTo && <span> · {item.assignedTo} sees to it</span>}
        {item.state === "snoozed" && item.snoozedUntil && <span> · snoozed until {moment(item.snoozedUntil)}</span>}
        {item.state === "closed" && (
          <span>
            {" "}
            · closed by {item.closedBy}: {item.closeNote}
          </span>
        )}
      </p>
      <div class="item-actions">
        {session?.mayAct === true &&
          handles(item, whoIsHere(session)).map((handle) => (
            <button key={handle} type="button" class="quiet" aria-label={`${LABELS[handle].replace(" …", "")}: ${about}`} onClick={() => ask(handle)}>
              {LABELS[handle]}
            </button>
          ))}
        <button type="button" class="quiet" aria-label={`History: ${about}`} onClick={() => ask("history")}>
          History
        </button>
      </div>
    </div>
  );
}

export function HandlingDialogs(): JSX.Element | null {
  const asked = asking.use();
  if (asked === null) return null;
  const { item, handle } = asked.intent;
  return (
    <Modal key={asked.time} close={asked.close}>
      {handle === "history" ? (
        <History item={item} close={asked.close} />
      ) : (
        <HandlingForm item={item} handle={handle} close={asked.close} />
      )}
    </Modal>
  );
}

function Subject({ item }: { item: AttentionItem }): JSX.Element {
  return (
    <div class="dialog-subject">
      <p>{item.title}</p>
      <p class="soft">{item.detail}</p>
    </div>
  );
}

function HandlingForm({ item, handle, close }: { item: AttentionItem; handle: Handle; close: () => void }): JSX.Element {
  const who = useWho();
  const [note, setNote] = useState("");
  const [snooze, setSnooze] = useState(0);
  const [fault, setFault] = useState<string | null>(null);
  const [state, setState] = useState<"asking" | "doing" | Done>("asking");
  const words = WORDS[handle];
  const needsNote = handle === "note" || handle === "close";
  const isDone = typeof state === "object";

  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault();
    const me = who.name.trim();
    const said = note.trim();
    const wrong =
      (needsNote && said === "" ? "Say why: it is kept with what you do." : null) ??
      (me === "" ? "Say who you are: it is kept with what you do." : null);
    setFault(wrong);
    if (wrong !== null) return;
    who.remember();
    setState("doing");
    const until = SNOOZES[snooze]?.until(new Date());
    try {
      setState(
        await post<Done>(`/api/ops/attention/${words.route}`, {
          id: item.id,
          ...who.said,
          ...(handle === "assign" ? { to: me } : handle === "unassign" ? { to: null } : said === "" ? {} : { note: said }),
          ...(handle === "snooze" || handle === "close" ? { seen: item.mark } : {}),
          ...(handle === "snooze" && until !== undefined ? { until: until.toISOString() } : {}),
        }),
      );
      void desk.askAttention();
    } catch (error) {
      setFault(error instanceof Problem ? error.detail : "It was not done. Reload the page and try again.");
      setState("asking");
    }
  };

  return (
    <form onSubmit={(event) => void confirm(event)} noValidate>
      <h2 id="dialog-title">{isDone ? "Done" : words.title}</h2>
      <Subject item={item} />
      {isDone ? (
        <Told done={state} />
      ) : (
        <>
          <p>{words.text}</p>
          {handle === "snooze" && (
            <Field label="How long" note={null}>
              <select value={snooze} onChange={(event) => setSnooze(Number(event.currentTarget.value))}>
                {SNOOZES.map((one, number) => (
                  <option key={one.label} value={number}>
                    {one.label}
                  </option>
                ))}
              </select>
            </Field>
          )}
          {handle !== "assign" && handle !== "unassign" && (
            <Field label={handle === "note" ? "Note" : "Why"} note={needsNote ? "Kept with what you do." : "If there is something to say."}>
              <input value={note} maxLength={500} autoComplete="off" onInput={(event) => setNote(event.currentTarget.value)} />
            </Field>
          )}
          <WhoField who={who} />
        </>
      )}
      {fault !== null && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="dialog-actions">
        <button type="button" onClick={close}>
          {isDone ? "Close" : "Cancel"}
        </button>
        {!isDone && (
          <button type="submit" class="primary" disabled={state === "doing"}>
            {state === "doing" ? "Working …" : words.button}
          </button>
        )}
      </div>
    </form>
  );
}

function History({ item, close }: { item: AttentionItem; close: () => void }): JSX.Element {
  const [steps, setSteps] = useState<readonly Step[] | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    get<{ steps: Step[] }>(`/api/ops/attention/history?id=${encodeURIComponent(item.id)}`).then(
      (found) => setSteps(found.steps),
      (error: unknown) => setFault(error instanceof Problem ? error.detail : "It could not be looked up."),
    );
  }, [item.id]);
  return (
    <div>
      <h2 id="dialog-title">What happened to it</h2>
      <Subject item={item} />
      {fault !== null && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {steps !== null && steps.length === 0 && <p>Nothing yet.</p>}
      {steps !== null && steps.length > 0 && (
        <ol class="steps">
          {steps.map((step) => (
            <li key={`${step.at} ${step.what} ${step.words}`}>
              <time dateTime={step.at}>{moment(step.at)}</time> {step.by}: {step.words}
            </li>
          ))}
        </ol>
      )}
      <div class="dialog-actions">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </div>
  );
}
