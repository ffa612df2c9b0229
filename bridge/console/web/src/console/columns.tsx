/** The columns of the table: what each shows of a payout or a payment. */

import type { ComponentChildren, JSX } from "preact";
import { agreed, inItsScale, isZero, withFee } from "../model/amounts";
import type { PaymentRow, PayoutRow } from "../model/ops-documents";
import type { View } from "../model/filters";
import { shortened } from "../model/payment-links";
import { age, moment } from "../model/times";
import { StateMark } from "./marks";
import { Link } from "./router";
import type { Row } from "./table";

export interface Column<Shown extends Row> {
  name: string;
  /** Its place in the layout of a row, wide and narrow. */
  area: string;
  cell: (row: Shown, now: number) => ComponentChildren;
}

function TwoLines({ first, second }: { first: ComponentChildren; second: ComponentChildren }): JSX.Element {
  return (
    <span class="two-lines">
      <span>{first}</span>
      <span class="soft">{second}</span>
    </span>
  );
}

function confirmationsOf({ confirmations, requiredConfirmations }: Row): string {
  if (confirmations === null) return "–";
  return requiredConfirmations === null ? `${confirmations}` : `${confirmations} of ${requiredConfirmations}`;
}

const ageColumn: Column<Row> = {
  name: "Age",
  area: "age",
  cell: (row, now) => (
    <time dateTime={row.createdAt} title={moment(row.createdAt)}>
      {age(row.createdAt, now)}
    </time>
  ),
};

const PAYOUTS: Column<PayoutRow>[] = [
  { name: "State", area: "state", cell: (row) => <StateMark status={row.status} isOverdue={row.overdue} /> },
  {
    name: "Payout and task",
    area: "id",
    cell: (row) => (
      <TwoLines
        first={
          <Link href={`/ops/payouts/${encodeURIComponent(row.payoutId)}`} tabIndex={-1}>
            {shortened(row.payoutId, 5)}
          </Link>
        }
        second={row.taskId === null || row.taskId === row.payoutId ? "no task yet" : shortened(row.taskId, 5)}
      />
    ),
  },
  {
    name: "To whom",
    area: "who",
    cell: (row) =>
      row.buyerId === null ? <span class="clipped">{row.sellerId}</span> : <TwoLines first={row.buyerId} second="a refund" />,
  },
  { name: "Amount", area: "amount", cell: (row) => <OfCoin amount={row.amount} coin={row.coin} /> },
  {
    name: "Provider",
    area: "provider",
    cell: (row) => <TwoLines first={row.provider} second={row.chain === null ? "no chain" : `on ${row.chain}`} />,
  },
  { name: "Confirmed", area: "confirmations", cell: confirmationsOf },
  { name: "On chain", area: "chain", cell: (row) => (row.verification === null ? "not watched" : row.verification) },
  ageColumn,
];

const PAYMENTS: Column<PaymentRow>[] = [
  { name: "State", area: "state", cell: (row) => <StateMark status={row.status} /> },
  {
    name: "Payment and request",
    area: "id",
    cell: (row) => (
      <TwoLines
        first={
          <Link href={`/ops/payments/${encodeURIComponent(row.paymentId)}`} tabIndex={-1}>
            {shortened(row.paymentId, 5)}
          </Link>
        }
        second={row.requestId}
      />
    ),
  },
  {
    name: "Buyer and seller",
    area: "who",
    cell: (row) => <TwoLines first={row.buyerId} second={<>to {row.sellerId}</>} />,
  },
  {
    name: "Amount",
    area: "amount",
    cell: (row) =>
      row.status === "partially_paid" ? (
        <TwoLines first={agreed(row.amount, row.currency)} second={<>{withFee(row.missing, row.missingFee, row.currency)} missing</>} />
      ) : !isZero(row.refunded) ? (
        <TwoLines first={agreed(row.amount, row.currency)} second={<>{agreed(row.refunded, row.currency)} back</>} />
      ) : !isZero(row.excess) ? (
        <TwoLines first={agreed(row.amount, row.currency)} second={<>{agreed(row.excess, row.currency)} too much</>} />
      ) : (
        agreed(row.amount, row.currency)
      ),
  },
  { name: "Provider", area: "provider", cell: (row) => row.provider },
  { name: "Confirmed", area: "confirmations", cell: confirmationsOf },
  { name: "Escrow", area: "chain", cell: (row) => (row.late ? `${row.escrowState}, late` : row.escrowState) },
  ageColumn,
];

/** An amount that breaks before its coin at most, and never within either. */
function OfCoin({ amount, coin }: { amount: string; coin: string }): JSX.Element {
  return (
    <>
      <span class="whole">{inItsScale(amount, coin)}</span> <span class="whole">{coin}</span>
    </>
  );
}

export function columnsOf(view: View): Column<Row>[] {
  return (view === "payouts" ? PAYOUTS : PAYMENTS) as Column<Row>[];
}
