/** What somebody says of a refund that they open: of what money, how much, in which coin, and whether it was sent. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { plain } from "../model/amounts";
import type { PaymentDocument, Refundable } from "../model/documents";
import { poolName, type SentAlready } from "../model/refunds";
import { get, newKey, Problem } from "../net/rest";

export interface RefundWanted {
  pool: Refundable | null;
  amount: string;
  currency: string;
  /** Null where it is the one that the buyer paid with. */
  coin: string | null;
  /** Null where the bridge is to send it. */
  sent: SentAlready | null;
  /** Of this dialog, whatever is said in it and however often. */
  key: string;
}

export const NOTHING_WANTED: RefundWanted = { pool: null, amount: "", currency: "", coin: null, sent: null, key: "" };

/** The same as the bridge is told it. */
export function refundContent({ pool, amount, coin, sent }: RefundWanted, reason: string): object {
  return {
    of: pool?.of ?? "goods",
    amount,
    reason,
    ...(pool?.sellerId == null ? {} : { sellerId: pool.sellerId }),
    ...(coin === null ? {} : { coin }),
    ...(sent === null ? {} : { sent: sentContent(sent) }),
  };
}

function sentContent({ coinAmount, ...sent }: SentAlready): object {
  return coinAmount === "" ? sent : { ...sent, coinAmount };
}

export function RefundFields({ paymentId, wanted, want }: { paymentId: string; wanted: RefundWanted; want: (wanted: RefundWanted) => void }): JSX.Element {
  const [payment, setPayment] = useState<PaymentDocument | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const coins = [...new Set((payment?.transfers ?? []).filter(({ confirmed }) => confirmed).map(({ asset }) => asset))];
  useEffect(() => {
    get<PaymentDocument>(`/api/payments/${encodeURIComponent(paymentId)}`).then(
      (found) => {
        setPayment(found);
        const paid = new Set(found.transfers.filter(({ confirmed }) => confirmed).map(({ asset }) => asset));
        const [pool = null] = found.status === "completed" ? [...found.refundable].reverse() : found.refundable;
        want({
          pool,
          amount: pool === null ? "" : plain(pool.amount),
          currency: found.currency,
          coin: paid.size > 1 ? ([...paid][0] ?? null) : null,
          sent: null,
          key: newKey(),
        });
      },
      (error: unknown) => setProblem(error instanceof Problem ? error.detail : "It cannot be looked up."),
    );
  }, [paymentId]);
  if (problem !== null) {
    return (
      <p class="fault" role="alert">
        {problem}
      </p>
    );
  }
  if (payment === null) return <p class="soft">Looking up what can go back …</p>;
  if (wanted.pool === null) return <p class="soft">Nothing of this payment can go back: it is paid out, on its way, or back already.</p>;
  const hasSeveral = payment.refundable.filter(({ of }) => of === "goods").length > 1;
  return (
    <>
      {payment.refundable.length > 1 && (
        <label class="field">
          <span>Of what</span>
          <select
            value={payment.refundable.indexOf(wanted.pool)}
            onChange={(event) => {
              const pool = payment.refundable[Number(event.currentTarget.value)] ?? null;
              want({ ...wanted, pool, amount: pool === null ? "" : plain(pool.amount) });
            }}
          >
            {payment.refundable.map((pool, number) => (
              <option key={number} value={number}>
                {poolName(pool, hasSeveral)}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        <span>Amount in {payment.currency}</span>
        <input
          value={wanted.amount}
          inputMode="decimal"
          autoComplete="off"
          onInput={(event) => want({ ...wanted, amount: event.currentTarget.value.trim() })}
        />
        <span class="soft">
          {payment.refundable.length > 1 ? "" : `${poolName(wanted.pool, hasSeveral)}: `}
          {wanted.pool.amount} can go back.
        </span>
      </label>
      {coins.length > 1 && (
        <label class="field">
          <span>Coin</span>
          <select value={wanted.coin ?? ""} onChange={(event) => want({ ...wanted, coin: event.currentTarget.value })}>
            {coins.map((coin) => (
              <option key={coin} value={coin}>
                {coin}
              </option>
            ))}
          </select>
          <span class="soft">The buyer paid with several.</span>
        </label>
      )}
      <div class="choices">
        <label>
          <input
            type="checkbox"
            checked={wanted.sent !== null}
            onChange={(event) => want({ ...wanted, sent: event.currentTarget.checked ? NOT_SAID : null })}
          />
          <span>
            <strong>It was sent already</strong>
            <span class="soft">Without the bridge, as from the wallet that was paid, or over Lightning. Nothing more is sent then.</span>
          </span>
        </label>
      </div>
      {wanted.sent !== null && <SentFields sent={wanted.sent} say={(sent) => want({ ...wanted, sent })} />}
    </>
  );
}

const NOT_SAID: SentAlready = { txHash: "", destination: "", coinAmount: "" };

function SentFields({ sent, say }: { sent: SentAlready; say: (sent: SentAlready) => void }): JSX.Element {
  const field = (name: keyof SentAlready, label: string, hint: string): JSX.Element => (
    <label class="field">
      <span>{label}</span>
      <input
        value={sent[name]}
        spellcheck={false}
        autoComplete="off"
        {...(name === "coinAmount" ? { inputMode: "decimal" as const } : {})}
        onInput={(event) => say({ ...sent, [name]: event.currentTarget.value.trim() })}
      />
      <span class="soft">{hint}</span>
    </label>
  );
  return (
    <>
      {field("txHash", "Transaction hash", "Of Lightning the payment's hash. Where its chain is followed, the chain says whether it does it.")}
      {field("destination", "Where it went", "The buyer's address; of Lightning their invoice.")}
      {field("coinAmount", "How much of the coin", "Left out, as much as the amount, where the coin stands for the currency.")}
    </>
  );
}
