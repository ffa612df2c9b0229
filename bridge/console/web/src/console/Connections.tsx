/** `/ops/connections`: which clients are connected, in which rooms they are, and the buttons that disconnect them. */

import "../styles/story.css";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, Problem } from "../net/rest";
import { useStore } from "../net/store";
import { Failed, Loading } from "../parts/Notice";
import { desk } from "./desk";
import { Heading } from "./Heading";
import { setQuery, usePlace } from "./router";
import { useWho, WhoField } from "./Who";

interface Connection {
  socketId: string;
  userId: string | null;
  online: string[];
  rooms: string[];
  bridge: string | null;
}

interface Page {
  connections: Connection[];
  next: string | null;
}

/** What is asked of one client: to close its connection, or to refuse all tokens of its user. */
type Change = { change: "disconnected"; socketId: string } | { change: "tokens_revoked"; userId: string };

const ROOMS_SHOWN = 8;

export function Connections(): JSX.Element {
  const { query } = usePlace();
  const asked = new URLSearchParams(query);
  const [userId, setUserId] = useState(asked.get("userId") ?? "");
  const [room, setRoom] = useState(asked.get("room") ?? "");
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [said, setSaid] = useState("");
  const who = useWho();
  const newest = useRef(0);

  const look = async (after?: string): Promise<void> => {
    const number = ++newest.current;
    const wanted = new URLSearchParams(query);
    if (after !== undefined) wanted.set("after", after);
    try {
      const found = await get<Page>(`/api/ops/connections?${wanted}`);
      if (number !== newest.current) return; // Another search was begun meanwhile.
      setPage((shown) => (after === undefined || shown === null ? found : { ...found, connections: [...shown.connections, ...found.connections] }));
      setProblem(null);
    } catch (error) {
      if (number === newest.current) setProblem(error);
    }
  };
  useEffect(() => void look(), [query]);

  const search = (event: Event): void => {
    event.preventDefault();
    const wanted = new URLSearchParams();
    if (userId.trim() !== "") wanted.set("userId", userId.trim());
    if (room.trim() !== "") wanted.set("room", room.trim());
    const sought = wanted.size === 0 ? "" : `?${wanted}`;
    if (sought === query) void look();
    else setQuery(sought);
  };
  const change = async (wanted: Change): Promise<void> => {
    who.remember();
    try {
      const by = who.said.by === "" ? {} : who.said;
      setSaid((await post<{ message: string }>("/api/ops/access", { ...by, ...wanted })).message);
    } catch (error) {
      setSaid(error instanceof Problem ? error.detail : "It was not done. Reload the page and try again.");
    }
    void look();
  };
  return (
    <div class="system">
      <Heading title="Connections">Connections</Heading>
      <form class="connection-search" onSubmit={search} role="search" aria-label="Connections">
        <label>
          User
          <input value={userId} spellcheck={false} autoComplete="off" onInput={(event) => setUserId(event.currentTarget.value)} />
        </label>
        <label>
          Room
          <input value={room} placeholder="chat-5" spellcheck={false} autoComplete="off" onInput={(event) => setRoom(event.currentTarget.value)} />
        </label>
        <button type="submit">Look</button>
      </form>
      {who.isTyped && <WhoField who={who} />}
      <p role="status" class="soft">
        {said}
      </p>
      {problem !== null && <Failed error={problem} retry={() => void look()} />}
      {page === null && problem === null && <Loading>Loading who is connected …</Loading>}
      {page !== null && <Found page={page} change={(wanted) => void change(wanted)} more={(after) => void look(after)} />}
    </div>
  );
}

interface FoundProps {
  page: Page;
  change: (wanted: Change) => void;
  more: (after: string) => void;
}

function Found({ page, change, more }: FoundProps): JSX.Element {
  const session = useStore(desk.session);
  const { connections, next } = page;
  if (connections.length === 0 && next === null) return <p class="notice">Nobody is connected who is sought.</p>;
  const isShared = connections.some((one) => one.bridge !== null);
  return (
    <section class="bridges" aria-label="Who is connected">
      <table>
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col">Rooms</th>
            <th scope="col">Connection</th>
            {isShared && <th scope="col">Bridge</th>}
            {session?.mayAct === true && <th scope="col">Do</th>}
          </tr>
        </thead>
        <tbody>
          {connections.map((one) => (
            <tr key={one.socketId}>
              <th scope="row">{one.userId ?? (one.online.length > 0 ? one.online.join(", ") : "–")}</th>
              <td>
                <Rooms rooms={one.rooms} />
              </td>
              <td>
                <code>{one.socketId}</code>
              </td>
              {isShared && <td>{one.bridge}</td>}
              {session?.mayAct === true && (
                <td>
                  <Doing
                    what="Disconnect"
                    whom={one.socketId}
                    act={() => change({ change: "disconnected", socketId: one.socketId })}
                  />
                  {one.userId !== null && (
                    <Doing what="Revoke tokens" whom={one.userId} act={() => change({ change: "tokens_revoked", userId: one.userId ?? "" })} />
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {next !== null && (
        <button type="button" onClick={() => more(next)}>
          Show more
        </button>
      )}
    </section>
  );
}

function Rooms({ rooms }: { rooms: readonly string[] }): JSX.Element {
  const left = rooms.length - ROOMS_SHOWN;
  return (
    <>
      {rooms.slice(0, ROOMS_SHOWN).join(", ")}
      {left > 0 && ` and ${left} more`}
    </>
  );
}

interface DoingProps {
  what: string;
  whom: string;
  act: () => void;
}

/** A button that asks once more before it does something. */
function Doing({ what, whom, act }: DoingProps): JSX.Element {
  const [isSure, setIsSure] = useState(false);
  const press = (): void => {
    if (isSure) act();
    setIsSure(!isSure);
  };
  const label = isSure ? `${what}, sure?` : what;
  return (
    <button type="button" class="quiet" aria-label={`${label} ${whom}`} onClick={press} onBlur={() => setIsSure(false)}>
      {label}
    </button>
  );
}
