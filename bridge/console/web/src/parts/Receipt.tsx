/** What a buyer prints, or keeps as a file, once a payment is complete: on paper nothing else of the page is seen. */

import "../styles/receipt.css";
import type { JSX } from "preact";
import { agreed } from "../model/amounts";
import type { PaymentDocument } from "../model/documents";
import { shopOf } from "../model/payment-links";
import { receiptLines } from "../model/receipt";
import { useShopUrl } from "./Brand";
import { useWords } from "./speaking";

export function Receipt({ payment }: { payment: PaymentDocument }): JSX.Element | null {
  const words = useWords();
  const shopUrl = useShopUrl();
  if (payment.status !== "completed") return null;
  const shop = shopOf(payment, shopUrl);
  return (
    <>
      <p class="to-print">
        <button type="button" class="button" onClick={() => window.print()}>
          {words.say("printReceipt")}
        </button>
      </p>
      <section class="receipt" aria-hidden="true">
        <h2>{words.say("receipt")}</h2>
        <p class="receipt-amount">
          <bdi dir="ltr">{agreed(payment.amount, payment.currency)}</bdi>
        </p>
        <dl>
          {receiptLines(words, payment, shop?.host ?? null).map(([name, value]) => (
            <div key={`${name} ${value}`}>
              <dt>
                <bdi>{name}</bdi>
              </dt>
              <dd>
                <bdi>{value}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  );
}
