/** What stands in place of content that is not there: still loading, empty, or gone wrong, with what to do. */

import type { ComponentChildren, JSX } from "preact";
import { refusalWords } from "../model/refusals";
import { Problem } from "../net/rest";
import { useWords } from "./speaking";

export function Loading({ children }: { children: string }): JSX.Element {
  return (
    <p class="notice loading" role="status">
      {children}
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <div class="notice">{children}</div>;
}

export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }): JSX.Element {
  const words = useWords();
  const said = error instanceof Problem ? refusalWords(words, error) : words.say("wentWrong");
  return (
    <div class="notice failed" role="alert">
      <p>{said}</p>
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          {words.say("tryAgain")}
        </button>
      )}
    </div>
  );
}
