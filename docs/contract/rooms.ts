/**
 * The rooms that a page wants to be in, and stays in through every cut of its connection.
 *
 * It joins them, asks again for each on every connection, has looked up what may have been missed, and says how the page
 * stands. It needs nothing but the stock socket.io-client, 4.0 or newer: copy it beside `events.d.ts`. What it promises is
 * in docs/front-end.md.
 */

import type { Manager, Socket } from "socket.io-client";
import type { BridgeStopping, ClientToServerEvents, RefusedError, RoomsAnswer, ServerToClientEvents, UsersAnswer } from "./events";

/** `live`: in every room that it may be in, and nothing is missed. `catching up`: connected, and not there yet. */
export type Standing = "live" | "catching up" | "offline";

export type Join = Extract<keyof ClientToServerEvents, `join-${string}` | "user-online">;
export type Leave = Extract<keyof ClientToServerEvents, `leave-${string}`>;
type Id<Event> = Event extends "join-ops-room" | "leave-ops-room" ? [] : [id: string];

/** A room to be in, or to be out of; or a user to watch, or to watch no longer. */
export interface Wish {
  readonly event: Join | Leave | Watch;
  readonly id: readonly string[];
  /** How the bridge has answered it last in the session that there is; null if it has not. */
  answer: Answer | null;
}

type Watch = "watch-users" | "unwatch-users";
type Answer = RoomsAnswer | UsersAnswer;

/** What the page does itself. */
export interface Page<Found> {
  /** Asks how things stand. It is asked again until it does not throw. The signal ends what comes too late. */
  lookUp: (signal: AbortSignal) => Promise<Found>;
  /** Shows what was found. What is heard while it is looked up is handed out after it. */
  show: (found: Found) => void;
  stands?: (standing: Standing) => void;
  /** A room that one may not be in. It is not waited for, and is asked for again on the next connection, `too_many` sooner. */
  refused?: (wish: Wish, error: RefusedError) => void;
  /** A look-up that failed, and is going to be repeated. */
  failed?: (error: unknown) => void;
}

const ANSWER_WITHIN_MS = 10_000;
const FOUND_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
/** As many users as one connection may watch. */
const WATCHED_AT_ONCE = 200;
/** Why a room may be refused now and granted later: where the bridge fails, which is waited for; where one asks for too much. */
const FAILURES: readonly string[] = ["unavailable", "internal"];
const MAY_PASS: readonly string[] = [...FAILURES, "too_many"];

export class Rooms<Found> {
  standing: Standing = "offline";
  private readonly wishes = new Map<string, Wish>();
  private readonly handlers: [event: string, handler: (...args: unknown[]) => void][] = [];
  private readonly wire: Socket;
  /** Look-ups are numbered: the last that is asked for, the last because something was missed, the last that is done. */
  private asked = 1;
  private missed = 1;
  private done = 0;
  /**
   * What was answered before the session was recovered, and is asked for again: the bridge's whole machine may have been
   * taken back to before it was. An answer shows too that all that was missed was told, which comes first.
   */
  private readonly unconfirmed = new Set<Wish>();
  /** What is heard while something is looked up. */
  private held: (() => void)[] | null = null;
  private connection = new AbortController();
  /** What gives up waiting once the connection is over. Not by its signal: Node warns of one that so many listen to. */
  private readonly ends = new Set<() => void>();
  private isNudged = false;
  private wake = (): void => undefined;

  constructor(
    socket: Socket<ServerToClientEvents, ClientToServerEvents>,
    private readonly page: Page<Found>,
  ) {
    this.wire = socket as unknown as Socket;
    this.wire.io.on("reconnect_attempt", this.attempted);
    this.wire.io.on("open", this.opened);
    failIfClosed(this.wire);
    endIfDeaf(this.wire); // which may be open already
    this.wire.on("connect", this.connected);
    this.wire.on("disconnect", this.disconnected);
    this.wire.on("bridge-stopping", this.told);
    if (this.wire.connected) this.connected();
  }

  /** Every room and every watched user that is wanted, and how each was answered. */
  get wanted(): readonly Wish[] {
    return [...this.wishes.values()].filter(({ event }) => !isLeave(event));
  }

  join<Event extends Join>(event: Event, ...id: Id<Event>): void {
    this.wish(event, id);
  }

  leave<Event extends Leave>(event: Event, ...id: Id<Event>): void {
    if (event === "leave-user-room") this.forget(nameOf("user-online", id));
    this.wish(event, id);
  }

  /** Is told by `user-status-change` who of some users comes and goes, also where that is told to nobody else. */
  watch(...userIds: string[]): void {
    for (const userId of userIds) this.wish("watch-users", [userId]);
  }

  unwatch(...userIds: string[]): void {
    for (const userId of userIds) this.wish("unwatch-users", [userId]);
  }

  /** Hears an event, once and in order; never between a look-up's question and its answer. Returns what ends that. */
  on<Event extends keyof ServerToClientEvents>(event: Event, handler: ServerToClientEvents[Event]): () => void {
    const hear = (...args: unknown[]): void => {
      const handOut = (): void => (handler as (...args: unknown[]) => void)(...args);
      if (this.held === null) attempt(handOut);
      else this.held.push(handOut);
    };
    this.handlers.push([event, hear]);
    this.wire.on(event as string, hear);
    return () => this.wire.off(event as string, hear);
  }

  /** Looks up how things stand once more: after what is being looked up now, and when there is a connection. */
  lookAgain(): void {
    this.asked += 1;
    this.nudge();
  }

  /** Lets go of the socket, which stays connected and in its rooms. */
  dispose(): void {
    this.wire.io.off("reconnect_attempt", this.attempted);
    this.wire.io.off("open", this.opened);
    this.wire.off("connect", this.connected);
    this.wire.off("disconnect", this.disconnected);
    this.wire.off("bridge-stopping", this.told);
    waitAsBefore(this.wire);
    for (const [event, handler] of this.handlers) this.wire.off(event, handler);
    this.held = null;
    this.end();
  }

  private readonly attempted = (): void => {
    waitAsBefore(this.wire);
    void Promise.resolve().then(() => failIfClosed(this.wire)); // once there is an engine
  };

  /** What a cut left behind the stock client would hand out before it connects, and the bridge tells it again. */
  private readonly opened = (): void => {
    waitAsBefore(this.wire);
    this.wire.receiveBuffer = [];
    endIfDeaf(this.wire);
  };

  private readonly connected = (): void => {
    this.end();
    const isRecovered = this.wire.recovered === true;
    // What was to be looked up before still is. An answer that was cut off may have been that something was missed.
    if (isRecovered && ![...this.unconfirmed].some(({ answer }) => answer?.ok)) this.missed = this.asked;
    else this.miss();
    this.unconfirmed.clear();
    for (const wish of this.wishes.values()) {
      // A join whose answer was cut off may never have arrived. A leave is said anew also in a new session: the client may have
      // held a join back that was meant for the old one.
      if (!isRecovered || wish.answer?.ok === false) wish.answer = null;
      if (isRecovered && (wish.answer?.ok || isLeave(wish.event))) this.unconfirmed.add(wish);
    }
    this.connection = new AbortController();
    void this.attend(this.connection.signal);
  };

  private readonly told = ({ comeBackInMs }: BridgeStopping): void => {
    comeBackIn(this.wire, comeBackInMs);
  };

  private readonly disconnected = (): void => {
    this.end();
    this.stands("offline");
  };

  private end(): void {
    this.connection.abort();
    for (const end of this.ends) end();
    this.handOut();
    this.wake();
  }

  private wish(event: Wish["event"], id: readonly string[]): void {
    const name = nameOf(event, id);
    const before = this.wishes.get(name);
    if (before?.event === event) return;
    if (before) this.unconfirmed.delete(before);
    this.wishes.set(name, { event, id, answer: null });
    this.nudge();
  }

  private forget(name: string): void {
    const wish = this.wishes.get(name);
    if (wish === undefined) return;
    this.wishes.delete(name);
    this.unconfirmed.delete(wish);
  }

  /** As long as a connection lasts: joins what is wanted, looks up what was missed, and begins again at each change. */
  private async attend(connection: AbortSignal): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    await Promise.resolve(); // whoever else hears `connect` may wish for rooms
    while (!connection.aborted) {
      this.isNudged = false;
      this.stands(this.isThere ? "live" : "catching up");
      await Promise.all(questions(this.open).map((wishes) => this.ask(wishes, connection)));
      if (!connection.aborted && this.done < this.asked) await this.lookUp(connection);
      if (connection.aborted) return;
      if (this.isThere) this.stands("live");
      const isDone = this.done === this.asked && this.open.length === 0;
      await this.rest(isDone ? null : pause * (0.5 + Math.random() / 2));
      pause = isDone ? FIRST_PAUSE_MS : Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  /** What is to be asked for. */
  private get open(): readonly Wish[] {
    return [...this.wishes.values()].filter((wish) => isAmong(MAY_PASS, wish.answer) || this.unconfirmed.has(wish));
  }

  private get isThere(): boolean {
    return this.unconfirmed.size === 0 && this.done >= this.missed && !this.wanted.some(({ answer }) => isAmong(FAILURES, answer));
  }

  /** Asks for one thing, or for some users together. */
  private async ask(wishes: readonly Wish[], connection: AbortSignal): Promise<void> {
    const [{ event, id }] = wishes as [Wish];
    const argument = isWatch(event) ? [{ userIds: wishes.flatMap((wish) => wish.id) }] : id;
    let isLate = false;
    const asking = (): Promise<void> =>
      new Promise((done) => {
        this.wire.emit(event, ...argument, (answer: Answer) => {
          if (!connection.aborted) for (const wish of wishes) this.answered(wish, answer);
          if (isLate) this.nudge();
          done();
        });
      });
    await within(ANSWER_WITHIN_MS, this.ends, asking).catch(() => (isLate = true));
  }

  private answered(wish: Wish, answer: Answer): void {
    const name = nameOf(wish.event, wish.id);
    const before = wish.answer;
    if (this.wishes.get(name) !== wish) return;
    if (before?.ok && isAmong(MAY_PASS, answer)) return; // it is asked for again
    const wasUnconfirmed = this.unconfirmed.delete(wish);
    if (before?.ok && (!wasUnconfirmed || (answer.ok && answer.recovered !== false))) return;
    wish.answer = answer;
    if (isLeave(wish.event)) {
      if (!isAmong(MAY_PASS, answer)) this.forget(name);
      if (answer.ok) this.askAgainFor(roomsOf(answer));
    } else if (answer.ok === false) {
      const isNews = before?.ok !== false || before.error.code !== answer.error.code;
      if (isNews && !isAmong(FAILURES, answer)) this.page.refused?.(wish, answer.error);
    } else {
      this.miss();
      this.stands("catching up");
    }
  }

  /** Some rooms belong to several joins, as `sellers` does: what leaves one for the first takes it from the others. */
  private askAgainFor(left: readonly string[]): void {
    const robbed = this.wanted.filter(({ answer }) => roomsOf(answer).some((room) => left.includes(room)));
    for (const wish of robbed) {
      wish.answer = null;
      this.unconfirmed.delete(wish);
    }
    if (robbed.length > 0) this.nudge();
  }

  private async lookUp(connection: AbortSignal): Promise<void> {
    const number = this.asked;
    const held: (() => void)[] = [];
    this.held = held;
    try {
      const found = await within(FOUND_WITHIN_MS, this.ends, (signal) => this.page.lookUp(signal));
      if (this.held !== held) return; // the connection is over, and with it this look-up
      this.page.show(found);
      this.done = number;
    } catch (error) {
      if (!connection.aborted) this.page.failed?.(error);
    }
    if (this.held === held) this.handOut();
  }

  private handOut(): void {
    const held = this.held ?? [];
    this.held = null;
    held.forEach(attempt);
  }

  /** Something may have been missed up to now. */
  private miss(): void {
    this.missed = ++this.asked;
  }

  private stands(standing: Standing): void {
    if (this.standing === standing) return;
    this.standing = standing;
    this.page.stands?.(standing);
  }

  private nudge(): void {
    this.isNudged = true;
    this.wake();
  }

  /** Waits for some time, or until it is nudged; not at all if it was nudged meanwhile. */
  private async rest(ms: number | null): Promise<void> {
    if (this.isNudged) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((wake) => {
      this.wake = wake;
      if (ms !== null) timer = setTimeout(wake, ms);
    });
    clearTimeout(timer);
  }
}

/** Whether there is no answer yet, or a refusal of one of these kinds. */
const isAmong = (codes: readonly string[], answer: Answer | null): boolean =>
  answer === null || (answer.ok === false && codes.includes(answer.error.code));
const isWatch = (event: Wish["event"]): event is Watch => event === "watch-users" || event === "unwatch-users";
const isLeave = (event: Wish["event"]): boolean => event.startsWith("leave-") || event === "unwatch-users";
/** A join and the leave that undoes it have one name. */
const nameOf = (event: Wish["event"], id: readonly string[]): string => `${event.replace(/^(join-|leave-|un(?=watch))/, "")} ${id}`;
const roomsOf = (answer: Answer | null): readonly string[] => (answer?.ok && "rooms" in answer ? answer.rooms : []);

/** What is asked for each by itself, and the users that are watched, or no longer, together. */
function questions(wishes: readonly Wish[]): readonly Wish[][] {
  const alone = wishes.filter(({ event }) => !isWatch(event)).map((wish) => [wish]);
  const together = (["unwatch-users", "watch-users"] as const).flatMap((name) => {
    const users = wishes.filter(({ event }) => event === name);
    const starts = [...users.keys()].filter((place) => place % WATCHED_AT_ONCE === 0);
    return starts.map((start) => users.slice(start, start + WATCHED_AT_ONCE));
  });
  return [...alone, ...together];
}

/** The stock client hears of errors alone while it connects: a connection that closes before it is open is made one. */
function failIfClosed({ io }: Socket): void {
  const engine = io.engine as Manager["engine"] | undefined; // none before it connects for the first time
  const fail = (): void => tell(engine, "error");
  engine?.once("close", fail).once("open", () => engine.off("close", fail));
}

/**
 * The stock client rests from polling while it changes over to a WebSocket, and for good where that is cut before it has: it would be
 * deaf until its ping is overdue. Ends such a connection at once, so that the client comes back.
 */
function endIfDeaf({ io }: Socket): void {
  const engine = io.engine as Manager["engine"] | undefined;
  // Not by `close()`, which waits for the polling that rests.
  engine?.once("upgrading", () => engine.once("upgradeError", () => tell(engine.transport, "close")));
}

/** How long clients wait between two connections that the bridge has told to wait otherwise. Several `Rooms` may be told of one. */
const waits = new WeakMap<Manager, readonly [shortest: number, longest: number, spread: number]>();

/** Has the stock client wait for just this long before it connects again. */
function comeBackIn({ io }: Socket, ms: number): void {
  if (!waits.has(io)) waits.set(io, [io.reconnectionDelay(), io.reconnectionDelayMax(), io.randomizationFactor()]);
  io.reconnectionDelay(ms).reconnectionDelayMax(ms).randomizationFactor(0);
}

/** Puts that back. */
function waitAsBefore({ io }: Socket): void {
  const before = waits.get(io);
  if (before === undefined) return;
  waits.delete(io);
  io.reconnectionDelay(before[0]).reconnectionDelayMax(before[1]).randomizationFactor(before[2]);
}

const tell = (emitter: { emit(event: string, error: Error): unknown } | undefined, event: "close" | "error"): void =>
  void emitter?.emit(event, new Error("the connection was cut"));

/** What throws keeps nothing else back; like any handler's, its error is nobody's here. */
function attempt(handOut: () => void): void {
  try {
    handOut();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/** What comes of some work, unless its time is over before, or it is ended as one of `ends`; the signal tells the work so. */
async function within<Outcome>(
  ms: number,
  ends: Set<() => void>,
  work: (signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const timer = setTimeout(end, ms);
  ends.add(end);
  const ended = new Promise<never>((_, reject) => {
    ending.signal.addEventListener("abort", () => reject(new Error("it took too long, or the connection is over")));
  });
  try {
    return await Promise.race([work(ending.signal), ended]);
  } finally {
    clearTimeout(timer);
    ends.delete(end);
  }
}
