/** `/ops/system`: how the bridge itself is, every second. */

import "../styles/story.css";
import type { Latency, SystemStatus } from "@contract/events";
import type { ComponentChildren, JSX } from "preact";
import { linePath } from "../model/sparkline";
import { moment, span } from "../model/times";
import { useStore } from "../net/store";
import { Failed, Loading } from "../parts/Notice";
import { desk, type SystemSeen } from "./desk";
import { Heading } from "./Heading";
import { milliseconds } from "./Story";

export function System(): JSX.Element {
  const { answer, problem } = useStore(desk.system);
  return (
    <div class="system">
      <Heading title="System">System</Heading>
      {answer === null && problem === null && <Loading>Loading how the bridge is …</Loading>}
      {answer === null && problem !== null && <Failed error={problem} />}
      {answer !== null && <Seen seen={answer} />}
    </div>
  );
}

function Seen({ seen }: { seen: SystemSeen }): JSX.Element {
  const { status, events, deliveries, connections } = seen;
  const { journal } = status;
  return (
    <>
      <p class="soft">
        Version {status.version}, up for {span(Date.parse(status.at) - Date.parse(status.startedAt))} since{" "}
        {moment(status.startedAt)}. {Math.round(status.memoryMb)} MB of memory.
      </p>
      <dl class="tiles">
        <Tile
          name="Connections"
          value={whole(status.connections)}
          values={connections}
          note={status.turnedAway > 0 ? `${whole(status.turnedAway)} turned away in a minute` : null}
          isWrong={status.turnedAway > 0}
        />
        <Tile name="Events a second" value={rate(status.eventsPerSecond)} values={events} />
        <Tile name="Deliveries a second" value={rate(status.deliveriesPerSecond)} values={deliveries} />
        <Tile name="Commit to client" value={percentile(status.fanoutMs, "p50")} note={slowest(status.fanoutMs)} />
        <Tile name="Commit" value={percentile(journal.commitMs, "p50")} note={slowest(journal.commitMs)} />
        <Tile
          name="Journal lag"
          value={whole(journal.lag)}
          note={`event ${journal.dispatchedOffset} of ${journal.newestOffset} is delivered`}
          isWrong={journal.lag > 1_000}
        />
      </dl>
      {status.nodes.length > 1 && <Bridges nodes={status.nodes} />}
      <div class="healths">
        <Providers providers={status.providers} />
        <Chains chains={status.chains} />
      </div>
    </>
  );
}

/** How a bridge is, in words. */
function health(node: SystemStatus["nodes"][number]): string {
  if (node.isGone) return `gone, seen ${moment(node.seenAt)}`;
  if (node.isStopping) return "stopping";
  return node.differing.length > 0 ? `other settings: ${node.differing.join(", ")}` : "ok";
}

function Bridges({ nodes }: { nodes: SystemStatus["nodes"] }): JSX.Element {
  const there = nodes.filter((node) => !node.isGone);
  const sum = (value: (node: SystemStatus["nodes"][number]) => number): number =>
    there.reduce((total, node) => total + value(node), 0);
  return (
    <section class="bridges" aria-labelledby="bridges-heading">
      <h2 id="bridges-heading">Bridges of this journal</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Health</th>
            <th scope="col" class="number">
              Connections
            </th>
            <th scope="col" class="number">
              Deliveries a second
            </th>
            <th scope="col" class="number">
              Memory
            </th>
            <th scope="col">Version</th>
            <th scope="col">Does alone</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={`${node.name} ${node.startedAt}`}>
              <th scope="row">
                {node.name}
                {node.isThis && <span class="soft"> (this one)</span>}
              </th>
              <td>
                <Health status={node.isGone ? "failed" : health(node) === "ok" ? "ok" : "degraded"}>{health(node)}</Health>
              </td>
              <td class="number">{whole(node.connections)}</td>
              <td class="number">{rate(node.deliveriesPerSecond)}</td>
              <td class="number">{Math.round(node.memoryMb)} MB</td>
              <td>{node.version}</td>
              <td>{node.isGone ? "" : node.work.join(", ")}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">All</th>
            <td />
            <td class="number">{whole(sum((node) => node.connections))}</td>
            <td class="number">{rate(sum((node) => node.deliveriesPerSecond))}</td>
            <td class="number">{Math.round(sum((node) => node.memoryMb))} MB</td>
            <td />
            <td />
          </tr>
        </tfoot>
      </table>
    </section>
  );
}

interface TileProps {
  name: string;
  value: string;
  values?: readonly number[];
  note?: string | null;
  isWrong?: boolean;
}

function Tile({ name, value, values, note, isWrong = false }: TileProps): JSX.Element {
  return (
    <div class={`tile${isWrong ? " is-wrong" : ""}`}>
      <dt>{name}</dt>
      <dd>
        <span class="tile-value">{value}</span>
        {note != null && <span class="soft">{note}</span>}
        {values !== undefined && <Sparkline values={values} />}
      </dd>
    </div>
  );
}

function Sparkline({ values }: { values: readonly number[] }): JSX.Element {
  return (
    <svg class="sparkline" viewBox="0 0 200 32" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <path d={linePath(values, 200, 32)} />
    </svg>
  );
}

const HEALTH = { ok: "done", degraded: "moving", failed: "wrong" } as const;

function Health({ status, children }: { status: keyof typeof HEALTH; children: ComponentChildren }): JSX.Element {
  return (
    <span class={`state is-${HEALTH[status]}`}>
      <span class="state-mark" aria-hidden="true" />
      {children}
    </span>
  );
}

function Providers({ providers }: { providers: SystemStatus["providers"] }): JSX.Element {
  return (
    <section aria-labelledby="providers-heading">
      <h2 id="providers-heading">Providers</h2>
      {providers.length === 0 ? (
        <p class="soft">None is configured.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Health</th>
              <th scope="col">Says</th>
            </tr>
          </thead>
          <tbody>
            {providers.map((provider) => (
              <tr key={provider.name}>
                <th scope="row">{provider.name}</th>
                <td>
                  <Health status={provider.status}>{provider.status}</Health>
                </td>
                <td>{provider.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Chains({ chains }: { chains: SystemStatus["chains"] }): JSX.Element {
  return (
    <section aria-labelledby="chains-heading">
      <h2 id="chains-heading">Chains</h2>
      {chains.length === 0 ? (
        <p class="soft">None is followed. Name endpoints, BRIDGE_ENDPOINTS_ETHEREUM and the like, to follow one.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="number">
                Newest block
              </th>
              <th scope="col" class="number">
                Behind
              </th>
              <th scope="col">Health</th>
            </tr>
          </thead>
          <tbody>
            {chains.map((chain) => (
              <tr key={chain.name}>
                <th scope="row">{chain.name}</th>
                <td class="number">{whole(chain.head)}</td>
                <td class="number">{chain.blocksBehind === null ? "–" : whole(chain.blocksBehind)}</td>
                <td>
                  <Health status={chain.problem === null ? "ok" : "failed"}>{chain.problem ?? "ok"}</Health>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function whole(number: number): string {
  return number.toLocaleString("en-GB").replaceAll(",", "\u202f");
}

function rate(number: number): string {
  return number >= 10 || number === 0 ? whole(Math.round(number)) : number.toFixed(1);
}

function percentile(percentiles: Latency | null, name: keyof Latency): string {
  return percentiles === null ? "–" : milliseconds(percentiles[name]);
}

function slowest(percentiles: Latency | null): string {
  return percentiles === null ? "nothing to measure yet" : `99 of 100 within ${milliseconds(percentiles.p99)}`;
}
