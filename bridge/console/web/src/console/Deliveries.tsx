/** What was sent to an endpoint: a row for each event, and in front of the page one of them, with its request and its answer. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { mayDo } from "../model/attention";
import type { Delivery, DeliveryDetails, Endpoint } from "../model/ops-documents";
import { moment } from "../model/times";
import { get, Problem } from "../net/rest";
import { useStore } from "../net/store";
import { CopyButton } from "../parts/CopyButton";
import { Failed, Loading } from "../parts/Notice";
import { desk } from "./desk";
import { askFor } from "./Dialogs";
import { CloseAction, Modal } from "./Modal";
import { State } from "./State";
import { WideTable } from "./WideTable";

const MARKS = { delivered: "done", pending: "moving", failed: "wrong" } as const;
const STATUSES = ["pending", "delivered", "failed"] as const;

interface DeliveriesProps {
  of: Endpoint;
  deliveries: readonly Delivery[];
  /** Of those that are shown; null: of all. */
  status: Delivery["status"] | null;
  show: (status: Delivery["status"] | null) => void;
}

export function Deliveries({ of, deliveries, status, show }: DeliveriesProps): JSX.Element {
  const [shown, setShown] = useState<Delivery | null>(null);
  return (
    <>
      <label class="deliveries-status">
        Status
        <select value={status ?? ""} onChange={(event) => show(STATUSES.find((one) => one === event.currentTarget.value) ?? null)}>
          <option value="">all</option>
          {STATUSES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {deliveries.length === 0 ? (
        <p class="soft">{status === null ? "Nothing was sent yet." : `Nothing is ${status}.`}</p>
      ) : (
        <DeliveryTable of={of} deliveries={deliveries} show={setShown} />
      )}
      {shown !== null && <DeliveryDialog of={of} delivery={shown} close={() => setShown(null)} />}
    </>
  );
}

interface TableProps {
  of: Endpoint;
  deliveries: readonly Delivery[];
  show: (delivery: Delivery) => void;
}

function DeliveryTable({ of: { endpointId }, deliveries, show }: TableProps): JSX.Element {
  const session = useStore(desk.session);
  const mayReplay = mayDo(session, "replay");
  return (
    <WideTable label="What was sent">
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">When</th>
          <th scope="col">Status</th>
          <th scope="col" class="number">
            Tries
          </th>
          <th scope="col">Answer</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {deliveries.map((one) => (
          <tr key={one.messageId}>
            <th scope="row">{one.event}</th>
            <td>{moment(one.createdAt)}</td>
            <td>
              <State mark={MARKS[one.status]}>
                {one.status}
                {one.nextAt !== null && `, again ${moment(one.nextAt)}`}
              </State>
            </td>
            <td class="number">{one.tries}</td>
            <td>{answerOf(one)}</td>
            <td>
              <button type="button" class="quiet" aria-label={`Request and answer, ${one.event}, ${one.messageId}`} onClick={() => show(one)}>
                Request
              </button>
              {mayReplay && (
                <button
                  type="button"
                  class="quiet"
                  aria-label={`Replay ${one.event}, ${one.messageId}`}
                  onClick={() =>
                    askFor({ action: "endpoint-replay", endpointId, messageId: one.messageId, title: one.event, detail: one.messageId })
                  }
                >
                  Replay
                </button>
              )}
              {mayReplay && one.offset !== null && (
                <button
                  type="button"
                  class="quiet"
                  aria-label={`All after it, ${one.event}, ${one.messageId}`}
                  onClick={() =>
                    askFor({ action: "endpoint-replay-after", endpointId, after: one.offset ?? "", title: one.event, detail: one.messageId })
                  }
                >
                  All after it
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

function DeliveryDialog({ of, delivery, close }: { of: Endpoint; delivery: Delivery; close: () => void }): JSX.Element {
  const [found, setFound] = useState<DeliveryDetails | Problem | null>(null);
  useEffect(() => {
    const going = new AbortController();
    const path = `/api/endpoints/${encodeURIComponent(of.endpointId)}/deliveries/${encodeURIComponent(delivery.messageId)}`;
    get<DeliveryDetails>(path, going.signal).then(setFound, (error: unknown) => {
      if (error instanceof Problem) setFound(error);
      else if (!going.signal.aborted) throw error;
    });
    return () => going.abort();
  }, [of.endpointId, delivery.messageId]);
  return (
    <Modal close={close} class="delivery">
      <h2 id="dialog-title">{delivery.event}</h2>
      {found === null && <Loading>Loading the delivery …</Loading>}
      {found instanceof Problem && <Failed error={found} />}
      {found !== null && !(found instanceof Problem) && <Exchanged url={of.url} delivery={found} />}
      <CloseAction close={close} />
    </Modal>
  );
}

function Exchanged({ url, delivery }: { url: string; delivery: DeliveryDetails }): JSX.Element {
  const { headers, body } = delivery.request;
  return (
    <>
      <h3>Request</h3>
      <pre tabIndex={0} aria-label="Headers of the request">
        {[`POST ${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join("\n")}
      </pre>
      {body === null ? (
        <p class="soft">Its body is not stored any more: the event is older than what the journal keeps.</p>
      ) : (
        <>
          <pre tabIndex={0} aria-label="Body of the request">
            {indented(body)}
          </pre>
          <p>
            <CopyButton text={body} label="Copy the body" /> <span class="soft">byte for byte, as it is signed</span>
          </p>
        </>
      )}
      <h3>Answer</h3>
      {delivery.lastAt === null ? (
        <p class="soft">It was not sent yet.</p>
      ) : (
        <>
          <p class="soft">
            {moment(delivery.lastAt)}
            {delivery.tookMs !== null && `, after ${delivery.tookMs} ms`}
          </p>
          <pre tabIndex={0} aria-label="Answer">
            {answerOf(delivery)}
          </pre>
        </>
      )}
    </>
  );
}

/** The status of the last answer and how it began, or why there was none. */
function answerOf(delivery: Delivery): string {
  return [delivery.answerStatus ?? "", delivery.said].join(" ").trim();
}

/** JSON as people read it. */
function indented(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
