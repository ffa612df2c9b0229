/** Money that goes back: where each refund stands, and, for the buyer, the question where to send it. */

import "../styles/refunds.css";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { money } from "../model/amounts";
import type { CheckedDestination, PaymentDocument, Refund } from "../model/documents";
import { grouped, shortened } from "../model/payment-links";
import type { Side } from "../model/payment-line";
import { coinOf, refundLine, shownRefunds } from "../model/refunds";
import { post, Problem } from "../net/rest";
import { heldToken, subjectOf } from "../net/token";
import { CopyButton } from "./CopyButton";

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
  const line = refundLine(refund, side);
  const asks = refund.status === "awaiting_address" && mayGive;
  return (
    <section class={`refund tone-${line.tone}`} aria-label="Refund" data-status={refund.status}>
      <div role="status">
        <h3>{line.headline}</h3>
        <p>{line.sentence}</p>
      </div>
      <p class="soft">{refund.reason}</p>
      {refund.txHash !== null && (
        <p class="refund-hash">
          Transaction <code title={refund.txHash}>{shortened(refund.txHash)}</code>{" "}
          <CopyButton text={refund.txHash} what="the refund's transaction hash" />
        </p>
      )}
      {asks && <AddressForm refund={refund} coin={coinOf(refund, payment)} lookAgain={lookAgain} />}
    </section>
  );
}

/** Asks twice, since an address cannot be changed once it was given. */
function AddressForm({ refund, coin, lookAgain }: { refund: Refund; coin: string; lookAgain: () => void }): JSX.Element {
  const path = `/api/refunds/${encodeURIComponent(refund.refundId)}/destination`;
  const [address, setAddress] = useState("");
  const [checked, setChecked] = useState<CheckedDestination | null>(null);
  const [fault, setFault] = useState<string | null>(null);
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
      setFault(error.of("destination") ?? error.detail);
      if (error.status === 409) lookAgain();
      setIsAsking(false);
      field.current?.focus();
    }
  }
  const check = (event: Event): void => {
    event.preventDefault();
    const destination = address.trim();
    if (destination === "") {
      setFault("Paste the address here.");
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
          Is this your address for {coin}?
        </h4>
        <p>
          <code class="address" aria-label={checked.destination}>
            {grouped(checked.destination).map((group, number) => (
              <span key={number}>{group}</span>
            ))}
          </code>
        </p>
        <p>
          {money(checked.coinAmount, checked.coin)} go there. Compare every group: it cannot be changed afterwards, and what is
          sent to a wrong address is lost.
        </p>
        <div class="refund-actions">
          <button type="button" class="button" disabled={isAsking} onClick={() => setChecked(null)}>
            Change it
          </button>
          <button type="button" class="button primary" disabled={isAsking} onClick={send}>
            {isAsking ? "Working …" : "Yes, send it there"}
          </button>
        </div>
      </div>
    );
  }
  return (
    <form class="refund-form" onSubmit={check} noValidate>
      <label class="refund-field">
        <span>Your address for {coin}</span>
        <input
          ref={field}
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
          {fault}
        </p>
      )}
      <p class="soft">Copy it from the wallet that is to get the money. Nobody of the shop ever asks you for it elsewhere.</p>
      <button type="submit" class="button primary" disabled={isAsking}>
        {isAsking ? "Checking …" : "Check this address"}
      </button>
    </form>
  );
}
