import { describe, expect, it } from "vitest";
import type { PayoutRow } from "../src/model/ops-documents";
import { concerned, firstPage, type Page, withChanged, withPage } from "../src/model/rows";
import { payoutRow } from "./documents";

const row = (number: number, changes: Partial<PayoutRow> = {}): [string, PayoutRow] => {
  const createdAt = new Date(Date.UTC(2026, 10, 24) + number * 1_000).toISOString();
  return [`out_${number}`, payoutRow({ payoutId: `out_${number}`, createdAt, ...changes })];
};
const page = (numbers: number[], next: string | null, total: number): Page<PayoutRow> => ({
  rows: numbers.map((number) => row(number)),
  next,
  total,
  unreadable: [],
});
const NOW = 1_000_000;

describe("the rows of the table", () => {
  const loaded = firstPage(page([9, 8, 7], "after-7", 5));

  it("grow by pages, and count what is not loaded yet", () => {
    expect(loaded.total).toBe(5);
    const whole = withPage(loaded, page([6, 5], null, 5));
    expect(whole.ids).toEqual(["out_9", "out_8", "out_7", "out_6", "out_5"]);
    expect([whole.next, whole.total]).toEqual([null, 5]);
  });

  it("leave room for none that cannot be read, and name each", () => {
    const unreadable = [{ id: "out_6", detail: "What is stored of payout out_6 cannot be read.", advice: "…" }];
    const whole = withPage(loaded, { ...page([5], null, 5), unreadable });
    expect(whole.ids).toEqual(["out_9", "out_8", "out_7", "out_5"]);
    expect([whole.total, whole.unreadable]).toEqual([4, unreadable]);
  });

  it("keep what an event told over a page that was asked for before", () => {
    const changed = withChanged(loaded, new Map([row(8, { status: "completed" })]), NOW);
    const whole = withPage(changed, page([8, 6], null, 5));
    expect(whole.byId.get("out_8")?.status).toBe("completed");
    expect(whole.ids.filter((id) => id === "out_8")).toHaveLength(1);
  });

  it("put a new one first, and say when it came", () => {
    const changed = withChanged(loaded, new Map([row(10)]), NOW);
    expect(changed.ids[0]).toBe("out_10");
    expect(changed.total).toBe(6);
    expect(changed.changes.get("out_10")).toBe(NOW);
    expect(changed.changes.has("out_9")).toBe(false);
  });

  it("change one in its place", () => {
    const changed = withChanged(loaded, new Map([row(8, { status: "failed" })]), NOW);
    expect(changed.ids).toEqual(loaded.ids);
    expect(changed.total).toBe(5);
    expect(changed.byId.get("out_8")?.status).toBe("failed");
  });

  it("drop one that no longer fits, and not what was never there", () => {
    const changed = withChanged(loaded, new Map([["out_8", null], ["out_99", null]]), NOW);
    expect(changed.ids).toEqual(["out_9", "out_7"]);
    expect(changed.total).toBe(4);
  });

  it("leave older ones to their page, until all pages are there", () => {
    expect(withChanged(loaded, new Map([row(1)]), NOW).ids).toEqual(loaded.ids);
    const whole = withPage(loaded, page([6, 5], null, 5));
    expect(withChanged(whole, new Map([row(1)]), NOW).ids.at(-1)).toBe("out_1");
  });

  it("keep their order however many come at once", () => {
    const come = new Map([10, 12, 11].map((number) => row(number)));
    expect(withChanged(loaded, come, NOW).ids.slice(0, 4)).toEqual(["out_12", "out_11", "out_10", "out_9"]);
  });

  it("do not change in place", () => {
    const before = JSON.stringify([loaded.ids, [...loaded.byId]]);
    withChanged(loaded, new Map([row(8, { status: "failed" }), row(10)]), NOW);
    withPage(loaded, page([6], null, 5));
    expect(JSON.stringify([loaded.ids, [...loaded.byId]])).toBe(before);
  });

  it("know whom an event is about", () => {
    expect(concerned("payout-completed", { payoutId: "out_1", taskId: "t", txHash: "0x" })).toEqual({ payoutId: "out_1" });
    expect(concerned("payment-update", { paymentId: "pay_1", status: "completed" })).toEqual({ paymentId: "pay_1" });
  });
});
