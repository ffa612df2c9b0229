/**
 * How the page stands to the bridge: connecting, live, offline, catching up, refused. One table of moves; what is heard
 * while nothing fits it changes nothing.
 */

export type ConnectionState = "connecting" | "live" | "offline" | "catching-up" | "refused";

export interface Connection {
  state: ConnectionState;
  /** Why it was refused, in the bridge's words. */
  message: string | null;
  /** Why it was refused, for programs. */
  code: string | null;
  /** Whether it ever was live. */
  wasLive: boolean;
}

export type Heard =
  /** The socket stands; `recovered` says that what was missed comes by itself. */
  | { type: "connected"; recovered: boolean }
  /** What may have been missed was looked up. */
  | { type: "caught-up" }
  | { type: "lost" }
  | { type: "unreachable" }
  | { type: "refused"; code: string; message: string };

export const BEGINNING: Connection = { state: "connecting", message: null, code: null, wasLive: false };

export function moved(connection: Connection, heard: Heard): Connection {
  switch (heard.type) {
    case "connected":
      if (heard.recovered) return { ...connection, state: "live", message: null, code: null, wasLive: true };
      return { ...connection, state: connection.wasLive ? "catching-up" : "connecting", message: null, code: null };
    case "caught-up":
      if (connection.state !== "catching-up" && connection.state !== "connecting") return connection;
      return { ...connection, state: "live", wasLive: true };
    case "lost":
    case "unreachable":
      if (connection.state === "refused" && heard.type === "lost") return connection;
      return { ...connection, state: "offline" };
    case "refused":
      return { ...connection, state: "refused", code: heard.code, message: heard.message };
  }
}

export interface Words {
  label: string;
  sentence: string;
}

export function inWords(connection: Connection): Words {
  switch (connection.state) {
    case "connecting":
      return { label: "Connecting", sentence: "Connecting to the bridge." };
    case "live":
      return { label: "Live", sentence: "Live: this page changes as it happens." };
    case "offline":
      return {
        label: "Offline",
        sentence: connection.wasLive
          ? "Offline: what you see is from before. The page keeps trying to connect."
          : "The bridge cannot be reached. The page keeps trying.",
      };
    case "catching-up":
      return { label: "Catching up", sentence: "Connected again: looking up what happened meanwhile." };
    case "refused":
      return { label: "Not signed in", sentence: connection.message ?? "The bridge does not accept this sign-in." };
  }
}
