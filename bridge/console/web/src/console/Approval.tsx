/** A payout that waits for a second person: what is asked, by whom, and why it does not leave by itself. */

import type { ComponentChildren, JSX } from "preact";
import { agreed, money } from "../model/amounts";
import type { PayoutRow } from "../model/ops-documents";
import { moment } from "../model/times";

export function worthOf({ worth, worthCurrency }: PayoutRow): string {
  return worth === null || worthCurrency === null ? "not known" : money(worth, worthCurrency);
}

/** Who asked for it: the person, and the service that told of it where that is another name. */
export function askedBy({ askedBy, askedThrough }: PayoutRow): string {
  if (askedBy === null) return "nobody knows whom";
  return askedThrough === null || askedThrough === askedBy ? askedBy : `${askedBy}, through ${askedThrough}`;
}

export function Waiting({ row }: { row: PayoutRow }): JSX.Element {
  return (
    <>
      <p class="soft">Nothing is sent until a second person approves it:</p>
      <ul class="misfits">
        {row.approvalReasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </>
  );
}

/** All that whoever decides has to compare. */
export function Asked({ row }: { row: PayoutRow }): JSX.Element {
  const asked: [string, ComponentChildren][] = [
    ["Amount", agreed(row.amount, row.coin)],
    ["Worth", worthOf(row)],
    row.buyerId === null ? ["Seller", row.sellerId] : ["Buyer", row.buyerId],
    ["To", <code>{row.destination}</code>],
    ["Payment", row.paymentId],
    ["Asked by", askedBy(row)],
    ["Asked at", moment(row.createdAt)],
    ["Why it waits", row.approvalReasons.join("; ")],
  ];
  return (
    <dl class="asked">
      {asked.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="broken">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
