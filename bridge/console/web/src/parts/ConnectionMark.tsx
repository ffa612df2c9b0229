/** Says how the page stands to the bridge: a short word always, a sentence when it matters. */

import type { JSX } from "preact";
import { type Connection, inWords } from "../model/connection";
import type { Store } from "../net/store";
import { useStore } from "../net/store";
import { useWords } from "./speaking";

export function ConnectionMark({ connection }: { connection: Store<Connection> }): JSX.Element {
  const { state } = useStore(connection);
  const { label } = inWords(useWords(), useStore(connection));
  return (
    <span class={`connection is-${state}`} role="status" data-state={state}>
      <span class="dot" aria-hidden="true" />
      {label}
    </span>
  );
}

/** What is to be known while the page is not live; nothing while it is. */
export function ConnectionNote({ connection }: { connection: Store<Connection> }): JSX.Element | null {
  const words = useWords();
  const current = useStore(connection);
  if (current.state !== "offline" && current.state !== "catching-up") return null;
  return <p class={`connection-note is-${current.state}`}>{inWords(words, current).sentence}</p>;
}
