/** What the pages of a payment and of a checkout share: looking up, listening, and merging what is heard. */

import type { RoomsAnswer } from "@contract/events";
import type { Chain, PaymentDocument } from "../model/documents";
import type { Side } from "../model/payment-line";
import { waitsForAddress } from "../model/payment-links";
import { withProgress, withUpdate } from "../model/payment-events";
import { Live, type LiveSocket } from "../net/live";
import { get, post, Problem } from "../net/rest";
import { Store } from "../net/store";
import { heldToken, subjectOf } from "../net/token";

const JOIN_TIMEOUT_MS = 10_000;
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
  live: Live;
  lookAgain: () => Promise<void>;
  /** Asks the provider for a new price of an open payment. Throws Problem. */
  renewPrice: () => Promise<void>;
}

export interface Subject<Document> {
  path: string;
  paymentOf: (document: Document) => PaymentDocument;
  withPayment: (document: Document, payment: PaymentDocument) => Document;
  /** The rooms in which its events are told. */
  join: (socket: LiveSocket, document: Document) => Promise<RoomsAnswer>[];
}

/** Watches a payment, however it is reached. */
export function watched<Document>(subject: Subject<Document>): Watched<Document> {
  const looked = new Store<Looked<Document>>({ document: null, problem: null });
  const chains = new Store<readonly Chain[]>([]);
  let asking: Promise<void> | null = null;
  let isStale = false;
  let asksForAddress: ReturnType<typeof setTimeout> | undefined;

  async function lookUp(): Promise<void> {
    try {
      looked.set({ document: await get<Document>(subject.path), problem: null });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      looked.update(({ document }) => ({ document, problem: error }));
      if (error.mayPass) throw error;
    }
    await lookUpChains();
    const { document } = looked.value;
    if (document !== null && waitsForAddress(subject.paymentOf(document))) {
      clearTimeout(asksForAddress);
      asksForAddress = setTimeout(() => void lookAgain(), ADDRESS_PAUSE_MS);
    }
  }

  async function lookUpChains(): Promise<void> {
    const { document } = looked.value;
    if (chains.value.length > 0 || document === null || subject.paymentOf(document).direct === null) return;
    const found = await get<{ chains: Chain[] }>("/api/chains").catch(() => null);
    if (found !== null) chains.set(found.chains);
  }

  /** However many events come at once, one question is under way, and one more after it. */
  async function lookAgain(): Promise<void> {
    if (asking !== null) {
      isStale = true;
      return;
    }
    do {
      isStale = false;
      asking = lookUp().catch(() => undefined);
      await asking;
      asking = null;
    } while (isStale);
  }

  async function renewPrice(): Promise<void> {
    const { document } = looked.value;
    if (document === null) return;
    const { paymentId } = subject.paymentOf(document);
    const payment = await post<PaymentDocument>(`/api/payments/${encodeURIComponent(paymentId)}/price`, {});
    looked.update(({ document: now }) => ({ document: now && subject.withPayment(now, payment), problem: null }));
    void lookAgain();
  }

  function heard(paymentId: string, change: (payment: PaymentDocument) => PaymentDocument): void {
    const { document } = looked.value;
    if (document === null || subject.paymentOf(document).paymentId !== paymentId) return;
    const payment = change(subject.paymentOf(document));
    looked.update(({ problem }) => ({ document: subject.withPayment(document, payment), problem }));
    void lookAgain();
  }

  const live: Live = new Live({
    join: async (socket) => {
      if (looked.value.document === null) await lookUp().catch(() => undefined);
      const { document } = looked.value;
      return document === null ? [] : Promise.all(subject.join(socket, document));
    },
    lookUp,
  });
  live.socket.on("payment-update", (update) => heard(update.paymentId, (payment) => withUpdate(payment, update)));
  live.socket.on("payment-progress", (told) => heard(told.paymentId, (payment) => withProgress(payment, told)));
  const moved = ({ paymentId }: { paymentId: string }): void => heard(paymentId, (payment) => payment);
  live.socket.on("refund-opened", moved);
  live.socket.on("refund-updated", moved);
  live.start();
  return { looked, chains, live, lookAgain, renewPrice };
}

/** The rooms of a payment's parties: where there are tokens, those of the one who looks. */
export function partyRooms(socket: LiveSocket, payment: PaymentDocument, side: Side): Promise<RoomsAnswer>[] {
  const me = subjectOf(heldToken()) ?? (side === "seller" ? payment.sellerId : payment.buyerId);
  return [
    socket.timeout(JOIN_TIMEOUT_MS).emitWithAck("join-request-room", payment.requestId) as Promise<RoomsAnswer>,
    socket.timeout(JOIN_TIMEOUT_MS).emitWithAck("join-user-room", me) as Promise<RoomsAnswer>,
  ];
}

/** Who looks: the owner of the token if they are a party, else whoever the address says. */
export function sideOf(buyerId: string, sellerIds: readonly string[], query: string): Side {
  const me = subjectOf(heldToken());
  if (me !== null && sellerIds.includes(me)) return "seller";
  if (me !== null && me === buyerId) return "buyer";
  return new URLSearchParams(query).get("as") === "seller" ? "seller" : "buyer";
}
