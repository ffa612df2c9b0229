/** The rows of the console's table: loaded page by page as they come into sight, and kept as events tell of them. */

import { exportPath, type Filters, type Form, pagePath, paymentMatches, payoutMatches, type View } from "../model/filters";
import type { PaymentRow, PayoutRow } from "../model/ops-documents";
import { dayOf } from "../model/times";
import { firstPage, noRows, type Page, type Rows, type Unreadable, withChanged, withPage } from "../model/rows";
import { download, get, Problem } from "../net/rest";
import { Store } from "../net/store";

export type Row = PayoutRow | PaymentRow;

/** The first page is small, so that it is there at once; the others are as large as may be. */
const FIRST_PAGE = 200;
const NEXT_PAGE = 1_000;
/** Above this, asking for the whole table is cheaper than for each row. */
const MANY = 60;
const AT_ONCE = 6;
const RELOAD_PAUSE_MS = 1_500;

export interface TableState {
  filters: Filters;
  rows: Rows<Row>;
  isLoading: boolean;
  problem: Problem | null;
}

function idOf(view: View, row: Row): string {
  return view === "payouts" ? (row as PayoutRow).payoutId : row.paymentId;
}

function matches(filters: Filters, row: Row): boolean {
  return filters.view === "payouts"
    ? payoutMatches(filters, row as PayoutRow)
    : paymentMatches(filters, row as PaymentRow);
}

interface Answer {
  payouts?: PayoutRow[];
  payments?: PaymentRow[];
  next: string | null;
  total: number;
  unreadable: Unreadable[];
}

export class Table {
  readonly state: Store<TableState>;
  /** Counts what was asked for, so that an answer to an earlier question is dropped. */
  private turn = 0;
  private loadingMore = false;
  private readonly moved = new Set<string>();
  private isPumping = false;
  private lastReload = 0;

  constructor(filters: Filters) {
    this.state = new Store<TableState>({ filters, rows: noRows(), isLoading: true, problem: null });
  }

  /** Shows what other filters leave. */
  async open(filters: Filters): Promise<void> {
    const isOther = filters.view !== this.state.value.filters.view;
    this.state.update((state) => ({ ...state, filters, rows: isOther ? noRows() : state.rows }));
    await this.load(FIRST_PAGE);
  }

  /** Loads as many rows anew as are there already. */
  async reload(): Promise<void> {
    await this.load(Math.max(this.state.value.rows.ids.length, FIRST_PAGE));
  }

  private async load(wanted: number): Promise<void> {
    const turn = ++this.turn;
    const { filters } = this.state.value;
    this.moved.clear();
    this.state.update((state) => ({ ...state, isLoading: true }));
    try {
      let rows = firstPage(await this.page(filters, Math.min(wanted, NEXT_PAGE), null));
      while (turn === this.turn && rows.next !== null && rows.ids.length < wanted) {
        rows = withPage(rows, await this.page(filters, NEXT_PAGE, rows.next));
      }
      if (turn !== this.turn) return;
      this.state.update((state) => ({ ...state, rows, isLoading: false, problem: null }));
      void this.pump();
    } catch (error) {
      if (turn !== this.turn || !(error instanceof Problem)) throw error;
      this.state.update((state) => ({ ...state, isLoading: false, problem: error }));
      if (error.mayPass) throw error;
    }
  }

  private async page(filters: Filters, limit: number, after: string | null): Promise<Page<Row>> {
    const answer = await get<Answer>(pagePath(filters, limit, after));
    const found: Row[] = answer.payouts ?? answer.payments ?? [];
    const { next, total, unreadable } = answer;
    return { rows: found.map((row) => [idOf(filters.view, row), row] as const), next, total, unreadable };
  }

  /** Loads on until a row is there, if there is one. */
  async reach(row: number): Promise<void> {
    if (this.loadingMore) return;
    this.loadingMore = true;
    try {
      while (this.state.value.rows.next !== null && this.state.value.rows.ids.length <= row) {
        const { turn } = this;
        const { filters, rows } = this.state.value;
        const page = await this.page(filters, NEXT_PAGE, rows.next);
        if (turn !== this.turn) return;
        this.state.update((state) => ({ ...state, rows: withPage(state.rows, page) }));
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.state.update((state) => ({ ...state, problem: error }));
    } finally {
      this.loadingMore = false;
    }
  }

  /** A row has moved: how, is asked once for all that move within a frame. */
  hear(id: string): void {
    this.moved.add(id);
    void this.pump();
  }

  private async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      // What is being loaded may be older than what was heard meanwhile, which is asked after it.
      while (this.moved.size > 0 && !this.state.value.isLoading) {
        await frame();
        const ids = [...this.moved];
        this.moved.clear();
        if (ids.length > MANY) await this.reloadInTime();
        else await this.refresh(ids);
      }
    } catch {
      // The connection is gone; all is looked up again when it is back.
    } finally {
      this.isPumping = false;
    }
  }

  private async reloadInTime(): Promise<void> {
    const wait = this.lastReload + RELOAD_PAUSE_MS - Date.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    this.lastReload = Date.now();
    await this.reload();
  }

  private async refresh(ids: readonly string[]): Promise<void> {
    const { filters } = this.state.value;
    const { turn } = this;
    const changed = new Map<string, Row | null>();
    const waiting = [...ids];
    const askOn = async (): Promise<void> => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        const row = await rowOf(filters.view, id);
        changed.set(id, row !== null && matches(filters, row) ? row : null);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, askOn));
    if (turn !== this.turn) return;
    const now = Date.now();
    this.state.update((state) => ({ ...state, rows: withChanged(state.rows, changed, now) }));
  }

  async exportAs(form: Form): Promise<void> {
    const { filters } = this.state.value;
    await download(exportPath(filters, form), `${filters.view}-${dayOf(Date.now())}.${form}`);
  }
}

async function rowOf(view: View, id: string): Promise<Row | null> {
  try {
    return await get<Row>(`/api/ops/${view}/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** The next frame, or a moment where none is drawn because nobody looks. */
function frame(): Promise<void> {
  return new Promise((done) => {
    if (document.hidden) setTimeout(done, 100);
    else requestAnimationFrame(() => done());
  });
}
