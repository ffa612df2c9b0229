/** Where the buyer pays: the QR code, the exact amount and the address, each to be copied, and the time left. */

import type { JSX } from "preact";
import { money, plain } from "../model/amounts";
import type { PaymentDocument } from "../model/documents";
import { grouped, opensWallet, placeToPay } from "../model/payment-links";
import { timeLeft } from "../model/times";
import { CopyButton } from "./CopyButton";
import { OutIcon } from "./icons";
import { QrCode } from "./QrCode";

export function PlaceToPay({ payment, now }: { payment: PaymentDocument; now: number }): JSX.Element | null {
  const place = placeToPay(payment);
  if (place === null) {
    if (payment.invoices.length === 0) return null;
    return (
      <section class="place is-empty" aria-label="Where to pay">
        <div class="qr-frame is-empty" aria-hidden="true" />
        <p>The address is on its way from the payment provider.</p>
      </section>
    );
  }
  return (
    <section class="place" aria-label="Where to pay">
      <div class="qr-frame">
        <QrCode text={place.uri} label={`QR code to pay ${money(place.amount, place.coin)} to ${place.address}`} />
      </div>
      {payment.expiresAt !== null && <TimeLeft payment={payment} expiresAt={payment.expiresAt} now={now} />}
      <dl class="fields">
        <div>
          <dt>Send exactly</dt>
          <dd>
            <span class="field-value">{money(place.amount, place.coin)}</span>
            <CopyButton text={plain(place.amount)} what="the amount" />
          </dd>
          {place.name !== null && <dd class="field-note">{place.name}</dd>}
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
        </div>
      </dl>
      {opensWallet(place) && (
        <a class="button primary" href={place.uri}>
          Open in a wallet <OutIcon />
        </a>
      )}
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
      <div class="track is-time" aria-hidden="true">
        <span style={{ width: `${left.share * 100}%` }} />
      </div>
    </div>
  );
}
