/** An amount with its currency set smaller; read aloud as one. */

import type { JSX } from "preact";
import { inItsScale, shown } from "../model/amounts";

interface Props {
  amount: string;
  currency: string;
  /** Whether it stays in the scale in which it was agreed. */
  asAgreed?: boolean;
}

export function Amount({ amount, currency, asAgreed = false }: Props): JSX.Element {
  return (
    <bdi class="amount" dir="ltr">
      {asAgreed ? inItsScale(amount) : shown(amount, currency)}
      <span class="currency">{`\u00a0${currency}`}</span>
    </bdi>
  );
}
