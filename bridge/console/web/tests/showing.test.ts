import { describe, expect, it } from "vitest";
import { money } from "../src/model/amounts";
import { counted, isDismissedWithANote, isProblem, mayDo, mayWithdraw, PROBLEMS, resolutionFault, settled } from "../src/model/attention";
import type { AttentionItem, AttentionKind, DayTotal, PayoutRow, Session } from "../src/model/ops-documents";
import { checkoutOf, endOfPrice, explorerLink, grouped, opensWallet, placeToPay, shopOf, shortened, whyNowhere, withShortHashes } from "../src/model/payment-links";
import { KEPT, linePath, withValue } from "../src/model/sparkline";
import { age, span, timeLeft } from "../src/model/times";
import { charts, datesUpTo } from "../src/model/totals";
import { inSight, scrolledTo, stepped } from "../src/model/window";
import { payment, payoutRow } from "./documents";

describe("times", () => {
  const [created, expires] = ["2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"];
  const at = (text: string): number => Date.parse(text);

  it("count down to the deadline and no further", () => {
    expect(timeLeft(created, expires, at("2026-11-24T10:00:00Z"))).toMatchObject({ clock: "24:00:00", share: 1, span: "1 day" });
    expect(timeLeft(created, expires, at("2026-11-25T09:55:50Z"))).toMatchObject({ clock: "04:10", isShort: true });
    expect(timeLeft(created, "2026-11-24T10:03:00Z", at("2026-11-24T10:00:10Z")).isShort).toBe(false);
    expect(timeLeft(created, expires, at("2026-11-26T00:00:00Z"))).toMatchObject({ clock: "00:00", span: null, share: 0 });
  });

  it("are spoken in their largest units", () => {
    expect(span(90_061_000)).toBe("1 day 1 hour");
    expect(span(3_600_000)).toBe("1 hour");
    expect(span(61_000)).toBe("2 minutes");
    expect(span(1)).toBe("1 second");
  });

  it("are never younger than nothing", () => {
    expect(age("2026-11-24T10:00:05Z", at("2026-11-24T10:00:00Z"))).toBe("0\u00a0s");
    expect(age("2026-11-20T10:00:00Z", at("2026-11-24T10:00:00Z"))).toBe("4\u00a0d");
  });
});

describe("where to pay", () => {
  it("asks for the rest once a part has come, also by its URI", () => {
    const [invoice] = payment().invoices;
    const invoices = [{ ...invoice!, paymentUri: "ethereum:0x6f?value=49.9" }];
    expect(placeToPay(payment({ invoices }))).toMatchObject({ amount: "49.9", uri: "ethereum:0x6f?value=49.9" });
    const direct = { chain: "ethereum", recipient: "0xA", payer: null, paymentUri: "ethereum:0xA@1?value=49900" };
    const partial = payment({ invoices: [], direct, status: "partially_paid", received: "19.96", missing: "29.94" });
    expect(placeToPay(partial)).toMatchObject({ amount: "29.94", uri: "ethereum:0xA@1?value=29940" });
    // A URI that does not say how much, or of whose units the rest is no whole number, asks for nothing false.
    for (const paymentUri of ["ethereum:0xA@1", "ethereum:0xA@1?value=499", "ethereum:0xT@1/transfer?uint256=499&address=0xA", null]) {
      expect(placeToPay({ ...partial, direct: { ...direct, paymentUri } })).toMatchObject({ uri: "0xA" });
    }
    const token = "ethereum:0xT@1/transfer?address=0xA&uint256=";
    const inTokens = { ...partial, direct: { ...direct, paymentUri: `${token}49900000` } };
    expect(placeToPay(inTokens)).toMatchObject({ uri: `${token}29940000` });
  });

  it("is nowhere yet while the provider has not answered", () => {
    const [invoice] = payment().invoices;
    expect(placeToPay(payment({ invoices: [{ ...invoice!, address: null }] }))).toBeNull();
    expect(placeToPay(payment({ invoices: [] }))).toBeNull();
  });

  it("says why there is nowhere to pay", () => {
    const [invoice] = payment().invoices;
    const end = "2026-11-24T11:00:00Z";
    const quoted = payment({ invoices: [{ ...invoice!, quotedUntil: end }] });
    expect(whyNowhere(payment({ invoices: [] }), null)).toBe("at-the-shop");
    expect(whyNowhere(payment({ invoices: [{ ...invoice!, address: null }] }), null)).toBe("no-address");
    const atCheckout = payment({ invoices: [{ ...invoice!, address: null, checkoutUrl: "https://cards.example/c/1" }] });
    expect([whyNowhere(atCheckout, null), checkoutOf(atCheckout)]).toEqual(["at-checkout", "https://cards.example/c/1"]);
    expect(checkoutOf(payment({ invoices: [{ ...invoice!, address: null, checkoutUrl: "javascript:alert(1)" }] }))).toBeNull();
    expect(whyNowhere(payment({ invoices: [{ ...invoice!, coinAmount: null }] }), null)).toBe("whole-only");
    const seen = { txHash: "0x1", asset: "ETH-USDT", amount: "51", value: null, confirmed: true, occurredAt: null };
    const unvalued = payment({ invoices: [{ ...invoice!, coinAmount: null }], transfers: [seen, { ...seen, txHash: "0x2" }] });
    expect(whyNowhere(unvalued, null)).toBe("being-valued");
    const settling = { invoices: [{ ...invoice!, coinAmount: null }], status: "partially_paid", missing: "0" } as const;
    expect(whyNowhere(payment(settling as never), null)).toBe("nothing-missing");
    expect(whyNowhere(quoted, Date.parse(end) - 1)).toBeNull();
    expect(whyNowhere(quoted, Date.parse(end))).toBe("price-ended");
    expect(whyNowhere(quoted, null)).toBeNull();
  });

  it("offers no new price where the price holds as long as the payment waits", () => {
    const [invoice] = payment().invoices;
    const { expiresAt } = payment();
    const held = payment({ invoices: [{ ...invoice!, quotedUntil: expiresAt }] });
    expect([whyNowhere(held, Date.parse(expiresAt!) + 1), endOfPrice(held)]).toEqual([null, null]);
  });

  it("tells the end of a price, unless the payment itself ends before", () => {
    const [invoice] = payment().invoices;
    const quoted = (quotedUntil: string): (string | null) => endOfPrice(payment({ invoices: [{ ...invoice!, quotedUntil }] }));
    expect(endOfPrice(payment())).toBeNull();
    expect(quoted("2026-11-24T11:00:00Z")).toBe("2026-11-24T11:00:00Z");
    expect(quoted("2026-11-25T10:00:00Z")).toBeNull();
  });

  it("leads back to the shop by the web only, and names its host", () => {
    const back = (returnUrl: string | null) => shopOf(payment({ returnUrl }), null);
    expect(back("https://shop.example/orders/7")).toEqual({ url: "https://shop.example/orders/7", host: "shop.example" });
    expect(back("https://xn--bcher-kva.example:8443/")?.host).toBe("xn--bcher-kva.example:8443");
    expect([null, "javascript:alert(1)", "data:text/html,x", "shop.example", ""].map(back)).toEqual([null, null, null, null, null]);
    expect(shopOf(payment({ returnUrl: null }), "https://shop.example")?.host).toBe("shop.example");
    expect(shopOf(payment({ returnUrl: "https://shop.example/orders/7" }), "https://other.example")?.host).toBe("shop.example");
    expect(shopOf(payment({ returnUrl: null }), "javascript:alert(1)")).toBeNull();
  });

  it("is the wallet itself on a chain", () => {
    const direct = { chain: "ethereum", recipient: "0xA", payer: null, paymentUri: "ethereum:0xA@1" };
    expect(placeToPay(payment({ invoices: [], direct }))).toMatchObject({ address: "0xA", uri: "ethereum:0xA@1", network: "ethereum" });
  });

  it("opens wallets, and nothing else that calls itself a link", () => {
    const place = placeToPay(payment())!;
    expect(opensWallet(place)).toBe(false);
    expect(opensWallet({ ...place, uri: "bitcoin:bc1q?amount=1" })).toBe(true);
    expect(opensWallet({ ...place, uri: "javascript:alert(1)" })).toBe(false);
    expect(opensWallet({ ...place, uri: "https://elsewhere.example" })).toBe(false);
  });

  it("shows addresses so that they can be compared, and loses no letter", () => {
    expect(grouped("0x6f2Fa34b")).toEqual(["0x6f2F", "a34b"]);
    expect(grouped("bc1qar0srrr").join("")).toBe("bc1qar0srrr");
    expect(shortened("0x1234567890abcdef1234567890abcdef")).toBe("0x123456…abcdef");
    expect(shortened("short")).toBe("short");
  });

  it("shortens hashes within a sentence, and nothing else", () => {
    const said = `${"0x" + "ab".repeat(32)} pays 61.82 ETH-USDT of 61.83`;
    expect(withShortHashes(said)).toBe("0xabab…abab pays 61.82 ETH-USDT of 61.83");
    expect(withShortHashes("98 ETH-USDT to 0xshop for s1")).toBe("98 ETH-USDT to 0xshop for s1");
    const address = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA";
    expect(withShortHashes(`98 USDT to ${address}`)).toBe(`98 USDT to ${address}`);
  });

  it("shortens ids and hashes alone on all pages: an address that is shortened is easily another one's", () => {
    const sources = import.meta.glob<string>("../src/**/*.tsx", { query: "?raw", import: "default", eager: true });
    const calls = Object.values(sources).flatMap((source) => source.match(/\bshortened\([^)]*\)/g) ?? []);
    expect(calls).not.toEqual([]);
    expect(calls.filter((call) => !/^shortened\([\w.]+\.(\w+Id|txHash)(, \d)?\)$/.test(call))).toEqual([]);
  });

  it("links to an explorer only by the web", () => {
    expect(explorerLink("https://x.example/tx/{tx_hash}", "0x1")).toBe("https://x.example/tx/0x1");
    expect(explorerLink("javascript:{tx_hash}", "0x1")).toBeNull();
    expect(explorerLink(null, "0x1")).toBeNull();
  });
});

describe("what needs a person", () => {
  const item = (kind: AttentionKind, id: string): AttentionItem => ({
    kind,
    id,
    title: id,
    detail: "",
    advice: "",
    mark: "m",
    since: "2026-11-24T10:00:00Z",
    actions: [],
    severity: "warning",
    staysListed: false,
    state: "open",
  });
  const before = [item("payout-mismatch", "a"), item("payout-failed", "b")];
  const now = [item("payout-ambiguous", "c"), item("payout-failed", "b"), item("payout-mismatch", "a")];

  it("stands in the bridge's order", () => {
    expect(settled(before, now, false).map(({ id }) => id)).toEqual(["c", "b", "a"]);
  });

  it("stays where it is while somebody is about to act", () => {
    expect(settled(before, now, true).map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(settled(before, [item("payout-failed", "b")], true).map(({ id }) => id)).toEqual(["b"]);
  });

  it("has a name for every kind", () => {
    expect(counted([item("payment-short", "e"), item("payment-without-address", "f")])).toBe("1 too little, 1 no address");
    expect(Object.keys(PROBLEMS).every(isProblem)).toBe(true);
    expect(isProblem("payout-failed")).toBe(false);
  });

  it("is counted by kind", () => {
    expect(counted([...before, item("payout-failed", "d")])).toBe("1 mismatch, 2 failed");
  });

  it("has its buttons for whoever may press them", () => {
    const session = (mayAct: boolean, mayApprove: boolean): Session => ({ access: "jwt", userId: "ada", mayAct, mayApprove });
    const buttons = ["approve", "reject", "recheck", "hold"] as const;
    const shown = (whose: Session | null): string[] => buttons.filter((button) => mayDo(whose, button));
    expect(shown(session(true, true))).toEqual(["approve", "reject", "recheck", "hold"]);
    expect(shown(session(true, false))).toEqual(["recheck", "hold"]);
    expect(shown(session(false, true))).toEqual(["approve", "reject"]);
    expect(shown(session(false, false))).toEqual([]);
    expect(shown(null)).toEqual([]);
    const withdrawn = (whose: Session | null, changes: Partial<PayoutRow>): boolean =>
      mayWithdraw(whose, payoutRow({ withdrawable: true, askedBy: "ada", ...changes }));
    expect(withdrawn(session(true, false), {})).toBe(true);
    expect(withdrawn(session(true, true), { askedBy: "bo" })).toBe(false);
    expect(withdrawn(session(true, true), { withdrawable: false })).toBe(false);
    expect(withdrawn(session(false, true), {})).toBe(false);
    expect(withdrawn({ ...session(true, true), access: "open", userId: null }, { askedBy: "bo" })).toBe(true);
  });

  it("is resolved only with what the bridge needs", () => {
    expect(resolutionFault(null, "", false)).not.toBeNull();
    expect(resolutionFault("sent", "", true)).not.toBeNull();
    expect(resolutionFault("sent", "0x1", false)).toBeNull();
    expect(resolutionFault("arrived", "", false)).not.toBeNull();
    expect(resolutionFault("arrived", "", true)).toBeNull();
    expect(resolutionFault("not-sent", "", false)).toBeNull();
  });
});

describe("the rows in sight", () => {
  it("are few, however many there are", () => {
    const { first, end } = inSight(5_000, 48, 120_000, 600);
    expect(first).toBeLessThanOrEqual(2_500);
    expect(end).toBeGreaterThanOrEqual(2_513);
    expect(end - first).toBeLessThan(40);
  });

  it("stay within what there is", () => {
    expect(inSight(3, 48, 0, 600)).toEqual({ first: 0, end: 3 });
    expect(inSight(0, 48, 0, 600)).toEqual({ first: 0, end: 0 });
    expect(inSight(10, 48, 100_000, 600)).toEqual({ first: 10, end: 10 });
  });

  it("scroll no further than they must", () => {
    expect(scrolledTo(5, 50, 0, 300)).toBe(0);
    expect(scrolledTo(6, 50, 0, 300)).toBe(50);
    expect(scrolledTo(1, 50, 200, 300)).toBe(50);
  });

  it("are stepped through by keys", () => {
    expect(stepped("ArrowDown", 0, 10, 5)).toBe(1);
    expect(stepped("ArrowUp", 0, 10, 5)).toBe(0);
    expect(stepped("PageDown", 7, 10, 5)).toBe(9);
    expect(stepped("End", 0, 10, 5)).toBe(9);
    expect(stepped("Home", 9, 10, 5)).toBe(0);
    expect(stepped("x", 0, 10, 5)).toBeNull();
    expect(stepped("End", 0, 0, 5)).toBeNull();
  });
});

describe("charts", () => {
  const total = (date: string, currency: string, amount: string, count = 1): DayTotal => ({
    date,
    currency,
    ...{ salesCount: 0, sales: "0.00", refundsCount: 0, refunds: "0.00", netSales: "0.00" },
    payoutsCount: count,
    payouts: amount,
  });

  it("have one for each currency, over the same days", () => {
    const found = charts(
      [total("2026-11-23", "USD", "10.50", 2), total("2026-11-24", "USD", "21"), total("2026-11-24", "BTC", "0.1")],
      "payouts",
      3,
      "2026-11-24",
    );
    expect(found.map(({ currency, total, count }) => [currency, total, count])).toEqual([
      ["USD", "31.5", 3],
      ["BTC", "0.1", 1],
    ]);
    expect(found[0]?.days.map(({ date, height }) => [date, height])).toEqual([
      ["2026-11-22", 0],
      ["2026-11-23", 0.5],
      ["2026-11-24", 1],
    ]);
  });

  it("leave out other kinds and older days", () => {
    expect(charts([total("2026-11-01", "USD", "1")], "payouts", 3, "2026-11-24")).toEqual([]);
    expect(charts([total("2026-11-24", "USD", "1")], "netSales", 3, "2026-11-24")).toEqual([]);
  });

  it("draw nothing for a day on which more went back than was sold", () => {
    const days = [
      { ...total("2026-11-23", "USD", "0", 0), salesCount: 1, sales: "10.00", netSales: "10.00" },
      { ...total("2026-11-24", "USD", "0", 0), refundsCount: 1, refunds: "30.50", netSales: "-30.50" },
    ];
    const [chart] = charts(days, "netSales", 2, "2026-11-24");
    expect([chart?.total, chart?.days.map(({ height }) => height)]).toEqual(["-20.5", [1, 0]]);
    expect(money("-20.5", "USD")).toBe("\u221220.50\u00a0USD");
  });

  it("cross months and years", () => {
    expect(datesUpTo("2026-01-01", 2)).toEqual(["2025-12-31", "2026-01-01"]);
  });

  it("draw the newest value at the right edge", () => {
    expect(linePath([], 100, 10)).toBe("");
    expect(linePath([0, 5], 100, 12)).toMatch(/L100\.0 1\.0$/);
    const values = Array.from({ length: KEPT + 5 }, (_, place) => place).reduce(withValue, [] as number[]);
    expect(values).toHaveLength(KEPT);
    expect(values.at(-1)).toBe(KEPT + 4);
  });
});

it("money about which nobody else is asked is dismissed with a note", () => {
  expect(isDismissedWithANote("payout-returned:out_1")).toBe(true);
  expect(isDismissedWithANote("payment-overdrawn:pay_1")).toBe(true);
  expect(isDismissedWithANote("webhook-unmatched:waiting_1")).toBe(false);
});
