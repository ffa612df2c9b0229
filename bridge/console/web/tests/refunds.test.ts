import { describe, expect, test } from "vitest";
import { disputeWords } from "../src/model/disputes";
import type { Refund, Refundable } from "../src/model/documents";
import { paymentLine } from "../src/model/payment-line";
import { coinOf, poolName, refundFault, refundLine, sentFault, shownRefunds } from "../src/model/refunds";
import { payment, refund } from "./documents";
import { english } from "./spoken";

const GOODS: Refundable = { of: "goods", sellerId: "seller-1", amount: "49.90" };
const EXCESS: Refundable = { of: "excess", sellerId: null, amount: "10.10" };

describe("what a page says of a refund", () => {
  const ALL = [
    ...["awaiting_address", "awaiting_approval", "created", "ambiguous", "broadcast", "confirming"],
    ...["mismatch", "dropped", "completed", "failed", "returned"],
  ] as Refund["status"][];

  test.each(ALL)("%s has words for buyer and seller, and only the buyer's speak to the buyer", (status) => {
    for (const side of ["buyer", "seller"] as const) {
      const { headline, sentence } = refundLine(english, refund({ status, coinAmount: "49.9" }), side);
      expect(headline).toContain("49.90\u00a0USD");
      expect(sentence).not.toBe("");
      if (side === "seller") expect(`${headline} ${sentence}`).not.toMatch(/\byou\b/);
    }
  });

  test("where it arrived, it says how much of which coin", () => {
    const line = refundLine(english, refund({ status: "completed", coinAmount: "0.00083" }), "buyer");
    expect(line.headline).toBe("49.90\u00a0USD went back to you");
    expect(line.sentence).toBe("It has arrived: 0.00083\u00a0ETH-USDT.");
  });

  test("one that was withdrawn is not shown", () => {
    const shown = shownRefunds(payment({ refunds: [refund({ status: "cancelled" }), refund({ refundId: "back_2" })] }));
    expect(shown.map(({ refundId }) => refundId)).toEqual(["back_2"]);
  });

  test("the coin is named with its network where that is known", () => {
    expect(coinOf(refund(), payment())).toBe("ETH-USDT (ERC20 USDT)");
    expect(coinOf(refund({ coin: "BTC" }), payment())).toBe("BTC");
  });
});

describe("what the payment's own line says of it", () => {
  test("what came too much is the shop's to send back until it is on its way", () => {
    const over = payment({ status: "completed", received: "60", excess: "10.10", refundable: [GOODS, EXCESS] });
    expect(paymentLine(english, over, "buyer").remarks).toEqual([
      "10.10\u00a0USD more came than was asked for. Ask the shop to send it back.",
    ]);
    expect(paymentLine(english, { ...over, refundable: [GOODS] }, "buyer").remarks).toEqual([]);
  });

  test("a part that went back is told of, and all of it is the headline", () => {
    const part = payment({ status: "completed", received: "49.90", refunded: "12.50" });
    expect(paymentLine(english, part, "buyer").remarks).toEqual(["12.50\u00a0USD went back to you."]);
    expect(paymentLine(english, part, "seller").remarks).toEqual(["12.50\u00a0USD went back to the buyer."]);
    const all = paymentLine(english, payment({ status: "refunded", received: "49.90", refunded: "49.90" }), "buyer");
    expect([all.headline, all.remarks]).toEqual(["The payment was refunded", []]);
  });

  test("both are told of a dispute while the bank decides, and the seller of one that was won", () => {
    const dispute = { disputeId: "dp_1", status: "open", amount: "30.00", reason: "fraudulent" } as const;
    const told = (status: "open" | "won" | "lost", side: "buyer" | "seller"): string[] =>
      paymentLine(english, payment({ status: "completed", received: "49.90", disputes: [{ ...dispute, status }] }), side).remarks;
    expect(told("open", "buyer")).toEqual(["Your bank was asked to take 30.00\u00a0USD back, and has not decided yet."]);
    expect(told("open", "seller")).toEqual([
      "The buyer's bank was asked to take 30.00\u00a0USD back. Nothing is paid out until it has decided.",
    ]);
    expect(told("won", "seller")).toEqual(["The buyer's bank was asked to take 30.00\u00a0USD back, and has decided that it stays."]);
    expect([told("won", "buyer"), told("lost", "buyer"), told("lost", "seller")]).toEqual([[], [], []]);
    expect(disputeWords(dispute, "USD")).toBe("30.00\u00a0USD, open (dp_1: fraudulent)");
    expect(disputeWords({ ...dispute, reason: null }, "USD")).toBe("30.00\u00a0USD, open (dp_1)");
  });
});

describe("a refund as somebody opens it", () => {
  test.each([
    ["49.90", null],
    ["0.01", null],
    ["49.91", "No more than 49.90\u00a0USD can go back."],
    ["0", "Say how much, such as 12.50."],
    ["0.00", "Say how much, such as 12.50."],
    ["", "Say how much, such as 12.50."],
    ["12,50", "Say how much, such as 12.50."],
    ["-1", "Say how much, such as 12.50."],
  ])("%s of what can go back", (amount, fault) => {
    expect(refundFault(GOODS, amount, "USD")).toBe(fault);
  });

  test("nothing can be opened where nothing can go back", () => {
    expect(refundFault(null, "1", "USD")).toBe("Nothing of this payment can go back.");
  });

  test.each([
    [{}, null],
    [{ coinAmount: "0.5" }, null],
    [{ txHash: "" }, "Name the transaction that carries it."],
    [{ destination: "" }, "Say where it went."],
    [{ coinAmount: "1,5" }, "Say how much of the coin, such as 12.50, or leave it out."],
    [{ coinAmount: "0" }, "Say how much of the coin, such as 12.50, or leave it out."],
  ])("one that was sent already, said with %o", (changes, fault) => {
    expect(sentFault({ txHash: "0xab", destination: "0xcd", coinAmount: "", ...changes })).toBe(fault);
  });

  test("money is named by what it came for, and by its seller where there are several", () => {
    expect([poolName(GOODS, false), poolName(GOODS, true), poolName(EXCESS, false)]).toEqual([
      "What came for the goods",
      "What came for the goods of seller-1",
      "What came too much",
    ]);
  });
});
