/** The palette: Ctrl K finds a page, a payout, a payment or what needs a person; `?` lists the keys. */

import "../styles/palette.css";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { NO_FILTERS, pagePath, type View } from "../model/filters";
import type { PaymentRow, PayoutRow } from "../model/ops-documents";
import { type Goal, KEYS, known, paymentGoal, payoutGoal } from "../model/palette";
import { stepped } from "../model/window";
import { get, Problem } from "../net/rest";
import { useStore } from "../net/store";
import { desk } from "./desk";
import { Asking, Modal } from "./Modal";
import { goTo } from "./router";

const asking = new Asking<"find" | "keys">();
const FOUND_SHOWN = 5;
/** Nobody means what begins with one letter. */
const LEAST_LETTERS = 2;
/** Whoever types on is not asked for yet. */
const TYPING_PAUSE_MS = 200;

/** Where it is kept that somebody does not want a key without Ctrl to do anything. */
const UNANSWERED = "bridge.question-mark-unanswered";

export function openPalette(): void {
  asking.about("find");
}

function pressed(event: KeyboardEvent): void {
  if (desk.isBusy || event.altKey || event.defaultPrevented) return;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
  } else if (!isCommand && event.key === "?" && !isTyped(event.target) && localStorage.getItem(UNANSWERED) === null) {
    event.preventDefault();
    asking.about("keys");
  }
}

function isTyped(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

export function Palette(): JSX.Element | null {
  const asked = asking.use();
  useEffect(() => {
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
  if (asked === null) return null;
  return (
    <Modal key={asked.time} class="palette" close={asked.close}>
      {asked.intent === "find" ? <Finder close={asked.close} /> : <Keys close={asked.close} />}
    </Modal>
  );
}

function Finder({ close }: { close: () => void }): JSX.Element {
  const [text, setText] = useState("");
  const { found, problem } = useFound(text.trim());
  const [active, setActive] = useState(0);
  const items = useStore(desk.attention).answer?.items ?? [];
  const goals = [...known(text, items), ...found];
  const current = Math.min(active, goals.length - 1);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[current]?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const open = (goal: Goal | undefined): void => {
    if (goal === undefined) return;
    close();
    goTo(goal.path);
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === "Enter") {
      event.preventDefault();
      open(goals[current]);
      return;
    }
    if (!event.key.startsWith("Arrow")) return;
    const to = stepped(event.key, current, goals.length, 1);
    if (to === null) return;
    event.preventDefault();
    setActive(to);
  };
  return (
    <>
      <h2 id="dialog-title" class="unseen">
        Find
      </h2>
      <input
        type="text"
        role="combobox"
        aria-label="Find a page, a payout, a payment or what needs a person"
        aria-expanded={goals.length > 0}
        aria-controls="palette-goals"
        aria-autocomplete="list"
        {...(goals.length > 0 ? { "aria-activedescendant": `goal-${current}` } : {})}
        autoComplete="off"
        spellcheck={false}
        placeholder="A page, an id, a user, an amount …"
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value);
          setActive(0);
        }}
        onKeyDown={press}
      />
      <ul id="palette-goals" class="palette-goals" role="listbox" aria-label="Found" ref={list}>
        {goals.map((goal, place) => (
          <li
            key={`${goal.path} ${goal.name} ${goal.kind}`}
            id={`goal-${place}`}
            role="option"
            aria-selected={place === current}
            onClick={() => open(goal)}
          >
            <span class="palette-kind">{goal.kind}</span>
            <span>{goal.name}</span>
            <span>{goal.about}</span>
          </li>
        ))}
      </ul>
      <p class="palette-hint" role="status">
        {problem?.detail ?? (goals.length === 0 ? "Nothing was found." : `${goals.length} found. Enter opens the one that is marked.`)}
      </p>
      <button type="button" class="quiet" onClick={() => asking.about("keys")}>
        Keys
      </button>
    </>
  );
}

interface Found {
  found: Goal[];
  problem: Problem | null;
}

const NOTHING: Found = { found: [], problem: null };

/** The payouts and payments that the bridge finds for a text. */
function useFound(text: string): Found {
  const [result, setResult] = useState(NOTHING);
  useEffect(() => {
    if (text.length < LEAST_LETTERS) {
      setResult(NOTHING);
      return;
    }
    const asked = new AbortController();
    const timer = setTimeout(() => void look(text, asked.signal).then((one) => asked.signal.aborted || setResult(one)), TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [text]);
  return result;
}

async function look(search: string, signal: AbortSignal): Promise<Found> {
  const path = (view: View): string => pagePath({ ...NO_FILTERS, view, search }, FOUND_SHOWN, null);
  try {
    const [{ payouts }, { payments }] = await Promise.all([
      get<{ payouts: PayoutRow[] }>(path("payouts"), signal),
      get<{ payments: PaymentRow[] }>(path("payments"), signal),
    ]);
    return { found: [...payouts.map(payoutGoal), ...payments.map(paymentGoal)], problem: null };
  } catch (error) {
    if (error instanceof Problem) return { found: [], problem: error };
    if (signal.aborted) return NOTHING;
    throw error;
  }
}

function Keys({ close }: { close: () => void }): JSX.Element {
  const answer = ({ currentTarget }: { currentTarget: HTMLInputElement }): void => {
    if (currentTarget.checked) localStorage.removeItem(UNANSWERED);
    else localStorage.setItem(UNANSWERED, "yes");
  };
  return (
    <>
      <h2 id="dialog-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(({ keys, does }) => (
          <div key={does} class="keys-row">
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="keys-choice">
        <input type="checkbox" defaultChecked={localStorage.getItem(UNANSWERED) === null} onChange={answer} />
        Answer to ?, which is pressed without Ctrl
      </label>
      <div class="dialog-actions">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </>
  );
}
