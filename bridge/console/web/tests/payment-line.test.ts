import { describe, expect, it } from "vitest";
import type { PaymentDocument, PaymentStatus } from "../src/model/documents";
import { announcement, paymentLine, type Side } from "../src/model/payment-line";
import { withProgress, withUpdate } from "../src/model/payment-events";
import { payment, refund, sighting } from "./documents";
import { english } from "./spoken";

const current = (document: PaymentDocument): string[] =>
  paymentLine(english, document, "buyer")
    .steps.filter(({ state }) => state === "current" || state === "stopped")
    .map(({ name }) => name);

describe("the live line of a payment", () => {
  it("waits, and says how to pay", () => {
    const line = paymentLine(english, payment(), "buyer");
    expect(line.headline).toBe("Waiting for your payment");
    expect(line.asksForMoney).toBe(true);
    expect(current(payment())).toEqual(["Waiting"]);
  });

  it("says that an address is still being fetched", () => {
    const [invoice] = payment().invoices;
    const line = paymentLine(english, payment({ invoices: [{ ...invoice!, address: null, paymentUri: null }] }), "buyer");
    expect(line.headline).toBe("Preparing the address");
  });

  it("never speaks of a code that is not there", () => {
    const [invoice] = payment().invoices;
    const quoted = payment({ invoices: [{ ...invoice!, quotedUntil: "2026-11-24T11:00:00Z" }] });
    const shops = payment({ invoices: [] });
    const late = Date.parse("2026-11-24T11:00:01Z");
    expect(paymentLine(english, shops, "buyer").sentence).toContain("paid on the shop's own page");
    expect(paymentLine(english, quoted, "buyer", late).sentence).toContain("ask for a new one before you pay");
    expect(paymentLine(english, quoted, "buyer", late - 60_000).sentence).toContain("Scan the code");
    const rest = { status: "partially_paid", received: "19.96", missing: "29.94" } as const;
    expect(paymentLine(english, { ...shops, ...rest }, "buyer").sentence).toContain("on the shop's own page");
    expect(paymentLine(english, { ...quoted, ...rest }, "buyer", late).sentence).toContain("ask for a new one before you send");
    const whole = payment({ ...rest, invoices: [{ ...invoice!, coinAmount: null }] });
    expect(paymentLine(english, whole, "buyer").sentence).toContain("ask the shop for another one");
    const unopened = payment({ ...rest, invoices: [{ ...invoice!, address: null, coinAmount: null }] });
    expect(paymentLine(english, unopened, "buyer").sentence).toContain("being asked where to pay the missing");
    for (const document of [shops, { ...shops, ...rest }, whole, unopened]) {
      expect(paymentLine(english, document, "buyer").sentence).not.toMatch(/code|address shown/);
    }
  });

  it("says that the provider would not name an address", () => {
    const [invoice] = payment().invoices;
    const refused = payment({ invoices: [{ ...invoice!, address: null, coinAmount: null, refusal: "no wallet" }] });
    expect(paymentLine(english, refused, "buyer").headline).toBe("No address yet");
    expect(paymentLine(english, refused, "buyer").sentence).toContain("has not opened this payment so far");
  });

  it("sees a payment before any block does", () => {
    const seen = payment({ status: "confirming", requiredConfirmations: 12 });
    expect(paymentLine(english, seen, "buyer").headline).toBe("Payment seen");
    expect(paymentLine(english, seen, "buyer").sentence).toContain("No block holds it yet");
    expect(current(seen)).toEqual(["Seen"]);
    expect(paymentLine(english, seen, "buyer").asksForMoney).toBe(false);
  });

  it("counts confirmations, of how many where that is known", () => {
    const counting = payment({ status: "confirming", confirmations: 3, requiredConfirmations: 12 });
    expect(paymentLine(english, counting, "buyer").headline).toBe("Confirming: 3 of 12");
    expect(paymentLine(english, counting, "buyer").steps.find(({ name }) => name === "Confirming")?.note).toBe("3 of 12");
    const unknown = payment({ status: "confirming", confirmations: 1, requiredConfirmations: null });
    expect(paymentLine(english, unknown, "buyer").headline).toBe("Confirming: 1 block so far");
  });

  it("says in words what is missing, to the buyer and to the seller", () => {
    const partial = payment({ status: "partially_paid", received: "19.96", missing: "29.94" });
    const line = paymentLine(english, partial, "buyer");
    expect(line.headline).toBe("29.94\u00a0USD still to pay");
    expect(line.sentence).toBe(
      "19.96\u00a0USD of 49.90\u00a0USD has arrived. Send the missing 29.94\u00a0USD to the address shown here.",
    );
    expect(paymentLine(english, partial, "seller").headline).toBe("29.94\u00a0USD still missing");
    expect(line.arrived).toBe(0.4);
    expect(current(partial)).toEqual(["Partly paid"]);
  });

  it("tells a buyer not to send more while more is under way", () => {
    const transfers = [{ txHash: "0x1", asset: "ETH-USDT", amount: "29.94", value: null, confirmed: false, occurredAt: null }];
    const partial = payment({ status: "partially_paid", received: "19.96", missing: "29.94", transfers });
    expect(paymentLine(english, partial, "buyer").sentence).toContain("More is on its way");
  });

  it("is done when it is paid, and says what came above the amount or late", () => {
    const paid = payment({ status: "completed", escrowState: "funded", received: "60", missing: "0", excess: "10.1", late: true, refundable: [{ of: "excess", sellerId: null, amount: "10.1" }] });
    const line = paymentLine(english, paid, "buyer");
    expect([line.headline, line.tone, line.arrived]).toEqual(["Paid", "done", 1]);
    expect(line.remarks.join(" ")).toContain("10.10\u00a0USD more came");
    expect(line.remarks.join(" ")).toContain("after the deadline");
    expect(line.steps.every(({ state }) => state === "done")).toBe(true);
  });

  it.each([
    ["funded", "It is held until the sale is settled."],
    ["releasing", "It is being paid out to you now."],
    ["released", "It has been paid out to you."],
  ] as const)("tells the seller where the money is: %s", (escrowState, said) => {
    const paid = payment({ status: "completed", escrowState, received: "49.90", missing: "0" });
    expect(paymentLine(english, paid, "seller").sentence).toContain(said);
  });

  it.each([
    ["expired", "The time to pay has run out", "Expired"],
    ["failed", "The payment failed", "Failed"],
    ["cancelled", "The payment was cancelled", "Cancelled"],
    ["refunded", "The payment was refunded", "Refunded"],
  ] as const)("says plainly that it is over: %s", (status: PaymentStatus, headline, step) => {
    const over = payment({ status });
    expect(paymentLine(english, over, "buyer").headline).toBe(headline);
    expect(paymentLine(english, over, "buyer").asksForMoney).toBe(false);
    expect(current(over)).toEqual([step]);
  });

  it("says what part of an expired payment had come", () => {
    const over = payment({ status: "expired", received: "10", missing: "39.90" });
    expect(paymentLine(english, over, "buyer").sentence).toContain("10.00\u00a0USD of 49.90\u00a0USD arrived in time");
    expect(paymentLine(english, payment({ status: "expired" }), "buyer").sentence).toContain("Nothing arrived in time");
  });

  it("does not say that nothing came where a transaction was seen in time", () => {
    const transfers = [{ ...payment().transfers[0]!, confirmed: false }];
    const unconfirmed = payment({ status: "expired", transfers });
    const [yours, buyers] = (["buyer", "seller"] as const).map((side) => paymentLine(english, unconfirmed, side).sentence);
    expect(yours).toMatch(/^Your transaction was seen, but has never been confirmed\. If it still is, it counts\. Do not send/);
    expect(buyers).toMatch(/^The buyer's transaction was seen, but has never been confirmed\. If it still is/);
    const partly = { ...unconfirmed, received: "10", missing: "39.90" };
    expect(paymentLine(english, partly, "buyer").sentence).toMatch(/^10\.00\u00a0USD of .* arrived in time\. Your transaction was seen/);
  });

  it("says of a cancelled payment what had come, as long as nobody has sent it back", () => {
    const goods = [{ of: "goods", sellerId: "seller-1", amount: "49.90" }] as const;
    const over = payment({ status: "cancelled", received: "60", missing: "0", refundable: [...goods] });
    const said = "60.00\u00a0USD had arrived. The shop decides what becomes of it.";
    expect([paymentLine(english, over, "buyer").remarks, paymentLine(english, over, "seller").remarks]).toEqual([[said], [said]]);
    expect(paymentLine(english, over, "buyer").steps.map(({ name }) => name)).toEqual(["Waiting", "Arrived", "Cancelled"]);
    expect(paymentLine(english, { ...over, refundable: [] }, "buyer").remarks).toEqual([]);
  });

  it.each([
    ["reorganised", "The network took the block back", "do not pay twice"],
    ["dropped", "The transaction was dropped", "send it again"],
    ["failed", "The transaction does not pay this", "carries USDC"],
  ] as const)("tells of a transfer that came to nothing: %s", (stage, headline, advice) => {
    const lost = payment({ sightings: [sighting({ stage, reason: stage === "failed" ? "it carries USDC" : null })] });
    const line = paymentLine(english, lost, "buyer");
    expect(line.headline).toBe(headline);
    expect(line.sentence.toLowerCase()).toContain(advice.toLowerCase());
  });

  it("forgets a setback when another transfer is under way", () => {
    const again = payment({
      status: "confirming",
      confirmations: 1,
      requiredConfirmations: 12,
      sightings: [sighting({ stage: "dropped" }), sighting({ txHash: "0x2", stage: "mined" })],
    });
    expect(paymentLine(english, again, "buyer").remarks).toEqual([]);
  });
});

describe("what a screen reader is told", () => {
  const counting = (confirmations: number): PaymentDocument =>
    payment({ status: "confirming", confirmations, requiredConfirmations: 12 });

  it("is nothing when the page opens, and nothing twice", () => {
    expect(announcement(english, null, payment(), "buyer")).toBeNull();
    expect(announcement(english, payment(), payment({ updatedAt: "2026-11-24T11:00:00Z" }), "buyer")).toBeNull();
  });

  it("is each new state, once", () => {
    expect(announcement(english, payment(), payment({ status: "confirming" }), "buyer")).toContain("Payment seen");
    expect(announcement(english, counting(11), payment({ status: "completed", received: "49.90" }), "buyer")).toContain("Paid");
  });

  it("is of twelve confirmations the first and the middle one", () => {
    const told = Array.from({ length: 11 }, (_, place) => place + 1).filter(
      (number) => announcement(english, number === 1 ? payment({ status: "confirming" }) : counting(number - 1), counting(number), "buyer"),
    );
    expect(told).toEqual([1, 6]);
  });

  it("is a block that was taken back", () => {
    expect(announcement(english, counting(5), counting(2), "buyer")).toContain("2 of 12");
  });
});

describe("what events say before REST does", () => {
  it("moves the payment that they are about, and no other", () => {
    const update = { paymentId: "pay_1", status: "completed", escrowState: "funded" } as const;
    expect(withUpdate(payment(), update)).toMatchObject({ status: "completed", escrowState: "funded" });
    const other = payment({ paymentId: "pay_2" });
    expect(withUpdate(other, update)).toBe(other);
  });

  it("takes nothing of a seller's own part from events, which are of all sellers' money", () => {
    const part = payment({ whole: false, status: "completed", escrowState: "funded", received: "3.00" });
    expect(withUpdate(part, { paymentId: "pay_1", status: "refunded", escrowState: "released" })).toBe(part);
    const progress = {
      paymentId: "pay_1",
      status: "partially_paid",
      currency: "USD",
      received: "7.00",
      missing: "3.00",
      late: true,
      confirmations: 2,
      requiredConfirmations: 12,
    } as const;
    const heard = withProgress(part, progress);
    expect(heard).toMatchObject({ status: "completed", received: "3.00", missing: "49.90", late: true, confirmations: 2 });
  });

  it("says what was cancelled of a checkout, and what is to be paid or may come back", () => {
    const [share] = payment().shares;
    const shares = [share!, { ...share!, requestId: "request-2", sellerId: "seller-2", amount: "3.00", cancelled: true }];
    const said = (changed: Partial<PaymentDocument>, side: Side = "buyer"): string =>
      paymentLine(english, payment({ shares, checkoutId: "c", ...changed }), side).remarks.join(" ");
    expect(said({})).toMatch(/request-2.*3\.00.*The amount to pay stays the same: only all of it pays for the rest/);
    expect(said({ status: "completed" })).toMatch(/request-2.*The shop decides whether what you paid for it comes back/);
    expect(said({ status: "completed" }, "seller")).toMatch(/request-2/);
    expect(said({ status: "completed" }, "seller")).not.toMatch(/decides/);
    expect(said({ status: "completed", refunds: [refund({ sellerId: "seller-2" })] })).not.toMatch(/decides/);
    expect(said({ status: "expired" })).toBe("");
  });

  it("tells nobody that the money of several sellers was paid out to them", () => {
    const [share] = payment().shares;
    const paid = payment({ status: "completed", received: "49.90", escrowState: "released" });
    const ofTwo = { ...paid, shares: [share!, { ...share!, requestId: "request-2", sellerId: "seller-2" }] };
    expect(paymentLine(english, paid, "seller").sentence).toContain("paid out to you");
    expect(paymentLine(english, ofTwo, "seller").sentence).not.toContain("paid out");
  });

  it("takes what is missing and how far it is confirmed", () => {
    const progress = {
      paymentId: "pay_1",
      status: "confirming",
      received: "0",
      missing: "49.90",
      currency: "USD",
      late: false,
      confirmations: 4,
      requiredConfirmations: 12,
    } as const;
    expect(withProgress(payment(), progress)).toMatchObject({ status: "confirming", confirmations: 4, requiredConfirmations: 12 });
    const { confirmations, requiredConfirmations, ...without } = progress;
    expect(withProgress(payment({ confirmations: 4 }), without).confirmations).toBeNull();
  });
});
