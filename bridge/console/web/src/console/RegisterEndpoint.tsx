/** The dialog in which somebody registers an endpoint. Its secret is shown once, here. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Endpoint } from "../model/ops-documents";
import { post, Problem } from "../net/rest";
import { CopyButton } from "../parts/CopyButton";
import { CloseAction, Modal } from "./Modal";
import { Field } from "./ResolutionFields";
import { useWho, WhoField } from "./Who";

type Registered = Endpoint & { secret: string | null };

/** Names of events, or patterns such as `payment-*`, apart by whatever people set between them. */
function patternsIn(text: string): string[] {
  return text.split(/[\s,;]+/).filter((one) => one !== "");
}

export function RegisterEndpoint({ close }: { close: () => void }): JSX.Element {
  const who = useWho();
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState("*");
  const [isOrdered, setIsOrdered] = useState(true);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [registered, setRegistered] = useState<Registered | null>(null);

  const register = async (event: Event): Promise<void> => {
    event.preventDefault();
    setIsBusy(true);
    who.remember();
    try {
      const wanted = { url: url.trim(), events: patternsIn(events), ordered: isOrdered, ...who.said };
      setRegistered(await post<Registered>("/api/endpoints", wanted));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
      setIsBusy(false);
    }
  };
  if (registered !== null) return <Given endpoint={registered} close={close} />;
  return (
    <Modal close={close}>
      <form onSubmit={(event) => void register(event)} noValidate>
        <h2 id="dialog-title">Register an endpoint</h2>
        <p class="soft">Each event that it wants is sent there from now on, signed as Standard Webhooks.</p>
        <Field label="Address" note={problem?.of("url") ?? null}>
          <input type="url" value={url} placeholder="https://shop.example/hooks/bridge" spellcheck={false} autoComplete="off" onInput={(event) => setUrl(event.currentTarget.value)} />
        </Field>
        <Field label="Events" note={problem?.of("events") ?? "Names, or patterns such as payment-* attention-*; * is all."}>
          <input value={events} spellcheck={false} autoComplete="off" onInput={(event) => setEvents(event.currentTarget.value)} />
        </Field>
        <fieldset class="choices">
          <label>
            <input type="checkbox" checked={isOrdered} onChange={(event) => setIsOrdered(event.currentTarget.checked)} />
            <span>
              <strong>In order</strong>
              <span class="soft">What is not taken holds up what comes after it. Otherwise several are sent at once.</span>
            </span>
          </label>
        </fieldset>
        <WhoField who={who} />
        {problem !== null && <p role="alert">{problem.of("by") ?? problem.detail}</p>}
        <div class="dialog-actions">
          <button type="button" onClick={close}>
            Leave it
          </button>
          <button type="submit" class="primary" disabled={isBusy || url.trim() === "" || patternsIn(events).length === 0 || who.name === ""}>
            Register it
          </button>
        </div>
      </form>
    </Modal>
  );
}

function Given({ endpoint, close }: { endpoint: Registered; close: () => void }): JSX.Element {
  return (
    <Modal close={close}>
      <h2 id="dialog-title">{endpoint.secret === null ? "It was registered already" : "It is registered"}</h2>
      {endpoint.secret === null ? (
        <p>It is changed where something differs, goes on where it was, and has the secret that it had.</p>
      ) : (
        <>
          <p>Its secret, with which the service verifies what it is sent. It is shown only here: copy it now.</p>
          <p>
            <code class="broken">{endpoint.secret}</code> <CopyButton text={endpoint.secret} label="Copy the secret" />
          </p>
        </>
      )}
      <CloseAction close={close} />
    </Modal>
  );
}
