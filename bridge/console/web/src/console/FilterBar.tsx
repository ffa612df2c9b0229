/** Which rows the table shows. What is chosen stands in the address, and survives a reload. */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { WRONG_WITH_PAYMENTS } from "../model/attention";
import { ANY_PROBLEM, areSet, countedRows, type Filters, type Form, NO_FILTERS, STATUSES, type View, writeFilters } from "../model/filters";
import { statusName } from "../model/statuses";
import { Problem } from "../net/rest";
import { useStore } from "../net/store";
import { desk } from "./desk";
import { setQuery } from "./router";

const TYPING_PAUSE_MS = 250;
/** Payments over a chain have no provider of their own. */
const OVER_A_CHAIN = "onchain";

export function apply(filters: Filters): void {
  setQuery(writeFilters(filters));
  void desk.table.open(filters).catch(() => undefined);
}

export function FilterBar(): JSX.Element {
  const { filters, rows } = useStore(desk.table.state);
  const coins = new Set([...rows.byId.values()].slice(0, 500).map((row) => ("coin" in row ? row.coin : row.currency)));
  const known = useStore(desk.system).answer?.status.providers ?? [];
  const providers = new Set([...known.map(({ name }) => name), OVER_A_CHAIN, filters.provider].filter((name) => name !== ""));
  const change = (changes: Partial<Filters>): void => apply({ ...filters, ...changes });
  return (
    <form class="filters" role="search" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      <Typed
        class="search"
        label="Search"
        placeholder={filters.view === "payouts" ? "Payout, payment, seller, task, address, hash" : "Payment, request, buyer, seller, hash"}
        value={filters.search}
        change={(search) => change({ search })}
      />
      <Statuses filters={filters} change={(status) => change({ status })} />
      <label>
        <span>Provider</span>
        <select value={filters.provider} onChange={(event) => change({ provider: event.currentTarget.value })}>
          <option value="">Any</option>
          {[...providers].map((provider) => (
            <option key={provider}>{provider}</option>
          ))}
        </select>
      </label>
      <Typed
        class="coin"
        label={filters.view === "payouts" ? "Coin" : "Currency"}
        placeholder="Any"
        value={filters.coin}
        list={[...coins].sort()}
        change={(coin) => change({ coin })}
      />
      {filters.view === "payments" && (
        <label>
          <span>Problem</span>
          <select value={filters.problem} onChange={(event) => change({ problem: event.currentTarget.value })}>
            <option value="">With or without</option>
            <option value={ANY_PROBLEM}>Any problem</option>
            {Object.entries(WRONG_WITH_PAYMENTS).map(([kind, name]) => (
              <option key={kind} value={kind}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        <span>From</span>
        <input type="date" value={filters.from} onChange={(event) => change({ from: event.currentTarget.value })} />
      </label>
      <label>
        <span>To</span>
        <input type="date" value={filters.to} onChange={(event) => change({ to: event.currentTarget.value })} />
      </label>
      {areSet(filters) && (
        <button type="button" class="quiet" onClick={() => apply({ ...NO_FILTERS, view: filters.view })}>
          Clear filters
        </button>
      )}
    </form>
  );
}

interface TypedProps {
  class: string;
  label: string;
  placeholder: string;
  value: string;
  list?: string[];
  change: (value: string) => void;
}

/** A field that is applied when the typing rests. */
function Typed({ class: name, label, placeholder, value, list, change }: TypedProps): JSX.Element {
  const [typed, setTyped] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const latest = useRef(change);
  latest.current = change;
  useEffect(() => {
    if (timer.current === undefined) setTyped(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const input = (text: string): void => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      timer.current = undefined;
      latest.current(text.trim());
    }, TYPING_PAUSE_MS);
  };
  return (
    <label class={name}>
      <span>{label}</span>
      <input
        type={list === undefined ? "search" : "text"}
        value={typed}
        placeholder={placeholder}
        autoComplete="off"
        spellcheck={false}
        {...(list === undefined ? {} : { list: `${name}-list` })}
        onInput={(event) => input(event.currentTarget.value)}
      />
      {list !== undefined && (
        <datalist id={`${name}-list`}>
          {list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
  );
}

function Statuses({ filters, change }: { filters: Filters; change: (status: string[]) => void }): JSX.Element {
  const { status, view } = filters;
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const leave = (event: Event): void => {
      if (menu.current !== null && !menu.current.contains(event.target as Node)) menu.current.open = false;
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, []);
  const close = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || menu.current?.open !== true) return;
    menu.current.open = false;
    menu.current.querySelector("summary")?.focus();
  };
  const toggle = (one: string): void =>
    change(status.includes(one) ? status.filter((other) => other !== one) : [...status, one]);
  const chosen = status.length === 0 ? "Any" : status.length === 1 ? statusName(status[0] ?? "") : `${status.length} chosen`;
  return (
    <div class="field">
      <span id="state-label">State</span>
      <details class="menu" ref={menu} onKeyDown={close}>
        <summary aria-labelledby="state-label state-chosen">
          <span id="state-chosen">{chosen}</span>
        </summary>
        <fieldset>
          <legend class="unseen">States to show</legend>
          {STATUSES[view].map((one) => (
            <label key={one}>
              <input type="checkbox" checked={status.includes(one)} onChange={() => toggle(one)} />
              {statusName(one)}
            </label>
          ))}
        </fieldset>
      </details>
    </div>
  );
}

function ExportButton(): JSX.Element {
  const [state, setState] = useState<"ready" | "working" | "done" | string>("ready");
  const save = async (form: Form): Promise<void> => {
    setState("working");
    try {
      await desk.table.exportAs(form);
      setState("done");
    } catch (error) {
      setState(error instanceof Problem ? error.detail : "It could not be exported.");
    }
  };
  const said = { ready: "", working: "Exporting …", done: "Exported." }[state] ?? state;
  return (
    <span class="export">
      <button type="button" onClick={() => void save("csv")} disabled={state === "working"}>
        Export CSV
      </button>
      <button type="button" onClick={() => void save("xlsx")} disabled={state === "working"}>
        XLSX
      </button>
      <span role="status" class="export-said">
        {said}
      </span>
    </span>
  );
}

export function Tabs(): JSX.Element {
  const { filters, rows, isLoading } = useStore(desk.table.state);
  const show = (view: View): void => apply({ ...NO_FILTERS, view, search: filters.search, from: filters.from, to: filters.to });
  return (
    <div class="tabs">
      <div role="group" aria-label="What the table shows" class="switch">
        {(["payouts", "payments"] as const).map((view) => (
          <button type="button" key={view} aria-pressed={filters.view === view} onClick={() => show(view)}>
            {view === "payouts" ? "Payouts" : "Payments"}
          </button>
        ))}
      </div>
      <p class="count" role="status">
        {isLoading && rows.total === 0 ? "" : countedRows(rows.total, filters.view)}
      </p>
      <ExportButton />
    </div>
  );
}
