/** The books as a person reads them: what wallets should hold and hold, and a seller's statement of a month. */

import { compare, isZero, money } from "./amounts";

export type WalletStanding = "agrees" | "within-tolerance" | "differs" | "unknown";

export interface WalletComparison {
  day: string;
  comparedAt: string;
  standing: WalletStanding;
  held: string | null;
  unknownBecause: string | null;
  leaving: string;
  arriving: string;
  gathering: string;
  difference: string | null;
  tolerance: string;
  differsSince: string | null;
}

export interface WalletBalance {
  wallet: string;
  coin: string;
  booked: string;
  noted: string;
  /** What of the booked the network took, and what was sent where nobody says what it took. */
  networkFees: string;
  feeUnknown: string;
  comparison: WalletComparison | null;
}

export interface Movement {
  movementId: number;
  notedAt: string;
  notedBy: string;
  wallet: string;
  coin: string;
  amount: string;
  reason: string;
}

export interface StatementFigures {
  currency: string;
  opening: string;
  salesCount: number;
  sales: string;
  refundsCount: number;
  refunds: string;
  netSales: string;
  shortfall: string;
  covered: string;
  payoutsCount: number;
  payouts: string;
  owed: string;
  closing: string;
}

export interface Statement {
  sellerId: string;
  month: string;
  timeZone: string;
  currencies: StatementFigures[];
  networkFees: NetworkFees[];
}

export interface NetworkFees {
  wallet: string;
  coin: string;
  feesCount: number;
  fees: string;
  unknownCount: number;
  sentUnknown: string;
}

/** How a wallet stands, in words, and by which mark it is told at a glance. */
export function walletState({ coin, comparison }: WalletBalance): { mark: "done" | "moving" | "wrong"; words: string } {
  if (comparison === null) return { mark: "moving", words: "not compared" };
  const { standing, difference } = comparison;
  switch (standing) {
    case "agrees":
      return { mark: "done", words: "agrees" };
    case "unknown":
      return { mark: "moving", words: "not known" };
    default: {
      const isMissing = compare(difference ?? "0", "0") < 0;
      const amount = money((difference ?? "0").replace(/^-/, ""), coin);
      const mark = standing === "differs" ? "wrong" : "done";
      return { mark, words: `${amount} ${isMissing ? "missing" : "too many"}${mark === "done" ? ", within tolerance" : ""}` };
    }
  }
}

/** What of a wallet is on its way, and explains a difference: `98 ETH-USDT leaving`. */
export function onTheWay({ coin, comparison }: WalletBalance): string[] {
  if (comparison === null) return [];
  const { leaving, arriving, gathering } = comparison;
  const amounts = { leaving, arriving, "not gathered yet": gathering };
  return Object.entries(amounts).flatMap(([name, amount]) => (isZero(amount) ? [] : [`${money(amount, coin)} ${name}`]));
}

/** What the network took of a wallet, and where that is not known. */
export function feesOf({ coin, networkFees, feeUnknown }: WalletBalance): string[] {
  const taken = isZero(networkFees) ? [] : [`${money(networkFees, coin)} network fees taken off`];
  return isZero(feeUnknown) ? taken : [...taken, `fees unknown for ${money(feeUnknown, coin)} sent`];
}

/** What the network took for a seller's payouts, which is not the seller's. */
export function feeLines(fees: readonly NetworkFees[]): string[] {
  return fees.flatMap(({ coin, fees: taken, feesCount, unknownCount, sentUnknown }) => [
    ...(feesCount === 0 ? [] : [`The network took ${money(taken, coin)} for payouts; the marketplace bears it.`]),
    ...(unknownCount === 0 ? [] : [`Nobody says what the network took for sending ${money(sentUnknown, coin)}.`]),
  ]);
}

/** Those that a person has to look at first, then by wallet and coin. */
export function worstFirst(wallets: readonly WalletBalance[]): WalletBalance[] {
  const ranks = { wrong: 0, moving: 1, done: 2 };
  const place = (one: WalletBalance): string => `${ranks[walletState(one).mark]} ${one.wallet} ${one.coin}`;
  return [...wallets].sort((one, other) => place(one).localeCompare(place(other)));
}

/** The lines of a statement, as they add up. */
export function statementLines(of: StatementFigures): { name: string; amount: string; isSum: boolean }[] {
  const counted = (name: string, count: number): string => `${name} (${count})`;
  const less = (amount: string): string => (isZero(amount) ? amount : amount.startsWith("-") ? amount.slice(1) : `-${amount}`);
  const lines = [
    { name: "Owed when the month began", amount: of.opening, isSum: true },
    { name: counted("Sales", of.salesCount), amount: of.sales, isSum: false },
    { name: counted("Refunds", of.refundsCount), amount: less(of.refunds), isSum: false },
    { name: "Not paid by buyers", amount: less(of.shortfall), isSum: false },
    { name: "Of that, borne by the marketplace", amount: of.covered, isSum: false },
    { name: counted("Payouts", of.payoutsCount), amount: less(of.payouts), isSum: false },
    { name: "Owed when it ended", amount: of.closing, isSum: true },
  ];
  return lines.filter(({ amount, isSum }) => isSum || !isZero(amount));
}
