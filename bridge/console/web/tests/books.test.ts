/** What the page of the books says of wallets and statements. */

import { expect, test } from "vitest";
import { sum } from "../src/model/amounts";
import { feeLines, feesOf, onTheWay, type StatementFigures, statementLines, type WalletBalance, type WalletComparison, walletState, worstFirst } from "../src/model/books";

function wallet(coin: string, changes: Partial<WalletComparison> | null = {}): WalletBalance {
  const comparison: WalletComparison = {
    day: "2026-11-27",
    comparedAt: "2026-11-27T03:00:00Z",
    standing: "agrees",
    held: "100",
    unknownBecause: null,
    leaving: "0",
    arriving: "0",
    gathering: "0",
    difference: "0",
    tolerance: "1",
    differsSince: null,
  };
  return { wallet: "shkeeper", coin, booked: "100", noted: "0", networkFees: "0", feeUnknown: "0", comparison: changes && { ...comparison, ...changes } };
}

test("a wallet says how it stands, and what nobody knows is not nothing", () => {
  const missing = wallet("USDT", { standing: "differs", difference: "-40.5" });
  const more = wallet("ETH", { standing: "within-tolerance", difference: "0.1" });
  const unknown = wallet("BTC", { standing: "unknown", held: null, difference: null });
  expect(walletState(missing)).toEqual({ mark: "wrong", words: "40.5\u00a0USDT missing" });
  expect(walletState(more)).toEqual({ mark: "done", words: "0.1\u00a0ETH too many, within tolerance" });
  expect(walletState(unknown)).toEqual({ mark: "moving", words: "not known" });
  expect(walletState(wallet("LTC", null)).words).toBe("not compared");
  expect(worstFirst([more, unknown, missing]).map(({ coin }) => coin)).toEqual(["USDT", "BTC", "ETH"]);
});

test("what is on its way is named", () => {
  expect(onTheWay(wallet("USDT", { leaving: "98", gathering: "7" }))).toEqual(["98\u00a0USDT leaving", "7\u00a0USDT not gathered yet"]);
  expect(onTheWay(wallet("USDT"))).toEqual([]);
});

test("what the network took is named, and so is where that is not known", () => {
  expect(feesOf(wallet("ETH"))).toEqual([]);
  expect(feesOf({ ...wallet("ETH"), networkFees: "0.002" })).toEqual(["0.002\u00a0ETH network fees taken off"]);
  expect(feesOf({ ...wallet("USDT"), feeUnknown: "9.80" })).toEqual(["fees unknown for 9.8\u00a0USDT sent"]);
  const fees = { wallet: "shkeeper", coin: "ETH", feesCount: 2, fees: "0.002", unknownCount: 0, sentUnknown: "0" };
  expect(feeLines([fees])).toEqual(["The network took 0.002\u00a0ETH for payouts; the marketplace bears it."]);
  const unknown = { ...fees, coin: "USDT", feesCount: 0, fees: "0", unknownCount: 1, sentUnknown: "9.80" };
  expect(feeLines([unknown])).toEqual(["Nobody says what the network took for sending 9.8\u00a0USDT."]);
});

test("the lines of a statement add up to what is owed", () => {
  const figures: StatementFigures = {
    currency: "USD",
    opening: "-3.00",
    salesCount: 3,
    sales: "149.70",
    refundsCount: 1,
    refunds: "49.90",
    netSales: "99.80",
    shortfall: "2.00",
    covered: "2.00",
    payoutsCount: 0,
    payouts: "0",
    owed: "99.80",
    closing: "96.80",
  };
  const lines = statementLines(figures);
  expect(lines.map(({ name }) => name)).toEqual([
    "Owed when the month began",
    "Sales (3)",
    "Refunds (1)",
    "Not paid by buyers",
    "Of that, borne by the marketplace",
    "Owed when it ended",
  ]);
  expect(sum(lines.slice(0, -1).map(({ amount }) => amount))).toBe("96.8");
});
