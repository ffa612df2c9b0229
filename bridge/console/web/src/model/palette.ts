/** What the console's palette leads to: its pages, what needs a person, and the payouts and payments that are found. */

import { agreed } from "./amounts";
import { KINDS, storyPath } from "./attention";
import type { AttentionItem, PaymentRow, PayoutRow } from "./ops-documents";
import { statusName } from "./statuses";

export interface Goal {
  /** What it is, in a word or two. */
  kind: string;
  name: string;
  about: string;
  path: string;
}

const PAGES: readonly Goal[] = [
  { kind: "Page", name: "Money", about: "what needs a person, payouts, payments", path: "/ops" },
  { kind: "Page", name: "Books", about: "totals, statements, wallets", path: "/ops/books" },
  { kind: "Page", name: "System", about: "how the bridge is", path: "/ops/system" },
  { kind: "Page", name: "Connections", about: "who is connected, access", path: "/ops/connections" },
  { kind: "Page", name: "Endpoints", about: "webhooks to services", path: "/ops/endpoints" },
];

/** As many of what needs a person as leave room for all else. */
const ITEMS_SHOWN = 6;

export const KEYS: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ["Ctrl K", "⌘ K"], does: "Find a page, a payout, a payment or what needs a person" },
  { keys: ["?"], does: "Show these keys" },
  { keys: ["↑", "↓"], does: "Go through a table, or through what was found" },
  { keys: ["Page Up", "Page Down", "Home", "End"], does: "Go through a table faster" },
  { keys: ["Enter"], does: "Open the row, or what was found" },
  { keys: ["Esc"], does: "Close what is in front" },
];

/** What there is to go to without asking the bridge: whatever has each word of a text. */
export function known(text: string, items: readonly AttentionItem[]): Goal[] {
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  const has = ({ kind, name, about, path }: Goal): boolean => {
    const all = `${kind} ${name} ${about} ${path}`.toLowerCase();
    return parts.every((part) => all.includes(part));
  };
  const needed = parts.length === 0 ? [] : items.map(itemGoal).filter(has).slice(0, ITEMS_SHOWN);
  return [...PAGES.filter(has), ...needed];
}

function itemGoal(item: AttentionItem): Goal {
  return { kind: KINDS[item.kind], name: item.title, about: item.detail, path: storyPath(item) ?? "/ops" };
}

export function payoutGoal({ payoutId, amount, coin, sellerId, buyerId, status }: PayoutRow): Goal {
  const whom = buyerId ?? sellerId;
  return {
    kind: buyerId === null ? "Payout" : "Refund",
    name: agreed(amount, coin),
    about: `to ${whom}, ${statusName(status)}, ${payoutId}`,
    path: `/ops/payouts/${encodeURIComponent(payoutId)}`,
  };
}

export function paymentGoal({ paymentId, amount, currency, requestId, buyerId, status }: PaymentRow): Goal {
  return {
    kind: "Payment",
    name: agreed(amount, currency),
    about: `by ${buyerId} for ${requestId}, ${statusName(status)}, ${paymentId}`,
    path: `/ops/payments/${encodeURIComponent(paymentId)}`,
  };
}
