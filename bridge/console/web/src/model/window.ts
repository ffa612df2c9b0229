/** Which rows of a long table are worth having in the page: those in sight, and a few beyond. */

export interface InSight {
  first: number;
  /** Exclusive. */
  end: number;
}

export function inSight(count: number, rowHeight: number, scrollTop: number, height: number, beyond = 8): InSight {
  const first = Math.max(Math.floor(scrollTop / rowHeight) - beyond, 0);
  const end = Math.min(Math.ceil((scrollTop + height) / rowHeight) + beyond, count);
  return { first: Math.min(first, count), end: Math.max(end, Math.min(first, count)) };
}

/** Where to scroll so that a row is in sight; what is in sight already stays where it is. */
export function scrolledTo(row: number, rowHeight: number, scrollTop: number, height: number): number {
  const [top, bottom] = [row * rowHeight, (row + 1) * rowHeight];
  if (top < scrollTop) return top;
  if (bottom > scrollTop + height) return bottom - height;
  return scrollTop;
}

/** The row that a key leads to; null if it leads nowhere. */
export function stepped(key: string, row: number, count: number, pageRows: number): number | null {
  const steps: Record<string, number> = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    PageDown: row + pageRows,
    PageUp: row - pageRows,
    Home: 0,
    End: count - 1,
  };
  const to = steps[key];
  return to === undefined || count === 0 ? null : Math.min(Math.max(to, 0), count - 1);
}
