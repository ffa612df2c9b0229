/** What the bridge refused, or why it did not answer, to whoever looks at a page of buyers and sellers. */

import type { Fixed } from "../words/catalogue";
import type { Words } from "../words/words";

export interface Refusal {
  /** The answer's status; 0 where there was none. */
  status: number;
  /** In the bridge's own words. */
  detail: string;
  /** What is wrong with one field, in the bridge's own words; null if nothing is. */
  of: (field: string) => string | null;
  /** One word for what is wrong with one field, where it has one. */
  codeOf: (field: string) => string | null;
}

const OF_DESTINATIONS: Readonly<Record<string, Fixed>> = {
  not_an_address: "noAddress",
  mistyped: "mistyped",
  other_network: "otherNetwork",
  own_address: "ownAddress",
  not_payable: "unusableAddress",
};

/** In English in the bridge's own words, which are the most exact; in another language by its codes. */
export function refusalWords(words: Words, refusal: Refusal, field: "destination" | null = null): string {
  const own = words.ofTheBridge((field === null ? null : refusal.of(field)) ?? refusal.detail);
  if (own !== null) return own;
  if (field === null || refusal.of(field) === null) return words.say(ofStatus(refusal.status));
  return words.say(OF_DESTINATIONS[refusal.codeOf(field) ?? ""] ?? "noAddress");
}

function ofStatus(status: number): Fixed {
  if (status === 0) return "noAnswer";
  if (status === 429) return "tooMany";
  if (status >= 500) return "bridgeFailed";
  if (status === 401 || status === 403) return "notAllowed";
  if (status === 404) return "noSuchPayment";
  return status === 409 ? "notNow" : "notAccepted";
}
