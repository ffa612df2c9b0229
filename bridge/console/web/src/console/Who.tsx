/** Who acts, for the record: whoever is signed in, or the name that somebody gives where nobody is asked for a token. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Session } from "../model/ops-documents";
import { useStore } from "../net/store";
import { desk } from "./desk";
import { Field } from "./ResolutionFields";

const WHO = "bridge.who";

/** Who is at the console, as far as is known. */
export function whoIsHere(session: Session | null): string | null {
  return session?.userId ?? localStorage.getItem(WHO);
}

export interface Who {
  /** Whether the name is what somebody types, since nobody is asked for a token. */
  isTyped: boolean;
  name: string;
  type: (name: string) => void;
  /** This browser remembers a name that was typed. */
  remember: () => void;
  /** What a request says of it. */
  said: { by?: string };
}

export function useWho(): Who {
  const session = useStore(desk.session);
  const isTyped = session?.access !== "jwt";
  const [typed, type] = useState(() => localStorage.getItem(WHO) ?? "");
  const name = isTyped ? typed.trim() : (session?.userId ?? "");
  const remember = (): void => {
    if (isTyped) localStorage.setItem(WHO, name);
  };
  return { isTyped, name: isTyped ? typed : name, type, remember, said: isTyped ? { by: name } : {} };
}

export function WhoField({ who }: { who: Who }): JSX.Element {
  if (!who.isTyped) return <p class="soft">Recorded as done by {who.name}.</p>;
  return (
    <Field label="Your name" note="Kept with what you do. This browser remembers it.">
      <input value={who.name} maxLength={100} autoComplete="name" onInput={(event) => who.type(event.currentTarget.value)} />
    </Field>
  );
}
