/** `/ops`: what needs a person, what was completed, and the payouts and payments as they move. */

import "../styles/overview.css";
import type { JSX } from "preact";
import { areSet, NO_FILTERS } from "../model/filters";
import { useStore } from "../net/store";
import { Empty, Failed, Loading } from "../parts/Notice";
import { AttentionList } from "./AttentionList";
import { desk } from "./desk";
import { apply, FilterBar, Tabs } from "./FilterBar";
import { Heading } from "./Heading";
import { RowTable } from "./RowTable";
import { Totals } from "./Totals";

export function Overview(): JSX.Element {
  return (
    <div class="overview">
      <Heading title="Payouts and payments" class="unseen">
        Payouts and payments
      </Heading>
      <AttentionList />
      <div class="overview-main">
        <Totals />
        <section class="overview-table" aria-label="All payouts and payments">
          <Tabs />
          <FilterBar />
          <Unreadables />
          <TableOrWhy />
        </section>
      </div>
    </div>
  );
}

/** What of the list the bridge cannot read, which would be missed without a word. */
function Unreadables(): JSX.Element | null {
  const { unreadable } = useStore(desk.table.state).rows;
  if (unreadable.length === 0) return null;
  return (
    <ul class="unreadables" aria-label="What cannot be read">
      {unreadable.map((one) => (
        <li key={one.id}>
          <strong>{one.detail}</strong> {one.advice}
        </li>
      ))}
    </ul>
  );
}

function TableOrWhy(): JSX.Element {
  const { filters, rows, isLoading, problem } = useStore(desk.table.state);
  if (problem !== null && rows.ids.length === 0) {
    return <Failed error={problem} retry={() => void desk.table.reload().catch(() => undefined)} />;
  }
  if (rows.ids.length > 0) return <RowTable />;
  if (isLoading) return <Loading>{`Loading ${filters.view} …`}</Loading>;
  if (areSet(filters)) {
    return (
      <Empty>
        <p>Nothing fits these filters.</p>
        <button type="button" onClick={() => apply({ ...NO_FILTERS, view: filters.view })}>
          Clear filters
        </button>
      </Empty>
    );
  }
  return (
    <Empty>
      <p>
        {filters.view === "payouts"
          ? "No payout was asked for yet. The marketplace asks for one with POST /api/payouts; it appears here at once."
          : "No payment was registered yet. The marketplace registers one with POST /api/payments; it appears here at once."}
      </p>
    </Empty>
  );
}
