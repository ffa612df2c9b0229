/** Money that goes back: where each refund stands, and, for the buyer, the question where to send it. */

import "../styles/refunds.css";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { money } from "../model/amounts";
import type { CheckedDestination, PaymentDocument, Refund } from "../model/documents";
import { shortened } from "../model/payment-links";
import type { Side } from "../model/payment-line";
import { coinOf, refundLine, shownRefunds } from "../model/refunds";
import { refusalWords } from "../model/refusals";
import { post, Problem } from "../net/rest";
import { heldToken, subjectOf } from "../net/token";
import { Address } from "./Address";
import { CopyButton } from "./CopyButton";
import { useWords } from "./speaking";

interface RefundsProps {
  payment: PaymentDocument;
  side: Side;
  lookAgain: () => void;
}

export function Refunds({ payment, side, lookAgain }: RefundsProps): JSX.Element | null {
  const refunds = shownRefunds(payment);
  if (refunds.length === 0) return null;
  const me = subjectOf(heldToken());
  const mayGive = side === "buyer" && (me === null || me === payment.buyerId);
  return (
    <>
      {refunds.map((refund) => (
        <RefundPart key={refund.refundId} {...{ refund, payment, side, lookAgain, mayGive }} />
      ))}
    </>
  );
}

function RefundPart({ refund, payment, side, lookAgain, mayGive }: RefundsProps & { refund: Refund; mayGive: boolean }): JSX.Element {
  const words = useWords();
  const line = refundLine(words, refund, side);
  const asks = refund.status === "awaiting_address" && mayGive;
  return (
    <section class={`refund tone-${line.tone}`} aria-label={words.say("refund")} data-status={refund.status}>
      <div role="status">
        <h3>{line.headline}</h3>
        <p>{line.sentence}</p>
      </div>
      <p class="soft" dir="auto">
        {refund.reason}
      </p>
      {refund.txHash !== null && (
        <p class="refund-hash">
          <span>
            {words.around("transactionOf", {
              hash: (
                <code key="hash" dir="ltr" title={refund.txHash}>
                  {shortened(refund.txHash)}
                </code>
              ),
            })}
          </span>{" "}
          <CopyButton text={refund.txHash} label={words.say("copyRefundHash")} />
        </p>
      )}
      {asks && <AddressForm refund={refund} coin={coinOf(refund, payment)} lookAgain={lookAgain} />}
    </section>
  );
}

/** Asks twice, since an address cannot be changed once it was given. */
function AddressForm({ refund, coin, lookAgain }: { refund: Refund; coin: string; lookAgain: () => void }): JSX.Element {
  const words = useWords();
  const path = `/api/refunds/${encodeURIComponent(refund.refundId)}/destination`;
  const [address, setAddress] = useState("");
  const [checked, setChecked] = useState<CheckedDestination | null>(null);
  const [fault, setFault] = useState<Problem | "empty" | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const question = useRef<HTMLHeadingElement>(null);
  const faultId = `fault-${refund.refundId}`;
  useEffect(() => {
    if (checked !== null) question.current?.focus();
  }, [checked]);

  async function ask(action: () => Promise<void>): Promise<void> {
    setIsAsking(true);
    setFault(null);
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setChecked(null);
      setFault(error);
      if (error.status === 409) lookAgain();
      setIsAsking(false);
      field.current?.focus();
    }
  }
  const check = (event: Event): void => {
    event.preventDefault();
    const destination = address.trim();
    if (destination === "") {
      setFault("empty");
      field.current?.focus();
      return;
    }
    void ask(async () => {
      setChecked(await post<CheckedDestination>(`${path}/check`, { destination }));
      setIsAsking(false);
    });
  };
  const send = (): void =>
    void ask(async () => {
      await post(path, { destination: checked?.destination });
      lookAgain(); // which replaces this form
    });

  if (checked !== null) {
    return (
      <div class="refund-form">
        <h4 ref={question} tabIndex={-1}>
          {words.say("isYourAddress", { coin })}
        </h4>
        <p>
          <Address address={checked.destination} />
        </p>
        <p>
          {words.say("goesThere", { amount: money(checked.coinAmount, checked.coin) })}
        </p>
        <div class="refund-actions">
          <button type="button" class="button" disabled={isAsking} onClick={() => setChecked(null)}>
            {words.say("changeIt")}
          </button>
          <button type="button" class="button primary" disabled={isAsking} onClick={send}>
            {words.say(isAsking ? "working" : "sendThere")}
          </button>
        </div>
      </div>
    );
  }
  return (
    <form class="refund-form" onSubmit={check} noValidate>
      <label class="refund-field">
        <span>{words.say("yourAddress", { coin })}</span>
        <input
          ref={field}
          dir="ltr"
          value={address}
          autoComplete="off"
          spellcheck={false}
          aria-invalid={fault !== null}
          aria-describedby={fault === null ? undefined : faultId}
          onInput={(event) => setAddress(event.currentTarget.value)}
        />
      </label>
      {fault !== null && (
        <p class="fault" role="alert" id={faultId}>
          {fault === "empty" ? words.say("pasteAddress") : refusalWords(words, fault, "destination")}
        </p>
      )}
      <p class="soft">{words.say("copyFromWallet")}</p>
      <button type="submit" class="button primary" disabled={isAsking}>
        {words.say(isAsking ? "checking" : "checkAddress")}
      </button>
    </form>
  );
}
