/**
 * How the page stands to the bridge: connecting, live, offline, catching up, refused. One table of moves; what is heard
 * while nothing fits it changes nothing.
 */

import type { Standing } from "@contract/rooms";

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
  /** How it stands to the rooms that it wants to be in. */
  | { type: "stands"; standing: Standing }
  | { type: "unreachable" }
  | { type: "refused"; code: string; message: string };

export const BEGINNING: Connection = { state: "connecting", message: null, code: null, wasLive: false };

export function moved(connection: Connection, heard: Heard): Connection {
  switch (heard.type) {
    case "stands":
      return stood(connection, heard.standing);
    case "unreachable":
      return { ...connection, state: "offline" };
    case "refused":
      return { ...connection, state: "refused", code: heard.code, message: heard.message };
  }
}

function stood(connection: Connection, standing: Standing): Connection {
  switch (standing) {
    case "live":
      return { state: "live", message: null, code: null, wasLive: true };
    case "catching up":
      return { ...connection, state: connection.wasLive ? "catching-up" : "connecting", message: null, code: null };
    case "offline":
      // Why it was refused is still to be read when the socket closes.
      return connection.state === "refused" ? connection : { ...connection, state: "offline" };
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
