/** What the lists of a buyer and of a seller say. */

import { expect, test } from "vitest";
import type { PayoutDocument, RefundStatus } from "../src/model/documents";
import { concernsOwn, ON_ITS_WAY, type OwnLists, paymentEntry, payoutEntry } from "../src/model/own";
import { payment, refund } from "./documents";
import { english } from "./spoken";

const SHARES = [
  { requestId: "request-1", sellerId: "seller-1", offerId: null, amount: "40.10", cancelled: false },
  { requestId: "request-2", sellerId: "seller-2", offerId: null, amount: "9.80", cancelled: false },
  { requestId: "request-3", sellerId: "seller-1", offerId: null, amount: "0.90", cancelled: false },
];
const PAYOUT: PayoutDocument = {
  payoutId: "out_1",
  paymentId: "pay_1",
  coin: "ETH-USDT",
  amount: "48",
  destination: "0xabc",
  status: "created",
  createdAt: "2026-11-24T10:00:00Z",
  updatedAt: "2026-11-24T10:00:00Z",
};

function lists(changes: Partial<OwnLists> = {}): OwnLists {
  const none = { items: [], next: null };
  return { payments: { items: [payment()], next: null }, payouts: none, onItsWay: none, ...changes };
}

test("a seller sees their own shares of a checkout, a buyer all of it", () => {
  const paid = payment({ checkoutId: "checkout/1", shares: SHARES, amount: "50.80" });
  const [sale, order] = [paymentEntry(english, paid, "seller", "seller-1"), paymentEntry(english, paid, "buyer", "buyer-1")];
  expect([sale.amount, sale.about, sale.path]).toEqual(["41", "request-1, request-3", "/checkout/checkout%2F1?as=seller"]);
  expect([order.amount, order.about, order.path]).toEqual(["50.80", "request-1, request-2, request-3", "/checkout/checkout%2F1"]);
});

test("a sale of which the purchase was cancelled is no paid one, whatever was paid for the others", () => {
  const shares = SHARES.map((share) => ({ ...share, cancelled: share.sellerId === "seller-2" }));
  const paid = payment({ checkoutId: "checkout/1", shares, amount: "50.80", received: "50.80", status: "completed", escrowState: "funded" });
  const of = (me: string): string => paymentEntry(english, paid, "seller", me).words;
  expect([of("seller-1"), of("seller-2")]).toEqual(["The buyer has paid", "The payment was cancelled"]);
});

test("a payment of which all is to go back is told so, and one of which a part is is not", () => {
  const said = (amount: string, status: RefundStatus = "awaiting_address"): string[] => {
    const paid = payment({ status: "completed", received: "49.90", refunds: [refund({ amount, status })] });
    return (["seller", "buyer"] as const).map((side) => paymentEntry(english, paid, side, "seller-1").words);
  };
  expect(said("49.90")[0]).toMatch(/can go back to the buyer/);
  expect(said("49.90")[1]).toMatch(/can go back to you/);
  expect(said("49.90", "broadcast")[0]).toMatch(/on its way back to the buyer/);
  for (const paid of [said("40.00"), said("49.90", "cancelled"), said("49.90", "failed")]) {
    expect(paid).toEqual(["The buyer has paid", "Paid"]);
  }
});

test("a buyer is asked where a refund goes, a seller is not", () => {
  const refund = { status: "awaiting_address" } as ReturnType<typeof payment>["refunds"][number];
  const refunded = payment({ refunds: [refund] });
  expect(paymentEntry(english, refunded, "buyer", "buyer-1").asks).toBe("Say where your refund goes");
  expect(paymentEntry(english, refunded, "seller", "seller-1").asks).toBeNull();
});

test("what is not settled is on its way, in words that leave out whose trouble it is", () => {
  expect(ON_ITS_WAY).toEqual(["awaiting_approval", "created", "broadcast", "confirming", "ambiguous", "mismatch", "dropped"]);
  expect(payoutEntry(english, { ...PAYOUT, status: "ambiguous" }).words).toBe("Being looked into");
  expect(payoutEntry(english, { ...PAYOUT, status: "completed" })).toMatchObject({ tone: "done", words: "Arrived", currency: "ETH-USDT" });
});

test("an event concerns those whose payment or payout it tells of", () => {
  const own = lists({ onItsWay: { items: [PAYOUT], next: null } });
  expect(concernsOwn(own, "seller", "seller-1", { paymentId: "pay_1" })).toBe(true);
  expect(concernsOwn(own, "seller", "seller-1", { payoutId: "out_1" })).toBe(true);
  expect(concernsOwn(own, "seller", "seller-1", { paymentId: "pay_9", sellerId: "seller-1" })).toBe(true);
  expect(concernsOwn(own, "seller", "seller-1", { paymentId: "pay_9", buyerId: "seller-1", sellerId: "seller-2" })).toBe(false);
  expect(concernsOwn(own, "buyer", "buyer-1", { paymentId: "pay_9", buyerId: "buyer-1" })).toBe(true);
  expect(concernsOwn(own, "buyer", "buyer-1", { payoutId: "out_9" })).toBe(false);
});

test("where a payout goes is shown whole", () => {
  const destination = `0x${"ab12".repeat(10)}`;
  expect(payoutEntry(english, { ...PAYOUT, destination }).about).toBe(destination);
});
