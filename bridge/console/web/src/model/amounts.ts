/** Amounts of money as decimal strings: read, compared, added and shown without ever becoming a float. */

const AMOUNT = /^(-?)(\d+)(?:\.(\d+))?$/;
const NARROW_SPACE = "\u202f";

interface Exact {
  units: bigint;
  decimals: number;
}

function exact(amount: string): Exact {
  const match = AMOUNT.exec(amount);
  if (match === null) throw new RangeError(`not an amount: ${amount}`);
  const [, sign = "", whole = "", fraction = ""] = match;
  return { units: BigInt(`${sign}${whole}${fraction}`), decimals: fraction.length };
}

function aligned(one: string, other: string): [bigint, bigint, number] {
  const [a, b] = [exact(one), exact(other)];
  const decimals = Math.max(a.decimals, b.decimals);
  const raise = (amount: Exact): bigint => amount.units * 10n ** BigInt(decimals - amount.decimals);
  return [raise(a), raise(b), decimals];
}

function text(units: bigint, decimals: number): string {
  if (units < 0n) return `-${text(-units, decimals)}`;
  const digits = units.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

export function isZero(amount: string): boolean {
  return exact(amount).units === 0n;
}

export function compare(one: string, other: string): -1 | 0 | 1 {
  const [a, b] = aligned(one, other);
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sum(amounts: readonly string[]): string {
  return amounts.reduce((total, amount) => {
    const [a, b, decimals] = aligned(total, amount);
    return text(a + b, decimals);
  }, "0");
}

/** How much of `whole` a part is, between 0 and 1: for drawing only. */
export function share(part: string, whole: string): number {
  const [a, b] = aligned(part, whole);
  if (b === 0n) return 0;
  const permyriad = Number((a * 10_000n) / b);
  return Math.max(0, Math.min(permyriad, 10_000)) / 10_000;
}

/** As many of `units` as a part is of the whole; null where that are no whole ones. */
export function unitsOf(part: string, whole: string, units: string): string | null {
  const [a, b] = aligned(part, whole);
  const product = BigInt(units) * a;
  return b === 0n || product % b !== 0n ? null : (product / b).toString();
}

const decimalsOf = new Map<string, number | null>();

/** How many decimals a currency of a country is always written with; null for coins. */
function usualDecimals(currency: string): number | null {
  let decimals = decimalsOf.get(currency);
  if (decimals === undefined) {
    const isKnown = /^[A-Z]{3}$/.test(currency) && Intl.supportedValuesOf("currency").includes(currency);
    decimals = isKnown
      ? (new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().minimumFractionDigits ?? 2)
      : null;
    decimalsOf.set(currency, decimals);
  }
  return decimals;
}

/** An amount for people: thousands apart, `49.9` USD as `49.90`, and a coin without zeros that say nothing. */
export function shown(amount: string, currency: string): string {
  return inDecimals(amount, usualDecimals(currency) ?? 0);
}

/** With so many decimals at least, and none of the zeros beyond them. */
function inDecimals(amount: string, decimals: number): string {
  const match = AMOUNT.exec(amount);
  if (match === null) return amount;
  const whole = (match[2] ?? "0").replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE);
  const fraction = (match[3] ?? "").replace(/0+$/, "").padEnd(decimals, "0");
  const sign = match[1] === "-" ? "\u2212" : "";
  return fraction === "" ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/**
 * What was agreed, or is reckoned of it, in the scale that the bridge says it in: `20.10` USDT stays so, and `49.9` is
 * `49.90`. A currency of a country has its own decimals.
 */
export function inItsScale(amount: string, currency: string): string {
  return inDecimals(amount, usualDecimals(currency) ?? Math.max(AMOUNT.exec(amount)?.[3]?.length ?? 0, 2));
}

/** The same, with its currency. */
export function agreed(amount: string, currency: string): string {
  return `${inItsScale(amount, currency)}\u00a0${currency}`;
}

/** With its currency, which must not be torn from it at the end of a line. */
export function money(amount: string, currency: string): string {
  return `${shown(amount, currency)}\u00a0${currency}`;
}

/** With what is a gateway's fee and not for the goods: `29.90 USD + 0.60 fee`. */
export function withFee(amount: string, fee: string, currency: string): string {
  return isZero(fee) ? agreed(amount, currency) : `${agreed(amount, currency)} + ${inItsScale(fee, currency)}\u00a0fee`;
}

/**
 * As `agreed`, in a currency of a country rounded to what it is written with: what has come down, what is missing up, so
 * that the two still make the whole. For who pays; the books show every digit.
 */
export function roundMoney(amount: string, currency: string, direction: "up" | "down"): string {
  const kept = usualDecimals(currency);
  const { units, decimals } = exact(amount);
  if (kept === null || decimals <= kept) return agreed(amount, currency);
  const step = 10n ** BigInt(decimals - kept);
  const whole = units / step + (direction === "up" && units % step > 0n ? 1n : 0n);
  return agreed(text(whole, kept), currency);
}

/** How an amount is copied into a wallet: as it is, without spaces. */
export function plain(amount: string): string {
  const { units, decimals } = exact(amount);
  return text(units, decimals);
}
