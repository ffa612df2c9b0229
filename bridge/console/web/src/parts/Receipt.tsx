/** What a buyer prints, or keeps as a file, once a payment is complete: on paper nothing else of the page is seen. */

import "../styles/receipt.css";
import type { JSX } from "preact";
import { money } from "../model/amounts";
import type { PaymentDocument } from "../model/documents";
import { shopOf } from "../model/payment-links";
import { receiptLines } from "../model/receipt";
import { moment } from "../model/times";

export function Receipt({ payment }: { payment: PaymentDocument }): JSX.Element | null {
  if (payment.status !== "completed") return null;
  const shop = shopOf(payment);
  return (
    <>
      <p class="to-print">
        <button type="button" class="button" onClick={() => window.print()}>
          Print the receipt
        </button>
      </p>
      <section class="receipt" aria-hidden="true">
        <h2>Receipt</h2>
        <p class="receipt-amount">{money(payment.amount, payment.currency)}</p>
        <dl>
          {receiptLines(payment, shop?.host ?? null, moment).map(([name, value]) => (
            <div key={`${name} ${value}`}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  );
}
