/** The transactions of a payment, each with a link to the chain's explorer where there is one. */

import type { JSX } from "preact";
import { money } from "../model/amounts";
import type { PaymentDocument } from "../model/documents";
import { explorerLink, shortened } from "../model/payment-links";
import { CopyButton } from "./CopyButton";
import { OutIcon } from "./icons";

interface Line {
  txHash: string;
  amount: string;
  asset: string;
  state: string;
}

const STAGES = {
  seen: "no block holds it yet",
  mined: "confirming",
  final: "final",
  reorganised: "its block was taken back",
  dropped: "dropped",
  failed: "does not count",
} as const;

function linesOf(payment: PaymentDocument): Line[] {
  const sighted = new Map(payment.sightings.map((sighting) => [sighting.txHash, sighting]));
  const transfers = payment.transfers.map(({ txHash, amount, asset, confirmed }) => {
    const stage = sighted.get(txHash)?.stage;
    return { txHash, amount, asset, state: stage ? STAGES[stage] : confirmed ? "arrived" : "on its way" };
  });
  const shown = new Set(transfers.map(({ txHash }) => txHash));
  const others = payment.sightings
    .filter(({ txHash }) => !shown.has(txHash))
    .map(({ txHash, amount, asset, stage }) => ({ txHash, amount, asset, state: STAGES[stage] }));
  return [...transfers, ...others];
}

export function Transactions({ payment, explorer }: { payment: PaymentDocument; explorer: string | null }): JSX.Element | null {
  const lines = linesOf(payment);
  if (lines.length === 0) return null;
  return (
    <section class="transactions" aria-labelledby="transactions-heading">
      <h3 id="transactions-heading">{lines.length === 1 ? "Transaction" : "Transactions"}</h3>
      <ul>
        {lines.map((line, number) => {
          const link = explorerLink(explorer, line.txHash);
          return (
            <li key={`${line.txHash} ${number}`}>
              <span class="transaction-amount">{money(line.amount, line.asset)}</span>
              <span class="transaction-state">{line.state}</span>
              {link === null ? (
                <code title={line.txHash}>{shortened(line.txHash)}</code>
              ) : (
                <a href={link} target="_blank" rel="noreferrer" title={line.txHash}>
                  <code>{shortened(line.txHash)}</code> <OutIcon />
                  <span class="unseen"> in the explorer, in a new tab</span>
                </a>
              )}
              <CopyButton text={line.txHash} what="the transaction hash" />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
