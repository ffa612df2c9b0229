/**
 * The page's connection: the stock Socket.IO client, and the rooms that the recipe for front ends keeps it in. How it
 * stands is in `connection`.
 */

import type { ClientToServerEvents, ServerToClientEvents } from "@contract/events";
import { type Page, Rooms } from "@contract/rooms";
import { io, type Socket } from "socket.io-client";
import { BEGINNING, type Connection, type Heard, moved } from "../model/connection";
import { Store } from "./store";
import { heldToken } from "./token";

/** How long to wait for the socket before looking things up without it. */
const PATIENCE_MS = 2_500;
const PARTED_PAUSE_MS = 1_000;

export class Live<Found> {
  readonly connection = new Store<Connection>(BEGINNING);
  readonly rooms: Rooms<Found | null>;
  private readonly socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  private impatience: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly page: Pick<Page<Found>, "lookUp" | "show">) {
    this.socket = io({
      transports: ["websocket"],
      autoConnect: false,
      auth: (give) => {
        const token = heldToken();
        give(token === null ? {} : { token });
      },
    });
    this.rooms = new Rooms<Found | null>(this.socket, {
      // Whoever is let into no room at all has nothing to look up.
      lookUp: async (signal) => (this.isShutOut ? null : page.lookUp(signal)),
      show: (found) => {
        if (found !== null) page.show(found);
      },
      stands: (standing) => {
        const refusal = this.refusals[0];
        if (standing === "live" && this.isShutOut && refusal !== undefined) this.hear({ type: "refused", ...refusal });
        else this.hear({ type: "stands", standing });
      },
    });
    this.socket.on("connect", () => clearTimeout(this.impatience));
    this.socket.on("disconnect", (reason) => {
      if (reason === "io server disconnect") this.comeBack();
    });
    this.socket.on("connect_error", (error: Error & { data?: { code?: string } }) => {
      const code = error.data?.code;
      if (code === undefined) {
        this.hear({ type: "unreachable" });
        if (!this.socket.active) this.comeBack();
        return;
      }
      clearTimeout(this.impatience);
      this.hear({ type: "refused", code, message: error.message });
    });
  }

  start(): void {
    this.impatience = setTimeout(() => void this.lookUpWithoutIt(), PATIENCE_MS);
    this.socket.connect();
  }

  /** Connects anew, with a token that was not there before. */
  restart(): void {
    this.socket.disconnect();
    this.connection.set(BEGINNING);
    this.start();
  }

  /** Brings the next token of the same user, over the connection that is there. */
  renew(token: string): void {
    if (this.socket.connected) this.socket.emit("refresh-token", { token }, () => undefined);
    else if (this.connection.value.state === "refused") this.restart();
  }

  lookAgain(): void {
    if (this.rooms.standing === "offline") void this.lookUpWithoutIt();
    else this.rooms.lookAgain();
  }

  /** The stock client does not come back by itself where the bridge has parted with it. */
  private comeBack(): void {
    setTimeout(() => this.socket.connect(), PARTED_PAUSE_MS);
  }

  /** Where sockets do not get through, REST may. */
  private async lookUpWithoutIt(): Promise<void> {
    const found = await this.page.lookUp(new AbortController().signal).catch(() => null);
    if (found !== null && this.rooms.standing === "offline") this.page.show(found);
  }

  private get refusals(): { code: string; message: string }[] {
    return this.rooms.wanted.flatMap(({ answer }) => (answer === null || answer.ok ? [] : [answer.error]));
  }

  private get isShutOut(): boolean {
    const { length } = this.rooms.wanted;
    return length > 0 && this.refusals.length === length;
  }

  private hear(heard: Heard): void {
    this.connection.update((connection) => moved(connection, heard));
  }
}
