/** An amount that was agreed, in its scale, with its currency set smaller; read aloud as one. */

import type { JSX } from "preact";
import { inItsScale } from "../model/amounts";

interface Props {
  amount: string;
  currency: string;
}

export function Amount({ amount, currency }: Props): JSX.Element {
  return (
    <bdi class="amount" dir="ltr">
      {inItsScale(amount, currency)}
      <span class="currency">{`\u00a0${currency}`}</span>
    </bdi>
  );
}
