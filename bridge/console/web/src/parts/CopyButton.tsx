/** Copies one text. What it has done is said on the button itself, and to a screen reader. */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { CheckIcon, CopyIcon } from "./icons";
import { useWords } from "./speaking";

const SHOWN_MS = 2_000;

/** `label` is the whole of what it does, such as `Copy the address`. */
export function CopyButton({ text, label }: { text: string; label: string }): JSX.Element {
  const words = useWords();
  const [done, setDone] = useState<"copied" | "failed" | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    setDone((await copied(text)) ? "copied" : "failed");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(null), SHOWN_MS);
  };
  return (
    <button type="button" class="quiet copy" onClick={() => void copy()} aria-label={label}>
      {done === "copied" ? <CheckIcon /> : <CopyIcon />}
      <span role="status">{words.say(done === "copied" ? "copied" : done === "failed" ? "copyYourself" : "copy")}</span>
    </button>
  );
}

/** The clipboard of pages that are served without TLS, beyond this machine, is the old one. */
async function copied(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard !== undefined) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Then the old way.
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
