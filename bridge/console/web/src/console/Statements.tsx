/** A seller's statement of a month, and its lines as a file. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { agreed } from "../model/amounts";
import { feeLines, type Statement, type StatementFigures, statementLines } from "../model/books";
import { dayOf, OWN_ZONE } from "../model/times";
import { download, get } from "../net/rest";
import { Failed } from "../parts/Notice";

export function Statements(): JSX.Element {
  const [sellerId, setSellerId] = useState("");
  const [month, setMonth] = useState(() => dayOf(Date.now()).slice(0, 7));
  const [statement, setStatement] = useState<Statement | null>(null);
  const [problem, setProblem] = useState<unknown>(null);

  const look = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      setStatement(await get<Statement>(`/api/ops/statement?${queryOf(sellerId.trim(), month)}`));
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <section class="bridges" aria-labelledby="statement-heading">
      <h2 id="statement-heading">A seller's statement</h2>
      <form class="connection-search" onSubmit={(event) => void look(event)}>
        <label>
          Seller
          <input required value={sellerId} spellcheck={false} autoComplete="off" onInput={(event) => setSellerId(event.currentTarget.value)} />
        </label>
        <label>
          Month
          <input required value={month} pattern="[0-9]{4}-[0-9]{2}" placeholder="2026-11" onInput={(event) => setMonth(event.currentTarget.value)} />
        </label>
        <button type="submit">Show</button>
      </form>
      {problem !== null && <Failed error={problem} />}
      <div role="status">{statement !== null && problem === null && <Found statement={statement} />}</div>
    </section>
  );
}

function Found({ statement }: { statement: Statement }): JSX.Element {
  const { sellerId, month, currencies, timeZone, networkFees } = statement;
  const save = (form: string): void =>
    void download(`/api/ops/statement.${form}?${queryOf(sellerId, month)}`, `statement-${sellerId}-${month}.${form}`);
  if (currencies.length === 0) return <p class="soft">Nothing was sold for {sellerId} in {month}, and nothing is owed.</p>;
  return (
    <>
      <p class="soft">
        {sellerId}, {month}, days of {timeZone}. Each line:{" "}
        {["csv", "xlsx"].map((form) => (
          <button key={form} type="button" class="quiet" onClick={() => save(form)}>
            {form.toUpperCase()}
          </button>
        ))}
      </p>
      {currencies.map((one) => (
        <OfCurrency key={one.currency} figures={one} />
      ))}
      {feeLines(networkFees).map((line) => (
        <p key={line} class="soft">
          {line}
        </p>
      ))}
    </>
  );
}

function OfCurrency({ figures }: { figures: StatementFigures }): JSX.Element {
  return (
    <table>
      <caption class="unseen">In {figures.currency}</caption>
      <tbody>
        {statementLines(figures).map(({ name, amount, isSum }) => (
          <tr key={name}>
            <th scope="row">{isSum ? <strong>{name}</strong> : name}</th>
            <td class="number">{isSum ? <strong>{agreed(amount, figures.currency)}</strong> : agreed(amount, figures.currency)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function queryOf(sellerId: string, month: string): string {
  return new URLSearchParams({ sellerId, month, timeZone: OWN_ZONE }).toString();
}
