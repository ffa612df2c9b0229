import { describe, expect, it } from "vitest";
import {
  areSet,
  countedRows,
  exportPath,
  type Filters,
  NO_FILTERS,
  pagePath,
  paymentMatches,
  payoutMatches,
  readFilters,
  writeFilters,
} from "../src/model/filters";
import { paymentRow, payoutRow } from "./documents";

const all: Filters = {
  view: "payments",
  status: ["pending", "completed"],
  provider: "onchain",
  coin: "USDT",
  problem: "payment-short",
  search: "buyer & co=1?",
  from: "2026-11-01",
  to: "2026-11-24",
};

describe("filters in the address", () => {
  it("come back as they were", () => {
    expect(readFilters(writeFilters(all))).toEqual(all);
    expect(readFilters(writeFilters(NO_FILTERS))).toEqual(NO_FILTERS);
    expect(writeFilters(NO_FILTERS)).toBe("");
  });

  it("leave out what nobody can mean", () => {
    expect(readFilters("?view=secrets&status=created,nonsense,created&from=yesterday&to=2026-13-45&other=1")).toEqual({
      ...NO_FILTERS,
      status: ["created"],
    });
  });

  it("know the problems of payments, and those alone", () => {
    expect(readFilters("?view=payments&problem=any").problem).toBe("any");
    expect(readFilters("?view=payments&problem=payment-over").problem).toBe("payment-over");
    expect(readFilters("?view=payments&problem=payment-without-address").problem).toBe("payment-without-address");
    expect(readFilters("?view=payments&problem=over").problem).toBe("");
    expect(readFilters("?problem=any").problem).toBe("");
  });

  it("know only the states of what is shown", () => {
    expect(readFilters("?view=payments&status=mismatch,refunded").status).toEqual(["refunded"]);
  });

  it("are set unless only the view was chosen", () => {
    expect(areSet({ ...NO_FILTERS, view: "payments" })).toBe(false);
    expect(areSet({ ...NO_FILTERS, search: "x" })).toBe(true);
  });
});

describe("the number of rows", () => {
  it("is said as far as the bridge counts", () => {
    expect(countedRows(0, "payouts")).toBe("0 payouts");
    expect(countedRows(1, "payments")).toBe("1 payment");
    expect(countedRows(5_000, "payouts")).toBe("5,000 payouts");
    expect(countedRows(100_000, "payouts")).toBe("100,000 payouts or more");
  });
});

describe("what is asked of the bridge", () => {
  it("names a payment's coin its currency", () => {
    const asked = new URL(pagePath(all, 200, "cursor", "Asia/Tokyo"), "http://bridge");
    expect(asked.pathname).toBe("/api/ops/payments");
    expect(Object.fromEntries(asked.searchParams)).toEqual({
      status: "pending,completed",
      provider: "onchain",
      currency: "USDT",
      problem: "payment-short",
      search: "buyer & co=1?",
      from: "2026-11-01",
      to: "2026-11-24",
      timeZone: "Asia/Tokyo",
      limit: "200",
      after: "cursor",
    });
    expect(new URL(pagePath({ ...NO_FILTERS, coin: "BTC" }, 1, null), "http://b").searchParams.get("coin")).toBe("BTC");
  });

  it("exports what the table shows", () => {
    expect(exportPath(NO_FILTERS, "csv")).toBe("/api/ops/payouts.csv");
    expect(exportPath(NO_FILTERS, "xlsx", "UTC")).toBe("/api/ops/payouts.xlsx?timeZone=UTC");
    expect(new URL(exportPath(all, "csv"), "http://b").searchParams.get("limit")).toBeNull();
    expect(new URL(exportPath(all, "csv"), "http://b").searchParams.get("search")).toBe(all.search);
  });
});

describe("whether a row that moved belongs into the table", () => {
  const filtered = (changes: Partial<Filters>): Filters => ({ ...NO_FILTERS, ...changes });

  it("follows the state, the provider and the coin", () => {
    expect(payoutMatches(filtered({ status: ["created"] }), payoutRow())).toBe(true);
    expect(payoutMatches(filtered({ status: ["failed"] }), payoutRow())).toBe(false);
    expect(payoutMatches(filtered({ provider: "onchain" }), payoutRow())).toBe(false);
    expect(payoutMatches(filtered({ coin: "BTC" }), payoutRow())).toBe(false);
    expect(paymentMatches(filtered({ coin: "USD" }), paymentRow())).toBe(true);
  });

  it("searches where the bridge does, in large letters and small", () => {
    const row = payoutRow({ txHashes: ["0xABCDEF"], taskId: null });
    expect(payoutMatches(filtered({ search: "0xabc" }), row)).toBe(true);
    expect(payoutMatches(filtered({ search: "SELLER-1" }), row)).toBe(true);
    expect(payoutMatches(filtered({ search: "nobody" }), row)).toBe(false);
    expect(paymentMatches(filtered({ search: "request-1" }), paymentRow())).toBe(true);
  });

  it("looks at what is wrong with a payment", () => {
    const short = paymentRow({ problems: ["payment-short"] });
    expect(paymentMatches(filtered({ problem: "payment-short" }), short)).toBe(true);
    expect(paymentMatches(filtered({ problem: "payment-over" }), short)).toBe(false);
    expect(paymentMatches(filtered({ problem: "any" }), short)).toBe(true);
    expect(paymentMatches(filtered({ problem: "any" }), paymentRow())).toBe(false);
  });

  it("takes both days in, as the zone has them", () => {
    const row = payoutRow({ createdAt: "2026-11-24T23:59:59.999Z" });
    for (const [zone, before, madeOn, after] of [
      ["UTC", "2026-11-23", "2026-11-24", "2026-11-25"],
      ["Asia/Tokyo", "2026-11-24", "2026-11-25", "2026-11-26"],
    ] as const) {
      expect(payoutMatches(filtered({ from: madeOn, to: madeOn }), row, zone)).toBe(true);
      expect(payoutMatches(filtered({ to: before }), row, zone)).toBe(false);
      expect(payoutMatches(filtered({ from: after }), row, zone)).toBe(false);
    }
  });
});
