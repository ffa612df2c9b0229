/** What the console's palette finds by itself, and how it names what the bridge finds. */

import { expect, test } from "vitest";
import type { AttentionItem } from "../src/model/ops-documents";
import { known, paymentGoal, payoutGoal } from "../src/model/palette";
import { paymentRow, payoutRow } from "./documents";

const item = (id: string, changes: Partial<AttentionItem> = {}): AttentionItem => ({
  kind: "payout-failed",
  id,
  title: `The payout ${id} failed`,
  detail: "",
  advice: "",
  mark: "m",
  since: "2026-11-24T10:00:00Z",
  actions: [],
  severity: "critical",
  staysListed: false,
  state: "open",
  ...changes,
});

test("pages are there before anything is typed, and each word narrows them down", () => {
  expect(known("", [item("out_1")]).map(({ path }) => path)).toContain("/ops/books");
  expect(known("", [item("out_1")]).every(({ kind }) => kind === "Page")).toBe(true);
  expect(known("  WEBHOOKS services ", []).map(({ name }) => name)).toEqual(["Endpoints"]);
  expect(known("webhooks wallets", [])).toEqual([]);
});

test("what needs a person leads to its payout, or its payment, or to the list", () => {
  const items = [item("a", { payoutId: "out_1", paymentId: "pay_1" }), item("b", { paymentId: "pay_2" }), item("c")];
  expect(known("failed", items).map(({ path }) => path)).toEqual(["/ops/payouts/out_1", "/ops/payments/pay_2", "/ops"]);
  expect(known("pay_2", items)).toHaveLength(1);
  expect(known("failed", Array.from({ length: 50 }, (_, place) => item(`${place}`)))).toHaveLength(6);
});

test("a payout and a payment are named by what they come to, whose they are and how they stand", () => {
  expect(payoutGoal(payoutRow({ status: "awaiting_approval" }))).toEqual({
    kind: "Payout",
    name: "48.90\u00a0ETH-USDT",
    about: "to seller-1, awaiting approval, out_1",
    path: "/ops/payouts/out_1",
  });
  const refund = payoutGoal(payoutRow({ buyerId: "buyer-1", refundId: "back_1" }));
  expect([refund.kind, refund.about]).toEqual(["Refund", "to buyer-1, created, out_1"]);
  expect(paymentGoal(paymentRow()).about).toBe("by buyer-1 for request-1, pending, pay_1");
  expect(paymentGoal(paymentRow({ status: "partially_paid" })).about).toContain(", partly paid, ");
});
