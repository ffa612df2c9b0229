/**
 * How the page stands to the bridge: connecting, live, offline, catching up, refused. One table of moves; what is heard
 * while nothing fits it changes nothing.
 */

import type { Standing } from "@contract/rooms";
import type { Words } from "../words/words";

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

export interface Told {
  label: string;
  sentence: string;
}

export function inWords(words: Words, connection: Connection): Told {
  switch (connection.state) {
    case "connecting":
      return { label: words.say("connecting"), sentence: words.say("connectingNow") };
    case "live":
      return { label: words.say("live"), sentence: words.say("liveNow") };
    case "offline":
      return { label: words.say("offline"), sentence: words.say(connection.wasLive ? "offlineSince" : "notReached") };
    case "catching-up":
      return { label: words.say("catchingUp"), sentence: words.say("catchingUpNow") };
    case "refused":
      return {
        label: words.say("notSignedIn"),
        sentence: words.ofTheBridge(connection.message) ?? words.say("signInRefused"),
      };
  }
}
