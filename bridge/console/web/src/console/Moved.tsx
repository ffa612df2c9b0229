/** The dialog in which somebody notes money that moved without the bridge. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { WalletBalance } from "../model/books";
import { newKey, post, Problem } from "../net/rest";
import { Modal } from "./Modal";
import { Field } from "./ResolutionFields";
import { useWho, WhoField } from "./Who";

interface Props {
  of: WalletBalance;
  close: () => void;
  done: (message: string) => void;
}

const DIRECTIONS = {
  out: { label: "It left the wallet", means: "A withdrawal of your own, or what the network took." },
  in: { label: "It came into the wallet", means: "What somebody put in, for no payment." },
} as const;

export function Moved({ of, close, done }: Props): JSX.Element {
  const who = useWho();
  const [direction, setDirection] = useState<keyof typeof DIRECTIONS>("out");
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [key] = useState(newKey);
  /** What the bridge has doubted, which is noted all the same if it is asked for once more. */
  const [doubted, setDoubted] = useState<string | null>(null);
  const isDoubted = doubted === `${direction} ${amount.trim()}`;

  const note = async (event: Event): Promise<void> => {
    event.preventDefault();
    setIsBusy(true);
    who.remember();
    try {
      const moved = { wallet: of.wallet, coin: of.coin, direction, amount: amount.trim(), reason: reason.trim(), seen: isDoubted, ...who.said };
      done((await post<{ message: string }>("/api/ops/wallet-movements", moved, key)).message);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setDoubted(error.code === "movement_doubted" ? `${direction} ${amount.trim()}` : null);
      setIsBusy(false);
    }
  };
  return (
    <Modal close={close}>
      <form onSubmit={(event) => void note(event)}>
        <h2 id="dialog-title">What moved without the bridge?</h2>
        <p class="soft">
          {of.coin}, {of.wallet}. It moves nothing, stays on record, and cannot be taken back: what was wrong is noted once more, the other way.
        </p>
        <fieldset class="choices">
          <legend class="unseen">Which way</legend>
          {(Object.keys(DIRECTIONS) as (keyof typeof DIRECTIONS)[]).map((one) => (
            <label key={one}>
              <input type="radio" name="direction" checked={direction === one} onChange={() => setDirection(one)} />
              <span>
                <strong>{DIRECTIONS[one].label}</strong>
                <span class="soft">{DIRECTIONS[one].means}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <Field label={`Amount in ${of.coin}`} note={problem?.of("amount") ?? null}>
          <input value={amount} inputMode="decimal" autoComplete="off" onInput={(event) => setAmount(event.currentTarget.value)} />
        </Field>
        <Field label="Why" note={problem?.of("reason") ?? null}>
          <input value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} />
        </Field>
        <WhoField who={who} />
        {problem !== null && <p role="alert">{problem.of("by") ?? problem.detail}</p>}
        <div class="dialog-actions">
          <button type="button" onClick={close}>
            Leave it
          </button>
          <button type="submit" class="primary" disabled={isBusy || amount.trim() === "" || reason.trim() === "" || who.name === ""}>
            {isDoubted ? "It moved: note it all the same" : "Note it"}
          </button>
        </div>
      </form>
    </Modal>
  );
}
