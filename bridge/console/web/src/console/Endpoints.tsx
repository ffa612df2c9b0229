/** `/ops/endpoints`: where services are sent events, and at one of them what was sent, and what came of it. */

import "../styles/story.css";
import type { ComponentChildren, JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { mayDo } from "../model/attention";
import type { Delivery, Endpoint } from "../model/ops-documents";
import { moment } from "../model/times";
import { get, Problem } from "../net/rest";
import { useStore } from "../net/store";
import { Empty, Failed, Loading } from "../parts/Notice";
import { Deliveries } from "./Deliveries";
import { desk } from "./desk";
import { askFor } from "./Dialogs";
import type { EndpointDeed } from "./endpointDeeds";
import { Heading } from "./Heading";
import { RegisterEndpoint } from "./RegisterEndpoint";
import { Link } from "./router";
import { State } from "./State";
import { WideTable } from "./WideTable";

/** No event tells how deliveries go, so that the page looks by itself. */
const LOOK_MS = 2_000;
const DELIVERIES_SHOWN = 100;

interface Looked<Answer> {
  answer: Answer | null;
  problem: Problem | null;
}

function useLooked<Answer>(paths: readonly string[]): Looked<Answer> {
  const [looked, setLooked] = useState<Looked<Answer>>({ answer: null, problem: null });
  const key = paths.join(" ");
  const look = useCallback(async (signal: AbortSignal): Promise<void> => {
    try {
      const answers = await Promise.all(key.split(" ").map((path) => get<unknown>(path, signal)));
      setLooked({ answer: answers as Answer, problem: null });
    } catch (error) {
      if (error instanceof Problem) setLooked(({ answer }) => ({ answer, problem: error }));
      else if (!signal.aborted) throw error;
    }
  }, [key]);
  useEffect(() => {
    const going = new AbortController();
    const lookNow = (): void => void look(going.signal);
    lookNow();
    const timer = setInterval(lookNow, LOOK_MS);
    const forget = desk.watchStories(lookNow);
    return () => {
      forget();
      clearInterval(timer);
      going.abort();
    };
  }, [look]);
  return looked;
}

export function Endpoints(): JSX.Element {
  const session = useStore(desk.session);
  const [isRegistering, setIsRegistering] = useState(false);
  const { answer, problem } = useLooked<[{ endpoints: Endpoint[] }]>(["/api/endpoints"]);
  return (
    <div class="system">
      <Heading title="Endpoints">Endpoints</Heading>
      {answer === null && problem === null && <Loading>Loading the endpoints …</Loading>}
      {problem !== null && <Failed error={problem} />}
      {answer !== null && answer[0].endpoints.length === 0 && (
        <Empty>
          <p>There are none. Services register them, or you do, here or with bridge endpoints add.</p>
        </Empty>
      )}
      {answer !== null && answer[0].endpoints.length > 0 && <EndpointTable endpoints={answer[0].endpoints} />}
      {answer !== null && mayDo(session, "replay") && (
        <p>
          <button type="button" onClick={() => setIsRegistering(true)}>
            Register one …
          </button>
        </p>
      )}
      {isRegistering && <RegisterEndpoint close={() => setIsRegistering(false)} />}
    </div>
  );
}

function EndpointTable({ endpoints }: { endpoints: readonly Endpoint[] }): JSX.Element {
  return (
    <WideTable label="All endpoints">
      <thead>
        <tr>
          <th scope="col">Endpoint</th>
          <th scope="col">Service</th>
          <th scope="col">Events</th>
          <th scope="col">Status</th>
          <th scope="col" class="number">
            Behind
          </th>
        </tr>
      </thead>
      <tbody>
        {endpoints.map((one) => (
          <tr key={one.endpointId}>
            <th scope="row">
              <Link href={`/ops/endpoints/${encodeURIComponent(one.endpointId)}`}>{hostOf(one.url)}</Link>
            </th>
            <td>{one.service ?? one.registeredBy}</td>
            <td>{one.events.join(", ")}</td>
            <td>
              <EndpointState endpoint={one} />
            </td>
            <td class="number">{one.behind}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

export function OneEndpoint({ id }: { id: string }): JSX.Element {
  const path = `/api/endpoints/${encodeURIComponent(id)}`;
  const [status, setStatus] = useState<Delivery["status"] | null>(null);
  const deliveries = `${path}/deliveries?limit=${DELIVERIES_SHOWN}${status === null ? "" : `&status=${status}`}`;
  const { answer, problem } = useLooked<[Endpoint, { deliveries: Delivery[] }]>([path, deliveries]);
  return (
    <div class="system">
      <Link href="/ops/endpoints" class="back">
        All endpoints
      </Link>
      <Heading title="Endpoint">{answer === null ? "Endpoint" : hostOf(answer[0].url)}</Heading>
      {answer === null && problem === null && <Loading>Loading the endpoint …</Loading>}
      {problem !== null && <Failed error={problem} />}
      {answer !== null && problem === null && (
        <Seen endpoint={answer[0]}>
          <Deliveries of={answer[0]} deliveries={answer[1].deliveries} status={status} show={setStatus} />
        </Seen>
      )}
    </div>
  );
}

function Seen({ endpoint, children }: { endpoint: Endpoint; children: ComponentChildren }): JSX.Element {
  const order = endpoint.ordered ? "in order" : "several at once, in any order";
  return (
    <>
      <section class="facts" aria-label="How it stands">
        <p>
          <EndpointState endpoint={endpoint} />
          {endpoint.disabledBecause !== null && <span class="soft">: {endpoint.disabledBecause}</span>}
        </p>
        <dl>
          <Fact name="Address">{endpoint.url}</Fact>
          <Fact name="Events">
            {endpoint.events.join(", ")}, {order}
          </Fact>
          <Fact name="Registered">
            {moment(endpoint.registeredAt)} by {endpoint.registeredBy}
          </Fact>
          <Fact name="Behind">{endpoint.behind === 0 ? "nothing" : eventsOf(endpoint.behind)}</Fact>
          {endpoint.missed > 0 && (
            <Fact name="Missed">
              {eventsOf(endpoint.missed)}; {endpoint.missedBecause}
            </Fact>
          )}
        </dl>
        <Deeds endpoint={endpoint} />
      </section>
      <section class="history" aria-labelledby="deliveries-heading">
        <h2 id="deliveries-heading">Deliveries</h2>
        {children}
      </section>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Deeds({ endpoint }: { endpoint: Endpoint }): JSX.Element | null {
  const session = useStore(desk.session);
  if (!mayDo(session, "replay")) return null;
  const toggles = endpoint.status === "disabled" ? ["endpoint-enable", "Enable"] : ["endpoint-disable", "Disable"];
  const deeds = [["endpoint-test", "Test"], toggles, ["endpoint-replay-all", "Replay all"], ["endpoint-secret", "New secret"], ["endpoint-remove", "Remove"]] as [
    Exclude<EndpointDeed["action"], "endpoint-replay" | "endpoint-replay-after">,
    string,
  ][];
  const { endpointId, url } = endpoint;
  return (
    <div class="endpoint-deeds">
      {deeds.map(([action, label]) => (
        <button key={action} type="button" onClick={() => askFor({ action, endpointId, title: hostOf(url), detail: endpointId })}>
          {label}
        </button>
      ))}
    </div>
  );
}

const ENDPOINT_MARKS = { active: "done", failing: "moving", disabled: "wrong" } as const;

function EndpointState({ endpoint }: { endpoint: Endpoint }): JSX.Element {
  const { status, failingSince } = endpoint;
  return (
    <State mark={ENDPOINT_MARKS[status]}>{status === "failing" && failingSince !== null ? `failing since ${moment(failingSince)}` : status}</State>
  );
}

function eventsOf(count: number): string {
  return `${count} event${count === 1 ? "" : "s"}`;
}

/** Of an address what a person knows it by. */
function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
