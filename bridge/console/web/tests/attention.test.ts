import { describe, expect, test } from "vitest";
import { giftOf, howMany, leftOutWords, nothingListed, paymentIdIn, storiesIn } from "../src/model/attention";
import type { AttentionItem } from "../src/model/ops-documents";

const ITEM: AttentionItem = { kind: "payment-short", id: "a", title: "", detail: "", advice: "", mark: "m", since: "2026-11-24T10:00:00Z", actions: [], severity: "warning", state: "open", staysListed: false };

test("what a text names leads to its page, and all of the text stays", () => {
  const [payout, payment] = ["out_65f1c0ffee0123456789abcd", "pay_65f1c0ffee0123456789abcdef"];
  const text = `${payout} of ${payment}, out_1`;
  const pieces = storiesIn(text);
  expect(pieces.map(({ words }) => words).join("")).toBe(text);
  expect(pieces.flatMap(({ path }) => path ?? [])).toEqual([`/ops/payouts/${payout}`, `/ops/payments/${payment}`]);
  expect(storiesIn("")).toEqual([]);
});

describe("what needs a person and is not listed", () => {
  test("is counted with what is, as far as it was counted", () => {
    expect(howMany([ITEM], [])).toBe("1");
    expect(howMany([ITEM], [{ kind: "payment-short", count: 13 }])).toBe("14");
    expect(howMany([ITEM, ITEM], [{ kind: "payment-short", count: 1 }, { kind: "webhook-unmatched", count: null }])).toBe("3+");
  });

  test("is named by its kind", () => {
    expect(leftOutWords({ kind: "payment-short", count: 13 })).toBe("13 more: Too little");
    expect(leftOutWords({ kind: "webhook-unmatched", count: null })).toBe("Maybe more: Unmatched webhook");
  });
});

describe("an empty list", () => {
  const nothing = { leftOut: [], awaitingAddress: 0, elsewhere: {} };

  test("says that all goes its way only where nothing waits at all", () => {
    expect(nothingListed(nothing, true)).toBe("Nothing. All goes its way.");
    expect(nothingListed({ ...nothing, elsewhere: { snoozed: 0, closed: 0 } }, true)).toBe("Nothing. All goes its way.");
    expect(nothingListed({ ...nothing, awaitingAddress: 2 }, true)).toBe("Nothing is open. Still so: 2 without an address for less than a minute.");
    expect(nothingListed({ ...nothing, elsewhere: { snoozed: 3, closed: 1 } }, true)).toBe("Nothing is open. Still so: 3 snoozed, 1 closed.");
    expect(nothingListed({ ...nothing, leftOut: [{ kind: "payment-short", count: 13 }] }, true)).toBe("Nothing of what is listed.");
  });

  test("of another state says nothing of the rest", () => {
    expect(nothingListed({ ...nothing, elsewhere: { open: 1 } }, false)).toBe("Nothing stands so.");
  });
});

describe("a transfer that is given to a payment", () => {
  test("is named by its transaction, and by its place where that carries several", () => {
    expect(giftOf({ ...ITEM, txHash: "0x1", place: null })).toEqual({ txHash: "0x1" });
    expect(giftOf({ ...ITEM, txHash: "0x1", place: "3" })).toEqual({ txHash: "0x1", place: "3" });
    expect(giftOf(ITEM)).toBeNull();
  });

  test("goes to a payment that is named by its id or by its page", () => {
    expect(paymentIdIn(" pay_1 ")).toBe("pay_1");
    expect(paymentIdIn("https://bridge.example/ops/payments/pay_1")).toBe("pay_1");
    expect(paymentIdIn("/pay/pay_1/")).toBe("pay_1");
    expect(paymentIdIn("")).toBeNull();
    expect(paymentIdIn("https://bridge.example/ops/payouts/out_1")).toBeNull();
  });
});
