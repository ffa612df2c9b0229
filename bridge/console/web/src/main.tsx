/** Which page this is, by its address. Each brings only what it needs, and the words of one language. */

import "./styles/base.css";
import { type JSX, render } from "preact";
import { ownLanguage } from "./net/language";
import { takeTokenFromAddress } from "./net/token";
import { Speaking } from "./parts/speaking";
import { wordsIn } from "./words/words";

takeTokenFromAddress();

const [kind, id] = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
const isConsole = kind === "ops";

async function page(): Promise<JSX.Element> {
  if (kind === "pay" && id !== undefined) {
    const { PaymentPage } = await import("./pages/PaymentPage");
    return <PaymentPage paymentId={id} />;
  }
  if (kind === "checkout" && id !== undefined) {
    const { CheckoutPage } = await import("./pages/CheckoutPage");
    return <CheckoutPage checkoutId={id} />;
  }
  if (kind === "sales" || kind === "orders") {
    const { OwnPage } = await import("./pages/OwnPage");
    return <OwnPage side={kind === "sales" ? "seller" : "buyer"} />;
  }
  if (kind === undefined) {
    const { StartPage } = await import("./pages/StartPage");
    return <StartPage />;
  }
  const { Console } = await import("./console/Console");
  return <Console />;
}

async function open(root: HTMLElement): Promise<void> {
  const [shown, words] = await Promise.all([page(), wordsIn(isConsole ? "en" : ownLanguage())]);
  render(<Speaking words={words}>{shown}</Speaking>, root);
}

const root = document.getElementById("page");
if (root !== null) void open(root);
