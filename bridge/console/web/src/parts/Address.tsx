/** An address in groups of four, for eyes to compare; a screen reader says it whole. */

import type { JSX } from "preact";
import { grouped } from "../model/payment-links";

export function Address({ address }: { address: string }): JSX.Element {
  return (
    <code class="address" dir="ltr" aria-label={address}>
      {grouped(address).map((group, number) => (
        <span key={number}>{group}</span>
      ))}
    </code>
  );
}
