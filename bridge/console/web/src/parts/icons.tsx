/** The few signs that the pages use, drawn here. They say nothing to a screen reader; words stand beside them. */

import type { ComponentChildren, JSX } from "preact";

function Icon({ children, size = 16 }: { children: ComponentChildren; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const CopyIcon = (): JSX.Element => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 3.5v-.25A1.25 1.25 0 0 0 9.25 2h-6A1.25 1.25 0 0 0 2 3.250v6a1.25 1.25 0 0 0 1.25 1.25h.25" />
  </Icon>
);

export const CheckIcon = ({ size = 16 }: { size?: number }): JSX.Element => (
  <Icon size={size}>
    <path d="m3 8.500 3.200 3.200L13 4.800" />
  </Icon>
);

/** Leads on, in the direction of reading. */
export const OutIcon = (): JSX.Element => (
  <span class="out">
    <Icon>
      <path d="M6 3.500H3.500v9h9V10M9 3.500h3.500V7M12.300 3.700 7.500 8.500" />
    </Icon>
  </span>
);
