/** What somebody says of a refund that they open: of what money, how much, in which coin, and whether it was sent. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { agreed, plain } from "../model/amounts";
import type { PaymentDocument, Refundable } from "../model/documents";
import { poolName, type SentAlready, takingMoney } from "../model/refunds";
import { get, newKey, Problem } from "../net/rest";
import { StateMark } from "./marks";

export interface RefundWanted {
  pool: Refundable | null;
  amount: string;
  currency: string;
  /** Null where it is the one that the buyer paid with. */
  coin: string | null;
  /** Null where the bridge is to send it. */
  sent: SentAlready | null;
  /** The other refunds of the payment that the dialog has shown. */
  besides: string[];
  /** Of this dialog, whatever is said in it and however often. */
  key: string;
}

/** What somebody has seen of what was sent, of which the bridge had its doubts. */
export interface Seen {
  isForSeveral: boolean;
  isOtherAddress: boolean;
}

export const NOTHING_WANTED: RefundWanted = { pool: null, amount: "", currency: "", coin: null, sent: null, besides: [], key: "" };

/** The same as the bridge is told it. */
export function refundContent({ pool, amount, coin, sent, besides }: RefundWanted, reason: string, seen: Seen): object {
  return {
    of: pool?.of ?? "goods",
    amount,
    reason,
    besides,
    ...(pool?.sellerId == null ? {} : { sellerId: pool.sellerId }),
    ...(coin === null ? {} : { coin }),
    ...(sent === null ? {} : { sent: sentContent(sent, seen) }),
  };
}

function sentContent({ coinAmount, ...sent }: SentAlready, { isForSeveral, isOtherAddress }: Seen): object {
  return {
    ...sent,
    ...(coinAmount === "" ? {} : { coinAmount }),
    ...(isForSeveral ? { forSeveral: true } : {}),
    ...(isOtherAddress ? { otherAddress: true } : {}),
  };
}

/** What is wanted to begin with, of a payment as it stands. */
function suggested(payment: PaymentDocument): RefundWanted {
  const paid = new Set(payment.transfers.filter(({ confirmed }) => confirmed).map(({ asset }) => asset));
  const [pool = null] = payment.status === "completed" ? [...payment.refundable].reverse() : payment.refundable;
  return {
    pool,
    amount: pool === null ? "" : plain(pool.amount),
    currency: payment.currency,
    coin: paid.size > 1 ? ([...paid][0] ?? null) : null,
    sent: null,
    besides: seenOf(payment),
    key: newKey(),
  };
}

/** The same, once the payment was looked up anew. */
function still(wanted: RefundWanted, payment: PaymentDocument): RefundWanted {
  const { pool } = wanted;
  const same = payment.refundable.find((one) => one.of === pool?.of && one.sellerId === pool.sellerId);
  return { ...wanted, pool: same ?? null, besides: seenOf(payment) };
}

function seenOf(payment: PaymentDocument): string[] {
  return takingMoney(payment).map(({ refundId }) => refundId);
}

interface Props {
  paymentId: string;
  wanted: RefundWanted;
  want: (wanted: RefundWanted) => void;
  /** How often the bridge has said that the payment is not as the dialog shows it. */
  refusals: number;
}

export function RefundFields({ paymentId, wanted, want, refusals }: Props): JSX.Element {
  const [payment, setPayment] = useState<PaymentDocument | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const coins = [...new Set((payment?.transfers ?? []).filter(({ confirmed }) => confirmed).map(({ asset }) => asset))];
  useEffect(() => {
    get<PaymentDocument>(`/api/payments/${encodeURIComponent(paymentId)}`).then(
      (found) => {
        setPayment(found);
        want(wanted.key === "" ? suggested(found) : still(wanted, found));
      },
      (error: unknown) => setProblem(error instanceof Problem ? error.detail : "It cannot be looked up."),
    );
  }, [paymentId, refusals]);
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
      {takingMoney(payment).map(({ refundId, amount, currency, reason, status }) => (
        <p key={refundId} class="soft">
          Opened before: {agreed(amount, currency)} <StateMark status={status} /> {reason}
        </p>
      ))}
      {payment.refundable.length > 1 && (
        <label class="field">
          <span>Of what</span>
          <select
            value={payment.refundable.findIndex((one) => one.of === wanted.pool?.of && one.sellerId === wanted.pool.sellerId)}
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
