/** Which page this is, by its address. Each brings only what it needs. */

import "./styles/base.css";
import { render } from "preact";
import { takeTokenFromAddress } from "./net/token";

takeTokenFromAddress();

async function open(root: HTMLElement): Promise<void> {
  const [kind, id] = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  if (kind === "pay" && id !== undefined) {
    const { PaymentPage } = await import("./pages/PaymentPage");
    render(<PaymentPage paymentId={id} />, root);
  } else if (kind === "checkout" && id !== undefined) {
    const { CheckoutPage } = await import("./pages/CheckoutPage");
    render(<CheckoutPage checkoutId={id} />, root);
  } else if (kind === "sales" || kind === "orders") {
    const { OwnPage } = await import("./pages/OwnPage");
    render(<OwnPage side={kind === "sales" ? "seller" : "buyer"} />, root);
  } else if (kind === undefined) {
    const { StartPage } = await import("./pages/StartPage");
    render(<StartPage />, root);
  } else {
    const { Console } = await import("./console/Console");
    render(<Console />, root);
  }
}

const root = document.getElementById("page");
if (root !== null) void open(root);
