/** What the pages of a payment and of a checkout share: looking up, listening, and merging what is heard. */

import type { Rooms } from "@contract/rooms";
import type { Chain, PaymentDocument } from "../model/documents";
import type { Side } from "../model/payment-line";
import { waitsForAddress } from "../model/payment-links";
import { withProgress, withUpdate } from "../model/payment-events";
import { Live } from "../net/live";
import { get, post, Problem } from "../net/rest";
import { Store } from "../net/store";
import { heldToken, subjectOf } from "../net/token";

/** No event tells that the provider has named the address at last. */
const ADDRESS_PAUSE_MS = 2_000;

/** A page's document and how the page came by it. */
export interface Looked<Document> {
  document: Document | null;
  problem: Problem | null;
}

export interface Watched<Document> {
  looked: Store<Looked<Document>>;
  chains: Store<readonly Chain[]>;
  live: Live<Looked<Document>>;
  lookAgain: () => void;
  /** Asks the provider for a new price of an open payment. Throws Problem. */
  renewPrice: () => Promise<void>;
}

type PageRooms = Pick<Rooms<unknown>, "join">;

export interface Subject<Document> {
  path: string;
  paymentOf: (document: Document) => PaymentDocument;
  withPayment: (document: Document, payment: PaymentDocument) => Document;
  /** Joins the rooms in which its events are told. */
  join: (rooms: PageRooms, document: Document) => void;
}

/** Watches a payment, however it is reached. */
export function watched<Document>(subject: Subject<Document>): Watched<Document> {
  const looked = new Store<Looked<Document>>({ document: null, problem: null });
  const chains = new Store<readonly Chain[]>([]);
  let asksForAddress: ReturnType<typeof setTimeout> | undefined;

  async function lookUp(signal: AbortSignal): Promise<Looked<Document>> {
    try {
      const document = await get<Document>(subject.path, signal);
      if (subject.paymentOf(document).direct !== null) await lookUpChains(signal);
      return { document, problem: null };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const found = { document: looked.value.document, problem: error };
      if (!error.mayPass) return found;
      looked.set(found);
      throw error;
    }
  }

  function show(found: Looked<Document>): void {
    looked.set(found);
    const { document } = found;
    if (document === null) return;
    // Which rooms these are stands in the document alone. So at its opening a page looks up twice: once to know them, and
    // once it is in them, since what happened in between was told to rooms in which it was not yet.
    subject.join(live.rooms, document);
    clearTimeout(asksForAddress);
    if (waitsForAddress(subject.paymentOf(document))) asksForAddress = setTimeout(() => live.lookAgain(), ADDRESS_PAUSE_MS);
  }

  async function lookUpChains(signal: AbortSignal): Promise<void> {
    if (chains.value.length > 0) return;
    const found = await get<{ chains: Chain[] }>("/api/chains", signal).catch(() => null);
    if (found !== null) chains.set(found.chains);
  }

  async function renewPrice(): Promise<void> {
    const { document } = looked.value;
    if (document === null) return;
    const { paymentId } = subject.paymentOf(document);
    const payment = await post<PaymentDocument>(`/api/payments/${encodeURIComponent(paymentId)}/price`, {});
    looked.update(({ document: now }) => ({ document: now && subject.withPayment(now, payment), problem: null }));
    live.lookAgain();
  }

  function heard(paymentId: string, change: (payment: PaymentDocument) => PaymentDocument): void {
    const { document } = looked.value;
    if (document === null || subject.paymentOf(document).paymentId !== paymentId) return;
    const payment = change(subject.paymentOf(document));
    looked.update(({ problem }) => ({ document: subject.withPayment(document, payment), problem }));
    live.lookAgain();
  }

  const live = new Live<Looked<Document>>({ lookUp, show });
  live.rooms.on("payment-update", (update) => heard(update.paymentId, (payment) => withUpdate(payment, update)));
  live.rooms.on("payment-progress", (told) => heard(told.paymentId, (payment) => withProgress(payment, told)));
  const moved = ({ paymentId }: { paymentId: string }): void => heard(paymentId, (payment) => payment);
  live.rooms.on("refund-opened", moved);
  live.rooms.on("refund-updated", moved);
  live.rooms.on("request-cancelled", ({ requestId }) => {
    const { document } = looked.value;
    if (document !== null && subject.paymentOf(document).shares.some((one) => one.requestId === requestId)) live.lookAgain();
  });
  live.start();
  return { looked, chains, live, lookAgain: () => live.lookAgain(), renewPrice };
}

/** Joins the rooms of a payment's parties: where there are tokens, those of the one who looks. */
export function joinPartyRooms(rooms: PageRooms, payment: PaymentDocument, side: Side): void {
  rooms.join("join-request-room", payment.requestId);
  rooms.join("join-user-room", subjectOf(heldToken()) ?? (side === "seller" ? payment.sellerId : payment.buyerId));
}

/** Who looks: the owner of the token if they are a party, else whoever the address says. */
export function sideOf(buyerId: string, sellerIds: readonly string[], query: string): Side {
  const me = subjectOf(heldToken());
  if (me !== null && sellerIds.includes(me)) return "seller";
  if (me !== null && me === buyerId) return "buyer";
  return new URLSearchParams(query).get("as") === "seller" ? "seller" : "buyer";
}
