/** `/checkout/{checkoutId}`: one payment for several purchases, and what each of them costs. */

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { agreed } from "../model/amounts";
import type { CheckoutDocument } from "../model/documents";
import type { Side } from "../model/payment-line";
import { useStore } from "../net/store";
import { heldToken, subjectOf } from "../net/token";
import { Amount } from "../parts/Amount";
import { useWords } from "../parts/speaking";
import { PayFrame } from "./PayFrame";
import { PaymentPanel } from "./PaymentPage";
import { joinPartyRooms, sideOf, watched } from "./paying";

export function CheckoutPage({ checkoutId }: { checkoutId: string }): JSX.Element {
  const checkout = useMemo(
    () =>
      watched<CheckoutDocument>({
        path: `/api/template-checkouts/${encodeURIComponent(checkoutId)}`,
        paymentOf: (document) => document.payment,
        withPayment: (document, payment) => ({ ...document, payment }),
        join: (rooms, document) => {
          rooms.join("join-template-checkout-room", checkoutId);
          joinPartyRooms(rooms, document.payment, side(document));
        },
      }),
    [checkoutId],
  );
  const words = useWords();
  const chains = useStore(checkout.chains);
  return (
    <PayFrame watched={checkout} title={words.say("checkout")}>
      {(document) => (
        <PaymentPanel
          payment={document.payment}
          side={side(document)}
          chains={chains}
          renewPrice={checkout.renewPrice}
          lookAgain={checkout.lookAgain}
        >
          <Shares checkout={document} side={side(document)} />
        </PaymentPanel>
      )}
    </PayFrame>
  );
}

function side({ payment, shares }: CheckoutDocument): Side {
  return sideOf(
    payment.buyerId,
    shares.map(({ sellerId }) => sellerId),
    location.search,
  );
}

function Shares({ checkout, side }: { checkout: CheckoutDocument; side: Side }): JSX.Element {
  const words = useWords();
  const { payment } = checkout;
  const { shares } = payment;
  const me = subjectOf(heldToken());
  const isOpen = ["pending", "confirming", "partially_paid"].includes(payment.status);
  const asked = !isOpen ? "amountForPurchases" : side === "buyer" ? "toPayForPurchases" : "buyerPaysForPurchases";
  return (
    <section class="asked">
      <h1>
        <span class="asked-label">{words.count(asked, shares.length)}</span>
        <Amount amount={payment.amount} currency={payment.currency} />
      </h1>
      <table class="shares">
        <caption class="unseen">{words.say("whatItIsFor")}</caption>
        <thead class="unseen">
          <tr>
            <th scope="col">{words.say("purchase")}</th>
            <th scope="col">{words.say("seller")}</th>
            <th scope="col">{words.say("amount")}</th>
          </tr>
        </thead>
        <tbody>
          {shares.map((share) => (
            <tr key={share.requestId} class={share.sellerId === me ? "is-mine" : ""}>
              <th scope="row">
                <bdi>{share.requestId}</bdi>
                {share.cancelled && <span class="share-cancelled">{words.say("stepCancelled")}</span>}
              </th>
              <td>
                <bdi>{share.sellerId === me ? words.say("you") : share.sellerId}</bdi>
              </td>
              <td class="number">
                <bdi dir="ltr">{agreed(share.amount, payment.currency)}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
