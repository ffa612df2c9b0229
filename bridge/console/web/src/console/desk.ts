/**
 * All that the console knows: the connection, who is at it, the table, what needs a person, the totals, and how the
 * system is. Its parts only show what is here.
 */

import type { SystemStatus } from "@contract/events";
import type { AttentionAnswer, DayTotal, PayoutHold, Session } from "../model/ops-documents";
import { OPEN_TO_ALL, queryOf, type View } from "../model/handling";
import { settled } from "../model/attention";
import { type Form, readFilters } from "../model/filters";
import { concerned, MOVING_EVENTS, type MovingEvent } from "../model/rows";
import { withValue } from "../model/sparkline";
import { dayOf, OWN_ZONE } from "../model/times";
import { Live } from "../net/live";
import { download, get, Problem } from "../net/rest";
import { Renewal } from "../net/sign-in";
import { Store } from "../net/store";
import { setQuery } from "./router";
import { Table } from "./table";

export const TOTAL_DAYS = 14;
/** So many unmatched transfers are listed, and so many more when somebody asks for more. */
const TRANSFERS_SHOWN = 200;
const ATTENTION_PAUSE_MS = 400;
const TOTALS_PAUSE_MS = 1_500;
/** What gets stuck does so without an event. */
const ATTENTION_AT_LEAST_MS = 30_000;

const TOTALS_QUERY = new URLSearchParams({ days: TOTAL_DAYS.toString(), timeZone: OWN_ZONE });

export interface Asked<Answer> {
  answer: Answer | null;
  problem: Problem | null;
}

export interface SystemSeen {
  status: SystemStatus;
  events: number[];
  deliveries: number[];
  connections: number[];
}

class Desk {
  readonly session = new Store<Session | null>(null);
  readonly attention = new Store<Asked<AttentionAnswer>>({ answer: null, problem: null });
  /** Null until it is known. */
  readonly hold = new Store<PayoutHold | null>(null);
  readonly totals = new Store<Asked<readonly DayTotal[]>>({ answer: null, problem: null });
  readonly system = new Store<Asked<SystemSeen>>({ answer: null, problem: null });
  readonly table = new Table(readFilters(location.search));
  readonly live: Live<SystemStatus>;
  private readonly renewal: Renewal;
  /** What of what needs a person is listed. */
  readonly view = new Store<View>(OPEN_TO_ALL);
  private transfersShown = TRANSFERS_SHOWN;
  private readonly stories = new Set<(payoutId?: string, paymentId?: string) => void>();
  private readonly askAttentionSoon = paused(() => this.askAttention(), ATTENTION_PAUSE_MS);
  private readonly askTotalsSoon = paused(() => this.askTotals(), TOTALS_PAUSE_MS);

  constructor() {
    this.live = new Live<SystemStatus>({ lookUp: (signal) => this.lookUp(signal), show: (status) => this.show(status) });
    this.renewal = new Renewal((token) => this.live.renew(token), (refused) => this.signedOut(refused));
    this.live.rooms.join("join-ops-room");
    for (const event of MOVING_EVENTS) {
      this.live.rooms.on(event, (payload: Parameters<typeof concerned>[1]) => this.heard(event, payload));
    }
    this.live.rooms.on("attention-updated", () => this.askAttentionSoon());
    this.live.rooms.on("system-status", (status) => this.systemIs(status));
  }

  start(): void {
    this.live.start();
    this.renewal.start();
    setInterval(() => {
      if (this.live.connection.value.state === "live") this.askAttentionSoon();
    }, ATTENTION_AT_LEAST_MS);
  }

  /** Somebody has signed in, by the token that this tab holds now. */
  signedIn(): void {
    this.live.restart();
    this.renewal.start();
  }

  /** The session has ended, of which the page says why. */
  private signedOut(refused: string): void {
    const query = new URLSearchParams(location.search);
    query.set("refused", refused);
    setQuery(`?${query}`);
    this.live.restart();
  }

  private async lookUp(signal: AbortSignal): Promise<SystemStatus> {
    this.session.set(await get<Session>("/api/ops/session", signal));
    const [status] = await Promise.all([
      get<SystemStatus>("/api/ops/system", signal),
      this.askAttention(),
      this.askTotals(),
      this.table.reload(),
    ]);
    const problem = this.attention.value.problem ?? this.totals.value.problem;
    if (problem?.mayPass) throw problem;
    return status;
  }

  private show(status: SystemStatus): void {
    this.systemIs(status);
    this.retell();
  }

  private heard(event: MovingEvent, payload: Parameters<typeof concerned>[1]): void {
    const { payoutId, paymentId } = concerned(event, payload);
    const { view } = this.table.state.value.filters;
    const id = view === "payouts" ? payoutId : paymentId;
    if (id !== undefined) this.table.hear(id);
    this.askAttentionSoon();
    const isCompleted = event === "payout-completed" || ("status" in payload && payload.status === "completed");
    if (isCompleted) this.askTotalsSoon();
    for (const tell of this.stories) tell(payoutId, paymentId);
  }

  /** Whether a dialog is open, so that nothing may move under it: the browser knows at once, and tells of it later. */
  get isBusy(): boolean {
    return document.querySelector("dialog[open]") !== null;
  }

  async askHold(): Promise<void> {
    try {
      this.hold.set(await get<PayoutHold>("/api/payouts/hold"));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.hold.set(null);
    }
  }

  async askAttention(): Promise<void> {
    await Promise.all([this.askHold(), this.askList()]);
  }

  private async askList(): Promise<void> {
    const view = this.view.value;
    try {
      const asked = `/api/ops/attention?transfers=${this.transfersShown}${queryOf(view)}`;
      const { items, ...others } = await get<AttentionAnswer>(asked);
      if (view !== this.view.value) return;
      this.attention.update(({ answer }) => ({
        answer: { items: settled(answer?.items ?? [], items, this.isBusy), ...others },
        problem: null,
      }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.attention.update(({ answer }) => ({ answer, problem: error }));
    }
  }

  async look(view: View): Promise<void> {
    this.view.set(view);
    await this.askAttention();
  }

  async askForMoreTransfers(): Promise<void> {
    this.transfersShown += TRANSFERS_SHOWN;
    await this.askAttention();
  }

  async askTotals(): Promise<void> {
    try {
      const { days } = await get<{ days: DayTotal[] }>(`/api/ops/totals?${TOTALS_QUERY}`);
      this.totals.set({ answer: days, problem: null });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.totals.update(({ answer }) => ({ answer, problem: error }));
    }
  }

  async exportTotals(form: Form): Promise<void> {
    await download(`/api/ops/totals.${form}?${TOTALS_QUERY}`, `totals-${dayOf(Date.now())}.${form}`);
  }

  private systemIs(status: SystemStatus): void {
    this.system.update(({ answer }) => ({
      answer: {
        status,
        events: withValue(answer?.events ?? [], status.eventsPerSecond),
        deliveries: withValue(answer?.deliveries ?? [], status.deliveriesPerSecond),
        connections: withValue(answer?.connections ?? [], status.connections),
      },
      problem: null,
    }));
  }

  /** What somebody did may be part of a story, also where no event tells of it. */
  retell(): void {
    for (const tell of this.stories) tell();
  }

  /** Tells a story's page when what it shows may have moved. */
  watchStories(tell: (payoutId?: string, paymentId?: string) => void): () => void {
    this.stories.add(tell);
    return () => this.stories.delete(tell);
  }
}

/** Does something once for all calls that come within a moment. */
function paused(action: () => Promise<void>, pauseMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void action();
    }, pauseMs);
  };
}

export const desk = new Desk();
