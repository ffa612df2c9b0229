/** What a receipt says: everything whole, and nothing that is not so. */

import { expect, test } from "vitest";
import { receiptLines } from "../src/model/receipt";
import { payment } from "./documents";
import { english } from "./spoken";

const HASH = `0x${"ab".repeat(32)}`;
const paid = payment({
  status: "completed",
  returnUrl: "https://shop.example/orders/7",
  transfers: [
    { txHash: HASH, asset: "ETH-USDT", amount: "49.9", value: "49.9", confirmed: true, occurredAt: null },
    { txHash: "0xlater", asset: "ETH-USDT", amount: "1", value: null, confirmed: false, occurredAt: null },
  ],
});

test("a receipt has the whole hash of what has arrived, and of nothing else", () => {
  const lines = receiptLines(english, paid, "shop.example");
  expect(lines).toContainEqual(["Shop", "shop.example"]);
  expect(lines).toContainEqual(["49.9\u00a0ETH-USDT", HASH]);
  expect(lines.flat()).not.toContain("0xlater");
  expect(lines.at(-1)).toEqual(["Payment", paid.paymentId]);
});

test("a receipt says what was sent back since", () => {
  const lines = receiptLines(english, { ...paid, refunded: "10" }, null);
  expect(lines).toContainEqual(["Sent back since", "10.00\u00a0USD"]);
  expect(lines[0]?.[0]).toBe("Paid");
});
