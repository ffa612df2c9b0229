/** An amount with its currency set smaller; read aloud as one. */

import type { JSX } from "preact";
import { shown } from "../model/amounts";

export function Amount({ amount, currency }: { amount: string; currency: string }): JSX.Element {
  return (
    <bdi class="amount" dir="ltr">
      {shown(amount, currency)}
      <span class="currency">{`\u00a0${currency}`}</span>
    </bdi>
  );
}
