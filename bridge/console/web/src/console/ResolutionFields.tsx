/** What somebody says became of a payout, and one field of a dialog. */

import type { ComponentChildren, JSX } from "preact";
import { type Outcome, OUTCOMES } from "../model/attention";

interface Props {
  outcome: Outcome | null;
  setOutcome: (outcome: Outcome) => void;
  txHash: string;
  setTxHash: (txHash: string) => void;
  known: readonly string[];
}

export function ResolutionFields({ outcome, setOutcome, txHash, setTxHash, known }: Props): JSX.Element {
  return (
    <>
      <fieldset class="choices">
        <legend class="unseen">What became of it</legend>
        {OUTCOMES.map((one) => (
          <label key={one.outcome}>
            <input
              type="radio"
              name="outcome"
              value={one.outcome}
              checked={outcome === one.outcome}
              onChange={() => setOutcome(one.outcome)}
            />
            <span>
              <strong>{one.label}</strong>
              <span class="soft">{one.means}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {outcome !== null && outcome !== "not-sent" && (
        <Field label="Transaction hash" note={known.length > 0 && outcome === "arrived" ? `Known already: ${known.join(", ")}` : null}>
          <input value={txHash} spellcheck={false} autoComplete="off" onInput={(event) => setTxHash(event.currentTarget.value)} />
        </Field>
      )}
    </>
  );
}

export function Field({ label, note, children }: { label: string; note: string | null; children: ComponentChildren }): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      {note !== null && <span class="soft">{note}</span>}
    </label>
  );
}
