/** What stands in place of content that is not there: still loading, empty, or gone wrong, with what to do. */

import type { ComponentChildren, JSX } from "preact";
import { Problem } from "../net/rest";

export function Loading({ what }: { what: string }): JSX.Element {
  return (
    <p class="notice loading" role="status">
      Loading {what} …
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <div class="notice">{children}</div>;
}

export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }): JSX.Element {
  const said = error instanceof Problem ? error.detail : "Something went wrong on this page. Reload it.";
  return (
    <div class="notice failed" role="alert">
      <p>{said}</p>
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
