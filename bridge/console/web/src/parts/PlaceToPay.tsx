/**
 * Where the buyer pays: the QR code, the exact amount and the address, each to be copied, and the time left. Where there
 * is nowhere to pay at the moment, why, and what happens next.
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { isZero, money, plain, roundMoney, shown } from "../model/amounts";
import type { PaymentDocument } from "../model/documents";
import { checkoutOf, endOfPrice, grouped, type Nowhere, opensWallet, placeToPay, whyNowhere } from "../model/payment-links";
import { span, timeLeft } from "../model/times";
import { Problem } from "../net/rest";
import { BackToTheShop } from "./BackToTheShop";
import { CopyButton } from "./CopyButton";
import { OutIcon } from "./icons";
import { QrCode } from "./QrCode";

interface PlaceProps {
  payment: PaymentDocument;
  now: number;
  renewPrice: () => Promise<void>;
}

export function PlaceToPay({ payment, now, renewPrice }: PlaceProps): JSX.Element {
  const [isPlain, setIsPlain] = useState(false);
  const place = placeToPay(payment);
  const nowhere = whyNowhere(payment, now);
  if (nowhere === "price-ended") return <PriceEnded renewPrice={renewPrice} />;
  if (place === null) return <NowhereToPay payment={payment} reason={nowhere} />;
  const end = endOfPrice(payment);
  return (
    <section class="place" aria-label="Where to pay">
      <div class="qr-frame">
        <QrCode text={isPlain ? place.address : place.uri} label={`QR code ${isPlain ? "of" : `to pay ${money(place.amount, place.coin)} to`} ${place.address}`} />
      </div>
      {payment.expiresAt !== null && <TimeLeft payment={payment} expiresAt={payment.expiresAt} now={now} />}
      {end !== null && <p class="price-end">This price holds for {span(Date.parse(end) - now)}.</p>}
      <dl class="fields">
        <div>
          <dt>Send exactly</dt>
          <dd>
            <span class="field-value">{money(place.amount, place.coin)}</span>
            <CopyButton text={plain(place.amount)} what="the amount" />
          </dd>
          <Fee payment={payment} />
          {place.name !== null && <dd class="field-note">{place.name}</dd>}
          <dd class="field-note">What your wallet takes for the network comes on top.</dd>
        </div>
        <div>
          <dt>To this address</dt>
          <dd>
            <code class="address" aria-label={place.address}>
              {grouped(place.address).map((group, number) => (
                <span key={number}>{group}</span>
              ))}
            </code>
            <CopyButton text={place.address} what="the address" />
          </dd>
          {place.network !== null && (
            <dd class="only-network">
              Only over <strong>{place.network}</strong>: what is sent over another network is lost.
            </dd>
          )}
        </div>
      </dl>
      {opensWallet(place) && (
        <a class="button primary" href={place.uri}>
          Open in a wallet <OutIcon />
        </a>
      )}
      {place.uri !== place.address && (
        <button type="button" class="quiet qr-kind" aria-pressed={isPlain} onClick={() => setIsPlain(!isPlain)}>
          {isPlain ? "Code with the amount" : "My wallet reads addresses only"}
        </button>
      )}
    </section>
  );
}

/** What the coins are made of, so that they add up for whoever compares them with the price. */
function Fee({ payment }: { payment: PaymentDocument }): JSX.Element | null {
  const fee = payment.invoices[0]?.fee ?? null;
  if (fee === null || isZero(fee)) return null;
  const missing = roundMoney(payment.missing, payment.currency, "up");
  return (
    <dd class="field-note">
      {missing} + {shown(fee, payment.currency)} fee of the payment provider
    </dd>
  );
}

function PriceEnded({ renewPrice }: { renewPrice: () => Promise<void> }): JSX.Element {
  const [isAsking, setIsAsking] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  async function ask(): Promise<void> {
    setIsAsking(true);
    setTrouble(null);
    try {
      await renewPrice();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setTrouble(error.detail);
    } finally {
      setIsAsking(false);
    }
  }
  return (
    <section class="place is-note" aria-label="Where to pay">
      <p role="status">The price has ended: coins sent now may be worth less than what is asked for.</p>
      <button type="button" class="button primary" disabled={isAsking} onClick={() => void ask()}>
        {isAsking ? "Asking …" : "New price"}
      </button>
      {trouble !== null && <p role="alert">{trouble}</p>}
    </section>
  );
}

function NowhereToPay({ payment, reason }: { payment: PaymentDocument; reason: Nowhere | null }): JSX.Element {
  const [invoice] = payment.invoices;
  if (reason === "no-address" && invoice !== undefined && invoice.refusal !== null) {
    return (
      <section class="place is-note" aria-label="Where to pay">
        <p>
          The payment provider cannot take {invoice.displayName ?? invoice.coin} for this payment at the moment. It is asked
          again now and then, and the address appears here by itself. To pay sooner, ask the shop for another coin.
        </p>
      </section>
    );
  }
  if (reason === "no-address") {
    return (
      <section class="place is-empty" aria-label="Where to pay">
        <div class="qr-frame is-empty" aria-hidden="true" />
        <p>
          The payment provider has not said yet where to pay. It is asked again until it does, and the address appears here by
          itself: there is nothing to reload, and nothing to send before.
        </p>
      </section>
    );
  }
  const checkout = checkoutOf(payment);
  if (reason === "at-checkout" && checkout !== null) {
    return (
      <section class="place is-note" aria-label="Where to pay">
        <p>The payment provider takes it on a page of its own. How the payment stands is shown here.</p>
        <a class="button primary" href={checkout}>
          Pay {payment.invoices[0]?.displayName ?? "there"} <OutIcon />
        </a>
      </section>
    );
  }
  return (
    <section class="place is-note" aria-label="Where to pay">
      <p>
        {reason === "at-the-shop"
          ? "The shop itself shows where to pay. Go back to its page to pay; how the payment stands is shown here."
          : reason === "whole-only"
            ? "What is missing cannot be paid with this coin. Ask the shop to let you pay it with another one."
            : "Nothing more is to be sent. If this does not settle by itself, ask the shop."}
      </p>
      {reason === "at-the-shop" && <BackToTheShop payment={payment} isPrimary />}
    </section>
  );
}

function TimeLeft({ payment, expiresAt, now }: { payment: PaymentDocument; expiresAt: string; now: number }): JSX.Element {
  const left = timeLeft(payment.createdAt, expiresAt, now);
  return (
    <div class={`time-left${left.isShort ? " is-short" : ""}`}>
      <p role="timer" aria-label={left.words}>
        {left.isOver ? "The time is over" : <>
          <span class="clock">{left.clock}</span> left to pay
        </>}
      </p>
      {left.isShort && <p class="field-note">If you cannot send it in time, do not: ask the shop for a new payment.</p>}
      <div class="track is-time" aria-hidden="true">
        <span style={{ width: `${left.share * 100}%` }} />
      </div>
    </div>
  );
}
