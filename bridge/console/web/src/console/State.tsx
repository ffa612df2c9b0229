/** A state, with the mark of how good it is. */

import type { ComponentChildren, JSX } from "preact";

export function State({ mark, children }: { mark: "done" | "moving" | "wrong"; children: ComponentChildren }): JSX.Element {
  return (
    <span class={`state is-${mark}`}>
      <span class="state-mark" aria-hidden="true" />
      {children}
    </span>
  );
}
