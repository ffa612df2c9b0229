/**
 * What the console's table shows, and how that stands in the address, so that it survives a reload and can be sent to a
 * colleague. Whatever is not understood is left out.
 */

import { isWrongWithPayments } from "./attention";
import type { PaymentRow, PayoutRow } from "./ops-documents";
import { dayOf, OWN_ZONE } from "./times";

export type View = "payouts" | "payments";

export interface Filters {
  view: View;
  status: string[];
  provider: string;
  /** Of payouts the coin, of payments the currency. */
  coin: string;
  /** What is wrong with a payment: one kind, or `any`. */
  problem: string;
  search: string;
  /** Days, such as `2026-11-24`, both of them included. */
  from: string;
  to: string;
}

export const STATUSES: Record<View, readonly string[]> = {
  payouts: ["awaiting_approval", "created", "ambiguous", "broadcast", "confirming", "mismatch", "dropped", "completed", "failed", "returned"],
  payments: ["pending", "confirming", "partially_paid", "completed", "expired", "failed", "cancelled", "refunded"],
};

export const NO_FILTERS: Filters = { view: "payouts", status: [], provider: "", coin: "", problem: "", search: "", from: "", to: "" };

/** Whatever is wrong with a payment. */
export const ANY_PROBLEM = "any";

const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function readFilters(query: string): Filters {
  const given = new URLSearchParams(query);
  const view: View = given.get("view") === "payments" ? "payments" : "payouts";
  const status = (given.get("status") ?? "").split(",").filter((one) => STATUSES[view].includes(one));
  const problem = given.get("problem") ?? "";
  const day = (name: string): string => {
    const value = given.get(name) ?? "";
    return DAY.test(value) && !Number.isNaN(Date.parse(value)) ? value : "";
  };
  return {
    view,
    status: [...new Set(status)],
    provider: (given.get("provider") ?? "").trim(),
    coin: (given.get("coin") ?? "").trim(),
    problem: view === "payments" && (problem === ANY_PROBLEM || isWrongWithPayments(problem)) ? problem : "",
    search: (given.get("search") ?? "").trim(),
    from: day("from"),
    to: day("to"),
  };
}

/** The query of the page's own address; empty where nothing is filtered. */
export function writeFilters(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.view !== "payouts") query.set("view", filters.view);
  if (filters.status.length > 0) query.set("status", filters.status.join(","));
  for (const name of ["provider", "coin", "problem", "search", "from", "to"] as const) {
    if (filters[name] !== "") query.set(name, filters[name]);
  }
  const text = query.toString().replaceAll("%2C", ",");
  return text === "" ? "" : `?${text}`;
}

/** The query of the REST API, which calls a payment's coin its currency. */
function asked(filters: Filters, timeZone: string): URLSearchParams {
  const query = new URLSearchParams();
  if (filters.status.length > 0) query.set("status", filters.status.join(","));
  if (filters.provider !== "") query.set("provider", filters.provider);
  if (filters.coin !== "") query.set(filters.view === "payouts" ? "coin" : "currency", filters.coin);
  if (filters.problem !== "" && filters.view === "payments") query.set("problem", filters.problem);
  if (filters.search !== "") query.set("search", filters.search);
  if (filters.from !== "") query.set("from", filters.from);
  if (filters.to !== "") query.set("to", filters.to);
  if (filters.from !== "" || filters.to !== "") query.set("timeZone", timeZone);
  return query;
}

export function pagePath(filters: Filters, limit: number, after: string | null, timeZone = OWN_ZONE): string {
  const query = asked(filters, timeZone);
  query.set("limit", limit.toString());
  if (after !== null) query.set("after", after);
  return `/api/ops/${filters.view}?${query}`;
}

/** What a table can be taken as: lines for programs, and a workbook for a spreadsheet. */
export type Form = "csv" | "xlsx";

export function exportPath(filters: Filters, form: Form, timeZone = OWN_ZONE): string {
  const query = asked(filters, timeZone);
  if (form === "xlsx") query.set("timeZone", timeZone);
  return `/api/ops/${filters.view}.${form}${query.size === 0 ? "" : `?${query}`}`;
}

/** The bridge counts no further than this. */
const COUNTED_UP_TO = 100_000;

/** How many rows there are: `1 payout`, `5,000 payments`. */
export function countedRows(total: number, view: View): string {
  const number = total.toLocaleString("en-GB");
  if (total >= COUNTED_UP_TO) return `${number} ${view} or more`;
  return `${number} ${total === 1 ? view.slice(0, -1) : view}`;
}

export function areSet(filters: Filters): boolean {
  return writeFilters({ ...filters, view: "payouts" }) !== "";
}

function common(filters: Filters, row: PayoutRow | PaymentRow, coin: string, searched: readonly (string | null)[], timeZone: string): boolean {
  if (filters.status.length > 0 && !filters.status.includes(row.status)) return false;
  if (filters.provider !== "" && row.provider !== filters.provider) return false;
  if (filters.coin !== "" && coin !== filters.coin) return false;
  const madeOn = dayOf(row.createdAt, timeZone);
  if (filters.from !== "" && madeOn < filters.from) return false;
  if (filters.to !== "" && madeOn > filters.to) return false;
  const wanted = filters.search.toLowerCase();
  return wanted === "" || searched.some((text) => text?.toLowerCase().includes(wanted) === true);
}

/** Whether a row that has just changed belongs into the table. */
export function payoutMatches(filters: Filters, row: PayoutRow, timeZone = OWN_ZONE): boolean {
  const searched = [row.payoutId, row.paymentId, row.sellerId, row.taskId, row.destination, ...row.txHashes];
  return common(filters, row, row.coin, searched, timeZone);
}

export function paymentMatches(filters: Filters, row: PaymentRow, timeZone = OWN_ZONE): boolean {
  const { problem } = filters;
  if (problem === ANY_PROBLEM && row.problems.length === 0) return false;
  if (isWrongWithPayments(problem) && !row.problems.includes(problem)) return false;
  const searched = [row.paymentId, row.externalId, row.requestId, row.buyerId, row.sellerId, row.checkoutId, ...row.txHashes];
  return common(filters, row, row.currency, searched, timeZone);
}
