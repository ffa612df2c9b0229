/**
 * The page's connection: the stock Socket.IO client, the rooms to be in, and what to look up when the bridge cannot tell
 * what was missed. How it stands is in `connection`.
 */

import type { ClientToServerEvents, RoomsAnswer, ServerToClientEvents } from "@contract/events";
import { io, type Socket } from "socket.io-client";
import { BEGINNING, type Connection, moved } from "../model/connection";
import { Store } from "./store";
import { heldToken } from "./token";

export type LiveSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

export interface Wishes {
  /** Joins the rooms; its answers say which were granted. */
  join: (socket: LiveSocket) => Promise<RoomsAnswer[]>;
  /** Looks up what may have been missed. Asked again until it succeeds, as long as the connection lasts. */
  lookUp: () => Promise<void>;
}

/** How long to wait for the socket before looking things up without it. */
const PATIENCE_MS = 2_500;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

export class Live {
  readonly connection = new Store<Connection>(BEGINNING);
  readonly socket: LiveSocket;
  /** Counts connections, so that what belongs to an earlier one is dropped. */
  private turn = 0;
  private impatience: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly wishes: Wishes) {
    this.socket = io({
      transports: ["websocket"],
      autoConnect: false,
      auth: (give) => {
        const token = heldToken();
        give(token === null ? {} : { token });
      },
    });
    this.socket.on("connect", () => void this.connected());
    this.socket.on("disconnect", (reason) => {
      this.turn += 1;
      this.connection.update((connection) => moved(connection, { type: "lost" }));
      // The client does not come back by itself when the bridge has closed the connection.
      if (reason === "io server disconnect") setTimeout(() => this.socket.connect(), FIRST_RETRY_MS);
    });
    this.socket.on("connect_error", (error) => this.notConnected(error));
  }

  start(): void {
    this.impatience = setTimeout(() => void this.lookUpWithoutIt(), PATIENCE_MS);
    this.socket.connect();
  }

  /** Connects anew, with a token that was not there before. */
  restart(): void {
    this.connection.set(BEGINNING);
    this.socket.disconnect();
    this.start();
  }

  private async connected(): Promise<void> {
    clearTimeout(this.impatience);
    const turn = ++this.turn;
    const isStill = (): boolean => turn === this.turn && this.socket.connected;
    const { recovered } = this.socket;
    this.connection.update((connection) => moved(connection, { type: "connected", recovered }));
    if (recovered) return;
    let answers: RoomsAnswer[] | null = null;
    while (answers === null) {
      // No answer in time: from a connection that is gone, which comes back by itself, or from a bridge that is slow.
      answers = await this.wishes.join(this.socket).catch(() => null);
      if (!isStill()) return;
    }
    const refusals = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));
    const [refusal] = refusals;
    if (refusal !== undefined && refusals.length === answers.length) {
      this.connection.update((connection) => moved(connection, { type: "refused", ...refusal }));
      return;
    }
    for (let wait = FIRST_RETRY_MS; ; wait = Math.min(2 * wait, LONGEST_RETRY_MS)) {
      try {
        await this.wishes.lookUp();
        break;
      } catch {
        await new Promise((done) => setTimeout(done, wait));
      }
      if (!isStill()) return;
    }
    if (isStill()) this.connection.update((connection) => moved(connection, { type: "caught-up" }));
  }

  private notConnected(error: Error & { data?: { code?: string } }): void {
    const code = error.data?.code;
    if (code === undefined) {
      this.connection.update((connection) => moved(connection, { type: "unreachable" }));
      return;
    }
    clearTimeout(this.impatience);
    this.connection.update((connection) => moved(connection, { type: "refused", code, message: error.message }));
  }

  /** Where sockets do not get through, REST may. */
  private async lookUpWithoutIt(): Promise<void> {
    await this.wishes.lookUp().catch(() => undefined);
  }
}
