/** The transactions of a payment, each with a link to the chain's explorer where there is one. */

import type { JSX } from "preact";
import { money } from "../model/amounts";
import type { PaymentDocument } from "../model/documents";
import { explorerLink, shortened } from "../model/payment-links";
import type { Fixed } from "../words/catalogue";
import { CopyButton } from "./CopyButton";
import { OutIcon } from "./icons";
import { useWords } from "./speaking";

interface Line {
  txHash: string;
  amount: string;
  asset: string;
  state: Fixed;
}

const STAGES = {
  seen: "inNoBlock",
  mined: "confirming",
  final: "final",
  reorganised: "blockGone",
  dropped: "dropped",
  failed: "countsNot",
} as const;

function linesOf(payment: PaymentDocument): Line[] {
  const sighted = new Map(payment.sightings.map((sighting) => [sighting.txHash, sighting]));
  const transfers = payment.transfers.map(({ txHash, amount, asset, confirmed }): Line => {
    const stage = sighted.get(txHash)?.stage;
    return { txHash, amount, asset, state: stage ? STAGES[stage] : confirmed ? "arrived" : "onItsWay" };
  });
  const shown = new Set(transfers.map(({ txHash }) => txHash));
  const others = payment.sightings
    .filter(({ txHash }) => !shown.has(txHash))
    .map(({ txHash, amount, asset, stage }) => ({ txHash, amount, asset, state: STAGES[stage] }));
  return [...transfers, ...others];
}

export function Transactions({ payment, explorer }: { payment: PaymentDocument; explorer: string | null }): JSX.Element | null {
  const words = useWords();
  const lines = linesOf(payment);
  if (lines.length === 0) return null;
  return (
    <section class="transactions" aria-labelledby="transactions-heading">
      <h3 id="transactions-heading">{words.count("transactions", lines.length)}</h3>
      <ul>
        {lines.map((line, number) => {
          const link = explorerLink(explorer, line.txHash);
          return (
            <li key={`${line.txHash} ${number}`}>
              <bdi class="transaction-amount" dir="ltr">
                {money(line.amount, line.asset)}
              </bdi>
              <span class="transaction-state">{words.say(line.state)}</span>
              {link === null ? (
                <code dir="ltr" title={line.txHash}>
                  {shortened(line.txHash)}
                </code>
              ) : (
                <a href={link} target="_blank" rel="noreferrer" title={line.txHash}>
                  <code dir="ltr">{shortened(line.txHash)}</code> <OutIcon />
                  <span class="unseen"> {words.say("inExplorer")}</span>
                </a>
              )}
              <CopyButton text={line.txHash} label={words.say("copyHash")} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
