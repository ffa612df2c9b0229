import { describe, expect, it } from "vitest";
import { agreed, compare, isZero, money, plain, roundMoney, share, shown, sum, withFee } from "../src/model/amounts";

describe("amounts", () => {
  it("adds without a float's error", () => {
    expect(sum(["0.1", "0.2"])).toBe("0.3");
    expect(sum(["9007199254740993", "0.000000000000000001"])).toBe("9007199254740993.000000000000000001");
    expect(sum([])).toBe("0");
  });

  it("names a gateway's fee beside what is for the goods", () => {
    expect(withFee("29.9", "0.6", "USD")).toBe("29.90\u00a0USD + 0.60\u00a0fee");
    expect(withFee("29.9", "0", "USD")).toBe("29.90\u00a0USD");
  });

  it("compares amounts that are written differently", () => {
    expect(compare("49.9", "49.90")).toBe(0);
    expect(compare("100", "99.999999999999999999")).toBe(1);
    expect(compare("0.09", "0.1")).toBe(-1);
  });

  it("groups thousands and keeps every digit of a coin", () => {
    expect(shown("1234567.123456789012345678", "ETH")).toBe("1\u202f234\u202f567.123456789012345678");
    expect(shown("115792089237316195423570985008687907853269984665640564039457", "X").replaceAll("\u202f", "")).toBe(
      "115792089237316195423570985008687907853269984665640564039457",
    );
  });

  it("writes currencies of countries with their decimals, and coins without idle zeros", () => {
    expect(shown("49.9", "USD")).toBe("49.90");
    expect(shown("100", "EUR")).toBe("100.00");
    expect(shown("1000", "JPY")).toBe("1\u202f000");
    expect(shown("49.900000", "USDT")).toBe("49.9");
    expect(shown("0.00000001", "BTC")).toBe("0.00000001");
    expect(money("5", "USD")).toBe("5.00\u00a0USD");
  });

  it("keeps the decimals that were agreed, and two at least", () => {
    expect(agreed("20.10", "ETH-USDT")).toBe("20.10\u00a0ETH-USDT");
    expect(agreed("50.00", "ETH-USDT")).toBe("50.00\u00a0ETH-USDT");
    expect(agreed("49.9", "ETH-USDT")).toBe("49.90\u00a0ETH-USDT");
    expect(agreed("0.00100", "BTC")).toBe("0.00100\u00a0BTC");
    expect(agreed("31", "USDT")).toBe("31.00\u00a0USDT");
    expect(agreed("1000", "JPY")).toBe("1\u202f000\u00a0JPY");
    expect(withFee("20.10", "0.40", "USDT")).toBe("20.10\u00a0USDT + 0.40\u00a0fee");
    expect(roundMoney("5.10", "USDT", "up")).toBe("5.10\u00a0USDT");
    expect(agreed("many", "BTC")).toBe("many\u00a0BTC");
  });

  it("never cuts decimals that a currency of a country should not have", () => {
    expect(shown("1.005", "USD")).toBe("1.005");
  });

  it("rounds for who pays so that what came and what is missing make the whole", () => {
    expect(roundMoney("20.3592", "USD", "down")).toBe("20.35\u00a0USD");
    expect(roundMoney("29.5408", "USD", "up")).toBe("29.55\u00a0USD");
    expect(roundMoney("0.999", "USD", "up")).toBe("1.00\u00a0USD");
    expect(roundMoney("29.540", "USD", "up")).toBe("29.54\u00a0USD");
    expect(roundMoney("29.5408", "USDT", "up")).toBe("29.5408\u00a0USDT");
    expect(roundMoney("1200.1", "JPY", "up")).toBe("1\u202f201\u00a0JPY");
  });

  it("copies an amount without spaces", () => {
    expect(plain("1234567.50")).toBe("1234567.5");
  });

  it("shares for drawing stay between nothing and everything", () => {
    expect(share("10", "40")).toBe(0.25);
    expect(share("50", "40")).toBe(1);
    expect(share("1", "0")).toBe(0);
  });

  it("knows nothing from something", () => {
    expect(isZero("0.000")).toBe(true);
    expect(isZero("0.0001")).toBe(false);
  });

  it("shows what is no amount as it is, and calculates with none", () => {
    expect(shown("many", "USD")).toBe("many");
    expect(() => sum(["1e9"])).toThrow(RangeError);
    expect(() => sum(["--1"])).toThrow(RangeError);
  });
});
