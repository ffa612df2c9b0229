/** A table that may be wider than the page, and is then moved sideways, with the keyboard too. */

import type { ComponentChildren, JSX } from "preact";

export function WideTable({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="wide-table" tabIndex={0} role="region" aria-label={label}>
      <table>{children}</table>
    </div>
  );
}
