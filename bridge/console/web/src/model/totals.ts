/** Totals per day as small charts: one for each currency, because amounts of two currencies do not add up. */

import { compare, isZero, share, sum } from "./amounts";
import type { DayTotal } from "./ops-documents";

export interface DayBar {
  date: string;
  amount: string;
  count: number;
  /** Of the chart's height, between 0 and 1. */
  height: number;
}

/** What is drawn: what was sold less what went back, what went back, and what was paid out. */
export type Kind = "netSales" | "refunds" | "payouts";

const COUNTS = { netSales: "salesCount", refunds: "refundsCount", payouts: "payoutsCount" } as const;

export interface Chart {
  kind: Kind;
  currency: string;
  days: DayBar[];
  total: string;
  count: number;
}

/** The charts of one kind, each over the same days up to `today`, the one with the most events first. */
export function charts(totals: readonly DayTotal[], kind: Kind, days: number, today: string): Chart[] {
  const dates = datesUpTo(today, days);
  const ofKind = totals.filter((total) => !(isZero(total[kind]) && total[COUNTS[kind]] === 0) && total.date >= (dates[0] ?? ""));
  const currencies = [...new Set(ofKind.map((total) => total.currency))];
  return currencies
    .map((currency) => chart(ofKind.filter((total) => total.currency === currency), kind, currency, dates))
    .sort((one, other) => other.count - one.count || one.currency.localeCompare(other.currency));
}

function chart(totals: readonly DayTotal[], kind: Kind, currency: string, dates: readonly string[]): Chart {
  const byDate = new Map(totals.map((total) => [total.date, total]));
  const most = totals.reduce((found, { [kind]: amount }) => (compare(amount, found) > 0 ? amount : found), "0");
  return {
    kind,
    currency,
    days: dates.map((date) => {
      const found = byDate.get(date);
      const [amount, count] = [found?.[kind] ?? "0", found?.[COUNTS[kind]] ?? 0];
      return { date, amount, count, height: isZero(most) ? 0 : share(amount, most) };
    }),
    total: sum(totals.map((one) => one[kind])),
    count: totals.reduce((found, one) => found + one[COUNTS[kind]], 0),
  };
}

export function datesUpTo(today: string, days: number): string[] {
  const end = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: days }, (_, place) =>
    new Date(end - (days - 1 - place) * 86_400_000).toISOString().slice(0, 10),
  );
}
