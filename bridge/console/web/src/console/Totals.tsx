/** What was completed on each day, one small chart for each currency, and the same as a table. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { money } from "../model/amounts";
import type { DayTotal } from "../model/ops-documents";
import { day, dayOf, OWN_ZONE } from "../model/times";
import { type Chart, charts } from "../model/totals";
import { useStore } from "../net/store";
import { Failed } from "../parts/Notice";
import { useNow } from "../parts/clock";
import { desk, TOTAL_DAYS } from "./desk";

const KINDS = ["payouts", "netSales", "refunds"] as const;
/** The currencies with the most of each kind; the table has them all. */
const CHARTS_OF_A_KIND = 2;
const KIND_NAMES = { payouts: "Paid out", netSales: "Sold, net of refunds", refunds: "Refunded" } as const;

export function Totals(): JSX.Element | null {
  const { answer, problem } = useStore(desk.totals);
  const [isTable, setIsTable] = useState(false);
  const today = dayOf(useNow(60_000));
  if (problem !== null && answer === null) return <Failed error={problem} retry={() => void desk.askTotals()} />;
  if (answer === null) return null;
  const all = KINDS.flatMap((kind) => charts(answer, kind, TOTAL_DAYS, today));
  const shown = KINDS.flatMap((kind) => all.filter((chart) => chart.kind === kind).slice(0, CHARTS_OF_A_KIND));
  const isEmpty = all.length === 0;
  return (
    <section class="totals" aria-labelledby="totals-heading">
      <div class="totals-head">
        <h2 id="totals-heading">Completed in {TOTAL_DAYS} days</h2>
        <span class="soft">days of {OWN_ZONE}</span>
        {!isEmpty && (
          <button type="button" class="quiet" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
            As a table
          </button>
        )}
      </div>
      {isEmpty && <p class="soft">Nothing yet. Each day's total stands here, by currency.</p>}
      {!isEmpty && (
        <p class="soft">
          The same for a spreadsheet:{" "}
          {(["csv", "xlsx"] as const).map((form) => (
            <button type="button" class="quiet" key={form} onClick={() => void desk.exportTotals(form)}>
              {form.toUpperCase()}
            </button>
          ))}
        </p>
      )}
      {isTable ? (
        <TotalsTable totals={answer} />
      ) : (
        <div class="charts">
          {shown.map((chart) => (
            <DayChart key={`${chart.kind} ${chart.currency}`} chart={chart} />
          ))}
        </div>
      )}
      {!isTable && shown.length < all.length && (
        <p class="soft">{all.length - shown.length} more currencies are in the table.</p>
      )}
    </section>
  );
}

const HEIGHT = 44;
const STEP = 20;
const BAR = 14;

function DayChart({ chart }: { chart: Chart }): JSX.Element {
  const name = `${KIND_NAMES[chart.kind]}, ${chart.currency}`;
  const days = chart.days.filter(({ count }) => count > 0);
  const most = days.reduce((best, one) => (one.height > best.height ? one : best), days[0] ?? chart.days[0]!);
  const width = STEP * chart.days.length;
  return (
    <figure class="chart">
      <figcaption>
        <span>{KIND_NAMES[chart.kind]}</span>
        <span class="number">{money(chart.total, chart.currency)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${HEIGHT + 1}`}
        role="img"
        aria-label={`${name}: ${money(chart.total, chart.currency)} on ${days.length} of ${chart.days.length} days, most on ${day(most.date)} with ${money(most.amount, chart.currency)}. The table has each day.`}
      >
        <line class="axis" x1="0" x2={width} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
        {chart.days.map((one, place) => {
          const height = one.count > 0 ? Math.max(one.height * HEIGHT, 2) : 0;
          return (
            <g key={one.date}>
              <title>{`${day(one.date)}: ${money(one.amount, chart.currency)}, ${one.count}`}</title>
              <rect class="reach" x={place * STEP} y="0" width={STEP} height={HEIGHT} />
              <rect
                class={place === chart.days.length - 1 ? "bar is-today" : "bar"}
                x={place * STEP + (STEP - BAR) / 2}
                y={HEIGHT - height}
                width={BAR}
                height={height}
                rx="1.5"
              />
            </g>
          );
        })}
      </svg>
      <p class="chart-days" aria-hidden="true">
        <span>{day(chart.days[0]?.date ?? "")}</span>
        <span>today</span>
      </p>
    </figure>
  );
}

function TotalsTable({ totals }: { totals: readonly DayTotal[] }): JSX.Element {
  const rows = [...totals].sort((one, other) => other.date.localeCompare(one.date) || one.currency.localeCompare(other.currency));
  const amounts = { sales: "Sold", refunds: "Refunded", netSales: "Net", payouts: "Paid out" } as const;
  const columns = Object.keys(amounts) as (keyof typeof amounts)[];
  return (
    <div class="scrolled" tabIndex={0} role="region" aria-label="Totals by day">
      <table>
        <caption class="unseen">What was completed, by day ({OWN_ZONE}) and currency</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Currency</th>
            <th scope="col" class="number">
              Sales
            </th>
            {columns.map((column) => (
              <th scope="col" class="number" key={column}>
                {amounts[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.date} ${row.currency}`}>
              <th scope="row">{day(row.date)}</th>
              <td>{row.currency}</td>
              <td class="number">{row.salesCount}</td>
              {columns.map((column) => (
                <td class="number" key={column}>
                  {money(row[column], row.currency)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
