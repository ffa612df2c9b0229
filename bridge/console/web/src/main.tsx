/** Which page this is, by its address. */

import "./styles/base.css";
import "./styles/pay.css";
import { render } from "preact";
import { CheckoutPage } from "./pages/CheckoutPage";
import { PaymentPage } from "./pages/PaymentPage";
import { takeTokenFromAddress } from "./net/token";

takeTokenFromAddress();

const [kind, id] = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
const root = document.getElementById("page");
if (root !== null) {
  if (kind === "pay" && id !== undefined) render(<PaymentPage paymentId={id} />, root);
  else if (kind === "checkout" && id !== undefined) render(<CheckoutPage checkoutId={id} />, root);
}
