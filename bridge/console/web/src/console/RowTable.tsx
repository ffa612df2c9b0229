/**
 * The long table: a grid of which only the rows in sight are in the page. The grid itself has the focus, and the arrow
 * keys lead through its rows; Enter opens one.
 */

import "../styles/table.css";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { inSight, scrolledTo, stepped } from "../model/window";
import { useStore } from "../net/store";
import { useNow } from "../parts/clock";
import { type Column, columnsOf } from "./columns";
import { desk } from "./desk";
import { goTo } from "./router";
import type { Row } from "./table";

const WIDE = "(min-width: 60rem)";
const ROW_PX = { wide: 48, narrow: 92 };
const FLASH_MS = 2_000;
/** Where the table was, for whoever comes back to it from a row's page. */
const remembered = { view: "", scrollTop: 0, active: 0 };

export function RowTable(): JSX.Element {
  const { filters, rows, isLoading } = useStore(desk.table.state);
  const { view } = filters;
  const now = useNow(1_000);
  const isWide = useMedia(WIDE);
  const rowHeight = isWide ? ROW_PX.wide : ROW_PX.narrow;
  const grid = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ scrollTop: 0, height: 600 });
  const [active, setActive] = useState(() => (remembered.view === view ? remembered.active : 0));
  const columns = columnsOf(view);
  const count = rows.total;
  const { first, end } = inSight(count, rowHeight, seen.scrollTop, seen.height);
  const shown = Array.from({ length: end - first }, (_, place) => first + place);
  const current = Math.min(active, Math.max(count - 1, 0));
  const isActiveShown = count > 0 && current >= first && current < end;

  useLayoutEffect(() => {
    const box = grid.current;
    if (box === null) return;
    const look = (): void => {
      setSeen({ scrollTop: box.scrollTop, height: box.clientHeight - (head.current?.offsetHeight ?? 0) });
      if (box.scrollTop > 0 || remembered.view === view) remembered.scrollTop = box.scrollTop;
    };
    if (remembered.view === view) box.scrollTop = remembered.scrollTop;
    else Object.assign(remembered, { view, scrollTop: 0, active: 0 });
    look();
    box.addEventListener("scroll", look, { passive: true });
    const resized = new ResizeObserver(look);
    resized.observe(box);
    return () => {
      box.removeEventListener("scroll", look);
      resized.disconnect();
    };
  }, [view]);

  useEffect(() => {
    if (end > rows.ids.length && rows.next !== null) void desk.table.reach(end);
  }, [end, rows]);

  const open = (row: number): void => {
    const id = rows.ids[row];
    if (id !== undefined) goTo(`/ops/${view}/${encodeURIComponent(id)}`);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      open(current);
      return;
    }
    const to = stepped(event.key, current, count, Math.max(Math.floor(seen.height / rowHeight) - 1, 1));
    const box = grid.current;
    if (to === null || box === null) return;
    event.preventDefault();
    box.scrollTop = scrolledTo(to, rowHeight, box.scrollTop, seen.height);
    remembered.active = to;
    setActive(to);
  };
  const name = view === "payouts" ? "Payouts" : "Payments";
  return (
    <div
      ref={grid}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label={`${name}, newest first. Arrow keys lead through the rows, Enter opens one.`}
      aria-rowcount={count + 1}
      aria-colcount={columns.length}
      aria-busy={isLoading}
      {...(isActiveShown ? { "aria-activedescendant": `row-${current}` } : {})}
      onKeyDown={pressed}
    >
      <div role="rowgroup" class="grid-head" ref={head}>
        <div role="row" aria-rowindex={1} class="grid-row">
          {columns.map((column) => (
            <div role="columnheader" key={column.area} class={`cell is-${column.area}`}>
              {column.name}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" class="grid-body" style={{ height: `${count * rowHeight}px` }}>
        {shown.map((row) => {
          const id = rows.ids[row];
          return (
            <GridRow
              key={id ?? `row ${row}`}
              number={row}
              top={row * rowHeight}
              row={id === undefined ? undefined : rows.byId.get(id)}
              columns={columns}
              changedAt={id === undefined ? undefined : rows.changes.get(id)}
              isActive={row === current}
              now={now}
              choose={() => {
                remembered.active = row;
                setActive(row);
              }}
              open={() => open(row)}
            />
          );
        })}
      </div>
    </div>
  );
}

interface GridRowProps {
  number: number;
  top: number;
  row: Row | undefined;
  columns: Column<Row>[];
  changedAt: number | undefined;
  isActive: boolean;
  now: number;
  choose: () => void;
  open: () => void;
}

function GridRow({ number, top, row, columns, changedAt, isActive, now, choose, open }: GridRowProps): JSX.Element {
  const isFresh = changedAt !== undefined && now - changedAt < FLASH_MS;
  return (
    <div
      role="row"
      id={`row-${number}`}
      class={`grid-row${isActive ? " is-active" : ""}${row === undefined ? " is-empty" : ""}`}
      aria-rowindex={number + 2}
      style={{ transform: `translateY(${top}px)` }}
      onClick={choose}
      onDblClick={open}
    >
      {columns.map((column) => (
        <div role="gridcell" key={column.area} class={`cell is-${column.area}`}>
          {row === undefined ? "…" : column.cell(row, now)}
        </div>
      ))}
      {isFresh && <div key={changedAt} class="flash" role="presentation" />}
    </div>
  );
}

function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const change = (): void => setHolds(media.matches);
    change();
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, [query]);
  return holds;
}
