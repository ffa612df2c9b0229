/** One's own payments and payouts: looked up page by page, and again whenever one of them moves. */

import type { PaymentDocument, PayoutDocument } from "../model/documents";
import { concernsOwn, type Listed, ON_ITS_WAY, type OwnLists, type Told } from "../model/own";
import type { Side } from "../model/payment-line";
import { Live } from "../net/live";
import { get, Problem } from "../net/rest";
import { Store } from "../net/store";
import { heldToken } from "../net/token";
import type { Looked } from "./paying";

const PAGE = 20;
/** As many as one answer has. */
const MOST_AT_ONCE = 100;
const NOTHING: Listed<never> = { items: [], next: null };

export type Grows = "payments" | "payouts";

export interface WatchedOwn {
  looked: Store<Looked<OwnLists>>;
  live: Live<Looked<OwnLists>>;
  lookAgain: () => void;
  /** Looks up a page more of a list. */
  showMore: (list: Grows) => void;
}

export function watchedOwn(side: Side, me: string): WatchedOwn {
  const looked = new Store<Looked<OwnLists>>({ document: null, problem: null });
  const wanted: Record<Grows, number> = { payments: PAGE, payouts: PAGE };

  async function lists(signal: AbortSignal): Promise<OwnLists> {
    const mine = `${side}Id=${encodeURIComponent(me)}`;
    const payments = listed<PaymentDocument>("payments", mine, wanted.payments, signal);
    if (side === "buyer") return { payments: await payments, payouts: NOTHING, onItsWay: NOTHING };
    const [sales, payouts, onItsWay] = await Promise.all([
      payments,
      listed<PayoutDocument>("payouts", mine, wanted.payouts, signal),
      listed<PayoutDocument>("payouts", `${mine}&status=${ON_ITS_WAY.join(",")}`, MOST_AT_ONCE, signal),
    ]);
    return { payments: sales, payouts, onItsWay };
  }

  async function lookUp(signal: AbortSignal): Promise<Looked<OwnLists>> {
    try {
      return { document: await lists(signal), problem: null };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const found = { document: looked.value.document, problem: error };
      if (!error.mayPass) return found;
      looked.set(found);
      throw error;
    }
  }

  const live = new Live<Looked<OwnLists>>({ lookUp, show: (found) => looked.set(found) });
  const heard = (told: Told): void => {
    const { document } = looked.value;
    // With a token nobody is told of anything but their own.
    if (document !== null && (heldToken() !== null || concernsOwn(document, side, me, told))) live.lookAgain();
  };
  live.rooms.on("payment-created", heard);
  live.rooms.on("payment-update", heard);
  live.rooms.on("payment-progress", heard);
  live.rooms.on("payout-created", heard);
  live.rooms.on("payout-updated", heard);
  live.rooms.on("payout-completed", heard);
  live.rooms.on("payout-progress", heard);
  live.rooms.on("refund-opened", heard);
  live.rooms.on("refund-updated", heard);
  live.rooms.on("request-cancelled", ({ requestId }) => {
    const { document } = looked.value;
    if (document?.payments.items.some(({ shares }) => shares.some((one) => one.requestId === requestId))) live.lookAgain();
  });
  live.rooms.join("join-user-room", me);
  live.start();

  function showMore(list: Grows): void {
    wanted[list] += PAGE;
    live.lookAgain();
  }

  return { looked, live, lookAgain: () => live.lookAgain(), showMore };
}

/** The newest of a list, so many or a few more where there are so many. */
async function listed<Item>(
  kind: "payments" | "payouts",
  query: string,
  count: number,
  signal: AbortSignal,
): Promise<Listed<Item>> {
  const items: Item[] = [];
  let next: string | null = null;
  do {
    const limit = Math.min(count - items.length, MOST_AT_ONCE);
    const from: string = next === null ? "" : `&after=${encodeURIComponent(next)}`;
    const page = await get<Record<string, Item[]> & { next: string | null }>(
      `/api/${kind}?${query}&limit=${limit}${from}`,
      signal,
    );
    items.push(...(page[kind] ?? []));
    next = page.next;
  } while (next !== null && items.length < count);
  return { items, next };
}
