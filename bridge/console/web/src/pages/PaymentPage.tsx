/** `/pay/{paymentId}`: one payment, as its buyer or its seller watches it. */

import "../styles/pay.css";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { agreed } from "../model/amounts";
import type { Chain, PaymentDocument } from "../model/documents";
import { explorerOf, whyNowhere } from "../model/payment-links";
import { paymentLine, type Side } from "../model/payment-line";
import { useStore } from "../net/store";
import { Amount } from "../parts/Amount";
import { useNow } from "../parts/clock";
import { LiveLine } from "../parts/LiveLine";
import { BackToTheShop } from "../parts/BackToTheShop";
import { Receipt } from "../parts/Receipt";
import { Refunds } from "../parts/Refunds";
import { PlaceToPay } from "../parts/PlaceToPay";
import { useWords } from "../parts/speaking";
import { Transactions } from "../parts/Transactions";
import { PayFrame } from "./PayFrame";
import { joinPartyRooms, sideOf, watched } from "./paying";

export function PaymentPage({ paymentId }: { paymentId: string }): JSX.Element {
  const payment = useMemo(
    () =>
      watched<PaymentDocument>({
        path: `/api/payments/${encodeURIComponent(paymentId)}`,
        paymentOf: (document) => document,
        withPayment: (_document, changed) => changed,
        join: (rooms, document) => joinPartyRooms(rooms, document, side(document)),
      }),
    [paymentId],
  );
  const words = useWords();
  const chains = useStore(payment.chains);
  return (
    <PayFrame watched={payment} title={words.say("payment")}>
      {(document) => <Payment payment={document} side={side(document)} chains={chains} renewPrice={payment.renewPrice} lookAgain={payment.lookAgain} />}
    </PayFrame>
  );
}

function side(payment: PaymentDocument): Side {
  return sideOf(payment.buyerId, [payment.sellerId], location.search);
}

function Payment({ payment, side, chains, renewPrice, lookAgain }: Omit<PanelProps, "children">): JSX.Element {
  const words = useWords();
  const isOpen = ["pending", "confirming", "partially_paid"].includes(payment.status);
  const asked = !isOpen ? "amount" : side === "buyer" ? "toPay" : "youGet";
  return (
    <PaymentPanel {...{ payment, side, chains, renewPrice, lookAgain }}>
      <section class="asked">
        <h1>
          <span class="asked-label">{words.say(asked)}</span>
          <Amount amount={payment.amount} currency={payment.currency} />
        </h1>
        <dl class="about">
          <div>
            <dt>{words.say("for")}</dt>
            <dd>
              <bdi>{payment.requestId}</bdi>
            </dd>
          </div>
          <div>
            <dt>{words.say(side === "buyer" ? "to" : "from")}</dt>
            <dd>
              <bdi>{side === "buyer" ? payment.sellerId : payment.buyerId}</bdi>
            </dd>
          </div>
        </dl>
      </section>
    </PaymentPanel>
  );
}

interface PanelProps {
  payment: PaymentDocument;
  side: Side;
  chains: readonly Chain[];
  renewPrice: () => Promise<void>;
  lookAgain: () => void;
  children: JSX.Element;
}

/** A payment's live line with what belongs to it, under whatever says what is paid. */
export function PaymentPanel({ payment, side, chains, renewPrice, lookAgain, children }: PanelProps): JSX.Element {
  const words = useWords();
  const now = useNow(1_000);
  const line = paymentLine(words, payment, side);
  const paysHere = side === "buyer" && line.asksForMoney;
  useEffect(() => {
    document.title = `${line.headline} · ${agreed(payment.amount, payment.currency)}`;
  }, [line.headline, payment.amount, payment.currency]);
  return (
    <div class={`panel${paysHere ? " has-place" : ""}`}>
      {children}
      <LiveLine payment={payment} side={side} now={now} />
      <Refunds payment={payment} side={side} lookAgain={lookAgain} />
      {paysHere && <PlaceToPay payment={payment} now={now} renewPrice={renewPrice} />}
      {side === "seller" && <PaidTo payment={payment} />}
      {side === "buyer" && <Receipt payment={payment} />}
      <Transactions payment={payment} explorer={explorerOf(payment, chains)} />
      {side === "buyer" && !(paysHere && whyNowhere(payment, null) === "at-the-shop") && <BackToTheShop payment={payment} />}
      <p class="reference">
        {words.around("paymentNumber", {
          id: (
            <code key="id" dir="ltr">
              {payment.paymentId}
            </code>
          ),
        })}
      </p>
    </div>
  );
}

/** A seller does not pay, but may want to compare where the buyer does. */
function PaidTo({ payment }: { payment: PaymentDocument }): JSX.Element | null {
  const words = useWords();
  const [invoice] = payment.invoices;
  const whole = (address: string): JSX.Element => (
    <code key="address" dir="ltr">
      {address}
    </code>
  );
  const { direct } = payment;
  if (direct !== null) {
    const values = { coin: payment.currency, chain: direct.chain, address: whole(direct.recipient) };
    return <p class="paid-to">{words.around("paidToOn", values)}</p>;
  }
  if (invoice === undefined || invoice.address === null) return null;
  const { coin, displayName: name, address } = invoice;
  return (
    <p class="paid-to">
      {name
        ? words.around("paidToBy", { coin, name, address: whole(address) })
        : words.around("paidTo", { coin, address: whole(address) })}
    </p>
  );
}
