/**
 * The rows of a long table, newest first: pages that REST brings are put below, rows that events tell of are put where
 * they belong. Nothing is changed in place.
 */

import type { ServerToClientEvents } from "@contract/events";

export interface Dated {
  createdAt: string;
}

/** What a list has in place of a row that the bridge cannot read. */
export interface Unreadable {
  id: string;
  detail: string;
  advice: string;
}

export interface Rows<Row extends Dated> {
  ids: readonly string[];
  byId: ReadonlyMap<string, Row>;
  /** How many there are to show, loaded or not. */
  total: number;
  /** Those of what is loaded that the bridge cannot read. */
  unreadable: readonly Unreadable[];
  /** Where the next page begins; null when all are loaded. */
  next: string | null;
  /** When an event changed a row last, so that a change can be shown. */
  changes: ReadonlyMap<string, number>;
}

export interface Page<Row extends Dated> {
  rows: readonly (readonly [id: string, row: Row])[];
  next: string | null;
  total: number;
  unreadable: readonly Unreadable[];
}

export function noRows<Row extends Dated>(): Rows<Row> {
  return { ids: [], byId: new Map(), total: 0, unreadable: [], next: null, changes: new Map() };
}

export function firstPage<Row extends Dated>(page: Page<Row>): Rows<Row> {
  return withPage(noRows<Row>(), page);
}

/** With one more page. What an event told meanwhile is newer than the page and stays as it is. */
export function withPage<Row extends Dated>(rows: Rows<Row>, page: Page<Row>): Rows<Row> {
  const added = page.rows.filter(([id]) => !rows.byId.has(id));
  const unreadable = [...rows.unreadable, ...page.unreadable];
  return {
    ...rows,
    ids: [...rows.ids, ...added.map(([id]) => id)],
    byId: new Map([...rows.byId, ...added]),
    total: Math.max(page.total - unreadable.length, rows.ids.length + added.length),
    unreadable,
    next: page.next,
  };
}

/** With rows as they stand now; null is one that does not belong here, or no more. */
export function withChanged<Row extends Dated>(
  rows: Rows<Row>,
  changed: ReadonlyMap<string, Row | null>,
  now: number,
): Rows<Row> {
  const byId = new Map(rows.byId);
  const changes = new Map(rows.changes);
  const gone = new Set<string>();
  const come: string[] = [];
  for (const [id, row] of changed) {
    const isThere = byId.has(id);
    if (row === null) {
      if (!isThere) continue;
      byId.delete(id);
      gone.add(id);
      continue;
    }
    if (!isThere) {
      // What is older than all that is loaded comes with its page.
      if (rows.next !== null && isOlderThanAll(rows, row)) continue;
      come.push(id);
    }
    byId.set(id, row);
    changes.set(id, now);
  }
  let ids: string[] = gone.size > 0 ? rows.ids.filter((id) => !gone.has(id)) : [...rows.ids];
  for (const id of come) ids = inserted(ids, id, byId);
  return { ...rows, ids, byId, changes, total: rows.total - gone.size + come.length };
}

function isOlderThanAll<Row extends Dated>(rows: Rows<Row>, row: Row): boolean {
  const last = rows.byId.get(rows.ids.at(-1) ?? "");
  return last !== undefined && row.createdAt < last.createdAt;
}

function inserted<Row extends Dated>(ids: readonly string[], id: string, byId: ReadonlyMap<string, Row>): string[] {
  const createdAt = byId.get(id)?.createdAt ?? "";
  const found = ids.findIndex((other) => (byId.get(other)?.createdAt ?? "") <= createdAt);
  const place = found === -1 ? ids.length : found;
  return [...ids.slice(0, place), id, ...ids.slice(place)];
}

/** Whom an event is about. */
export interface Concerned {
  payoutId?: string;
  paymentId?: string;
}

type EventName = keyof ServerToClientEvents;

/** The events that move a row of the console. */
export const MOVING_EVENTS = [
  "payment-created",
  "payment-update",
  "payment-progress",
  "payout-created",
  "payout-updated",
  "payout-completed",
  "payout-progress",
  "refund-opened",
  "refund-updated",
] as const satisfies readonly EventName[];

export type MovingEvent = (typeof MOVING_EVENTS)[number];

export function concerned<Name extends MovingEvent>(
  _event: Name,
  payload: Parameters<ServerToClientEvents[Name]>[0],
): Concerned {
  const found: Concerned = {};
  if ("payoutId" in payload) found.payoutId = payload.payoutId;
  if ("paymentId" in payload) found.paymentId = payload.paymentId;
  return found;
}
