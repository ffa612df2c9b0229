/**
 * Where the buyer pays: the QR code, the exact amount and the address, each to be copied, and the time left. Where there
 * is nowhere to pay at the moment, why, and what happens next.
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { agreed, isZero, plain, roundMoney, inItsScale } from "../model/amounts";
import type { PaymentDocument } from "../model/documents";
import { checkoutOf, endOfPrice, type Nowhere, opensWallet, placeToPay, whyNowhere } from "../model/payment-links";
import { refusalWords } from "../model/refusals";
import { span, timeLeft } from "../model/times";
import { Problem } from "../net/rest";
import { Address } from "./Address";
import { BackToTheShop } from "./BackToTheShop";
import { CopyButton } from "./CopyButton";
import { OutIcon } from "./icons";
import { QrCode } from "./QrCode";
import { useWords } from "./speaking";

interface PlaceProps {
  payment: PaymentDocument;
  now: number;
  renewPrice: () => Promise<void>;
}

export function PlaceToPay({ payment, now, renewPrice }: PlaceProps): JSX.Element {
  const words = useWords();
  const [isPlain, setIsPlain] = useState(false);
  const place = placeToPay(payment);
  const nowhere = whyNowhere(payment, now);
  if (nowhere === "price-ended") return <PriceEnded renewPrice={renewPrice} />;
  if (place === null) return <NowhereToPay payment={payment} reason={nowhere} />;
  const end = endOfPrice(payment);
  const { address } = place;
  const amount = agreed(place.amount, place.coin);
  return (
    <section class="place" aria-label={words.say("whereToPay")}>
      <div class="qr-frame">
        <QrCode
          text={isPlain ? address : place.uri}
          label={isPlain ? words.say("qrOfAddress", { address }) : words.say("qrToPay", { amount, address })}
        />
      </div>
      {payment.expiresAt !== null && <TimeLeft payment={payment} expiresAt={payment.expiresAt} now={now} />}
      {end !== null && (
        <p class="price-end">{words.say("priceHolds", { time: span(Date.parse(end) - now, words.locale) })}</p>
      )}
      <dl class="fields">
        <div>
          <dt>{words.say("sendExactly")}</dt>
          <dd>
            <bdi class="field-value" dir="ltr">
              {amount}
            </bdi>
            <CopyButton text={plain(place.amount)} label={words.say("copyAmount")} />
          </dd>
          <Fee payment={payment} />
          {place.name !== null && (
            <dd class="field-note">
              <bdi>{place.name}</bdi>
            </dd>
          )}
          <dd class="field-note">{words.say("networkFee")}</dd>
        </div>
        <div>
          <dt>{words.say("toAddress")}</dt>
          <dd>
            <Address address={address} />
            <CopyButton text={address} label={words.say("copyAddress")} />
          </dd>
          {place.network !== null && (
            <dd class="only-network">
              {words.around("onlyOver", {
                network: (
                  <strong key="network">
                    <bdi>{place.network}</bdi>
                  </strong>
                ),
              })}
            </dd>
          )}
        </div>
      </dl>
      {opensWallet(place) && (
        <a class="button primary" href={place.uri}>
          {words.say("openInWallet")} <OutIcon />
        </a>
      )}
      {place.uri !== place.address && (
        <button type="button" class="quiet qr-kind" aria-pressed={isPlain} onClick={() => setIsPlain(!isPlain)}>
          {words.say(isPlain ? "codeWithAmount" : "addressesOnly")}
        </button>
      )}
    </section>
  );
}

/** What the coins are made of, so that they add up for whoever compares them with the price. */
function Fee({ payment }: { payment: PaymentDocument }): JSX.Element | null {
  const words = useWords();
  const fee = payment.invoices[0]?.fee ?? null;
  if (fee === null || isZero(fee)) return null;
  const missing = roundMoney(payment.missing, payment.currency, "up");
  return (
    <dd class="field-note">{words.say("providerFee", { missing, fee: inItsScale(fee, payment.currency) })}</dd>
  );
}

function PriceEnded({ renewPrice }: { renewPrice: () => Promise<void> }): JSX.Element {
  const words = useWords();
  const [isAsking, setIsAsking] = useState(false);
  const [trouble, setTrouble] = useState<Problem | null>(null);
  async function ask(): Promise<void> {
    setIsAsking(true);
    setTrouble(null);
    try {
      await renewPrice();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setTrouble(error);
    } finally {
      setIsAsking(false);
    }
  }
  return (
    <section class="place is-note" aria-label={words.say("whereToPay")}>
      <p role="status">{words.say("priceEnded")}</p>
      <button type="button" class="button primary" disabled={isAsking} onClick={() => void ask()}>
        {words.say(isAsking ? "asking" : "newPrice")}
      </button>
      {trouble !== null && <p role="alert">{refusalWords(words, trouble)}</p>}
    </section>
  );
}

function NowhereToPay({ payment, reason }: { payment: PaymentDocument; reason: Nowhere | null }): JSX.Element {
  const words = useWords();
  const [invoice] = payment.invoices;
  if (reason === "no-address" && invoice !== undefined && invoice.refusal !== null) {
    return (
      <section class="place is-note" aria-label={words.say("whereToPay")}>
        <p>{words.say("coinRefused", { coin: invoice.displayName ?? invoice.coin })}</p>
      </section>
    );
  }
  if (reason === "no-address") {
    return (
      <section class="place is-empty" aria-label={words.say("whereToPay")}>
        <div class="qr-frame is-empty" aria-hidden="true" />
        <p>{words.say("addressAwaited")}</p>
      </section>
    );
  }
  const checkout = checkoutOf(payment);
  if (reason === "at-checkout" && checkout !== null) {
    const name = invoice?.displayName ?? null;
    return (
      <section class="place is-note" aria-label={words.say("whereToPay")}>
        <p>{words.say("atProvider")}</p>
        <a class="button primary" href={checkout}>
          {name === null ? words.say("payThere") : words.say("payBy", { name })} <OutIcon />
        </a>
      </section>
    );
  }
  return (
    <section class="place is-note" aria-label={words.say("whereToPay")}>
      <p>
        {words.say(
          reason === "at-the-shop" ? "shopShowsWhere" : reason === "whole-only" ? "restInOtherCoin" : "sendNoMore",
        )}
      </p>
      {reason === "at-the-shop" && <BackToTheShop payment={payment} isPrimary />}
    </section>
  );
}

function TimeLeft({ payment, expiresAt, now }: { payment: PaymentDocument; expiresAt: string; now: number }): JSX.Element {
  const words = useWords();
  const left = timeLeft(payment.createdAt, expiresAt, now, words.locale);
  const clock = (
    <bdi key="clock" class="clock" dir="ltr">
      {left.clock}
    </bdi>
  );
  return (
    <div class={`time-left${left.isShort ? " is-short" : ""}`}>
      <p role="timer" aria-label={left.span === null ? words.say("timeOver") : words.say("timeLeft", { time: left.span })}>
        {left.span === null ? words.say("timeOver") : words.around("leftToPay", { clock })}
      </p>
      {left.isShort && <p class="field-note">{words.say("tooLateToSend")}</p>}
      <div class="track is-time" aria-hidden="true">
        <span style={{ width: `${left.share * 100}%` }} />
      </div>
    </div>
  );
}
