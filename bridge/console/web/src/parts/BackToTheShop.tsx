/** The way back to the shop, whose host a buyer can read before going there. */

import type { JSX } from "preact";
import type { PaymentDocument } from "../model/documents";
import { shopOf } from "../model/payment-links";

export function BackToTheShop({ payment, isPrimary = false }: { payment: PaymentDocument; isPrimary?: boolean }): JSX.Element | null {
  const shop = shopOf(payment);
  if (shop === null) return null;
  return (
    <p class="to-shop">
      <a class={`button${isPrimary ? " primary" : ""}`} href={shop.url} rel="noopener noreferrer">
        Back to the shop
      </a>
      <span class="to-shop-host">{shop.host}</span>
    </p>
  );
}
