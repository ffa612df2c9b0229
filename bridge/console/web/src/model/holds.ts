/** Holds of payouts: which of them a resumption ends, and which of these are new to whoever looks. */

import type { HoldItem } from "./ops-documents";

export type Resuming = "resume" | "resume-without-comparison";

/** Those that a person's resumption ends: that of the bridge stays while the books are compared, unless they go on without. */
export function endedBy(resuming: Resuming, holds: readonly HoldItem[]): HoldItem[] {
  return holds.filter(({ comparison }) => comparison !== "open" || resuming === "resume-without-comparison");
}

/** Whether the bridge holds payouts until it has compared the books. */
export function isComparing(holds: readonly HoldItem[]): boolean {
  return holds.some(({ comparison }) => comparison === "open");
}

/** What is missing from a restored journal, of the bridge's own hold; null where there is nothing to say. */
export function missingIn({ comparison, missingDecisions }: HoldItem): string | null {
  if (comparison === undefined || comparison === null || missingDecisions === 0) return null;
  if (missingDecisions === undefined || missingDecisions === null) return "No mark shows whether decisions of people are missing.";
  return missingDecisions === 1 ? "1 decision of people is missing." : `${missingDecisions} decisions of people are missing.`;
}
