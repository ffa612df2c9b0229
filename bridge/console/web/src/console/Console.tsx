/** The console's frame: where one is, how the page stands to the bridge, and who is at it. */

import "../styles/console.css";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { signOut } from "../net/sign-in";
import { useStore } from "../net/store";
import { ConnectionMark, ConnectionNote } from "../parts/ConnectionMark";
import { Empty, Loading } from "../parts/Notice";
import { Books } from "./Books";
import { Connections } from "./Connections";
import { desk } from "./desk";
import { Dialogs } from "./Dialogs";
import { Endpoints, OneEndpoint } from "./Endpoints";
import { HandlingDialogs } from "./Handling";
import { Heading } from "./Heading";
import { Overview } from "./Overview";
import { openPalette, Palette } from "./Palette";
import { Link, usePlace } from "./router";
import { Sending } from "./Sending";
import { SignIn } from "./SignIn";
import { Story } from "./Story";
import { System } from "./System";

export function Console(): JSX.Element {
  const { path } = usePlace();
  const session = useStore(desk.session);
  const connection = useStore(desk.live.connection);
  useEffect(() => desk.start(), []);
  const isRefused = connection.state === "refused";
  return (
    <div class="console">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="console-head">
        <Link href="/ops" class="brand">
          The bridge
        </Link>
        <nav aria-label="Console">
          <Link href="/ops" isCurrent={path === "/ops"}>
            Money
          </Link>
          <Link href="/ops/books" isCurrent={path === "/ops/books"}>
            Books
          </Link>
          <Link href="/ops/system" isCurrent={path === "/ops/system"}>
            System
          </Link>
          <Link href="/ops/connections" isCurrent={path === "/ops/connections"}>
            Connections
          </Link>
          <Link href="/ops/endpoints" isCurrent={path.startsWith("/ops/endpoints")}>
            Endpoints
          </Link>
        </nav>
        <div class="console-who">
          {session !== null && !isRefused && (
            <button type="button" class="quiet" aria-keyshortcuts="Control+K Meta+K" onClick={openPalette}>
              Find
            </button>
          )}
          <ConnectionMark connection={desk.live.connection} />
          {session?.access === "jwt" && !isRefused && (
            <SignedIn userId={session.userId} />
          )}
        </div>
      </header>
      <ConnectionNote connection={desk.live.connection} />
      {session !== null && !isRefused && <Sending />}
      <main id="main" tabIndex={-1}>
        {isRefused ? (
          <SignIn connection={connection} />
        ) : session === null ? (
          <Waiting isOffline={connection.state === "offline"} />
        ) : (
          <Routed path={path} />
        )}
      </main>
      <Dialogs />
      <HandlingDialogs />
      {session !== null && !isRefused && <Palette />}
    </div>
  );
}

function SignedIn({ userId }: { userId: string | null }): JSX.Element {
  const [hasFailed, setHasFailed] = useState(false);
  const leave = (): void => {
    signOut().then(
      (next) => location.assign(next),
      () => setHasFailed(true),
    );
  };
  return (
    <span class="signed-in">
      {hasFailed ? <span role="alert">Not signed out: try again.</span> : userId}
      <button type="button" class="quiet" onClick={leave}>
        Sign out
      </button>
    </span>
  );
}

function Waiting({ isOffline }: { isOffline: boolean }): JSX.Element {
  if (!isOffline) return <Loading>Loading the console …</Loading>;
  return (
    <Empty>
      <h1>The bridge does not answer</h1>
      <p>The console opens by itself as soon as it does. Is it running?</p>
    </Empty>
  );
}

function Routed({ path }: { path: string }): JSX.Element {
  const [, , kind, id] = path.split("/").map(decodeURIComponent);
  if (kind === undefined) return <Overview />;
  if (kind === "endpoints") return id === undefined ? <Endpoints /> : <OneEndpoint key={path} id={id} />;
  if (kind === "books" && id === undefined) return <Books />;
  if (kind === "system" && id === undefined) return <System />;
  if (kind === "connections" && id === undefined) return <Connections />;
  if ((kind === "payouts" || kind === "payments") && id !== undefined) return <Story key={path} view={kind} id={id} />;
  return (
    <Empty>
      <Heading title="There is no such page">There is no such page</Heading>
      <p>
        <Link href="/ops">Back to payouts and payments</Link>
      </p>
    </Empty>
  );
}
