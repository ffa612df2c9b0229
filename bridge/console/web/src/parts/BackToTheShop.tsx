/** The way back to the shop, whose host a buyer can read before going there. */

import type { JSX } from "preact";
import type { PaymentDocument } from "../model/documents";
import { shopOf } from "../model/payment-links";
import { useShopUrl } from "./Brand";
import { useWords } from "./speaking";

export function BackToTheShop({ payment, isPrimary = false }: { payment: PaymentDocument; isPrimary?: boolean }): JSX.Element | null {
  const words = useWords();
  const shopUrl = useShopUrl();
  const shop = shopOf(payment, shopUrl);
  if (shop === null) return null;
  return (
    <p class="to-shop">
      <a class={`button${isPrimary ? " primary" : ""}`} href={shop.url} rel="noopener noreferrer">
        {words.say("backToShop")}
      </a>
      <bdi class="to-shop-host" dir="ltr">
        {shop.host}
      </bdi>
    </p>
  );
}
