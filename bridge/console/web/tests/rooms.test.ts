/** The recipe for front ends, where no real bridge can be made to do it: refusals, silence, and look-ups that come late. */

import { type Page, Rooms, type Standing } from "@contract/rooms";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

type Listener = (...args: unknown[]) => void;

/** A socket that a test plays the bridge behind. */
class PlayedSocket {
  connected = false;
  recovered = false;
  receiveBuffer: unknown[] = [];
  readonly asked: { event: string; id: string; answer: (code?: string) => void }[] = [];
  /** What the journal was taken back to before. */
  readonly lost = new Set<string>();
  readonly listeners = new Map<string, Set<Listener>>();
  /** How long it waits between two connections. */
  readonly waits = { reconnectionDelay: 1_000, reconnectionDelayMax: 5_000, randomizationFactor: 0.5 };
  readonly io = {
    on: (event: string, listener: Listener) => this.on(`io ${event}`, listener),
    off: (event: string, listener: Listener) => this.off(`io ${event}`, listener),
    reconnectionDelay: (ms?: number) => this.wait("reconnectionDelay", ms),
    reconnectionDelayMax: (ms?: number) => this.wait("reconnectionDelayMax", ms),
    randomizationFactor: (factor?: number) => this.wait("randomizationFactor", factor),
  };

  private wait(name: keyof PlayedSocket["waits"], value?: number): unknown {
    if (value === undefined) return this.waits[name];
    this.waits[name] = value;
    return this.io;
  }

  on(event: string, listener: Listener): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener: Listener): void {
    this.listeners.get(event)?.delete(listener);
  }

  emit(event: string, ...args: unknown[]): void {
    const answered = args.pop() as (answer: unknown) => void;
    const [of] = args as [string | { userIds: string[] } | undefined];
    const id = typeof of === "object" ? of.userIds.join("+") : String(args);
    const found = { ok: true, rooms: roomsOf(event, id), ...(this.lost.delete(id) && { recovered: false }) };
    const answer = (code?: string): void => answered(code === undefined ? found : { ok: false, error: { code, message: code } });
    this.asked.push({ event, id, answer });
  }

  hears(event: string, ...args: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...args);
  }

  async connects(recovered = false): Promise<void> {
    Object.assign(this, { connected: true, recovered });
    this.hears("connect");
    await settled();
  }

  cut(): void {
    this.connected = false;
    this.hears("disconnect", "transport close");
  }

  /** Answers all that is asked, each with the same. */
  async answers(code?: string): Promise<string[]> {
    const asked = this.asked.splice(0);
    for (const { answer } of asked) answer(code);
    await settled();
    return asked.map(({ event, id }) => `${event} ${id}`.trim());
  }
}

/** Sellers are in a room of their own and in one that they share. */
const roomsOf = (event: string, id: string): string[] => (event.endsWith("seller-room") ? [`seller-${id}`, "sellers"] : [`${event.split("-")[1]}-${id}`]);
const settled = async (): Promise<void> => void (await vi.advanceTimersByTimeAsync(0));
const update = (status: string): [string, object] => ["payment-update", { paymentId: "p1", status, escrowState: "none" }];

let socket: PlayedSocket;
let stood: Standing[];
let shown: string[];
let refused: string[];
let failed: unknown[];
let lookUps: { find: (found: string) => Promise<void>; fail: () => Promise<void>; signal: AbortSignal }[];

const page: Page<string> = {
  lookUp: (signal) =>
    new Promise((done, fail) => {
      lookUps.push({
        signal,
        find: async (found) => (done(found), settled()),
        fail: async () => (fail(new Error("503")), settled()),
      });
    }),
  show: (found) => shown.push(`found ${found}`),
  stands: (standing) => stood.push(standing),
  refused: ({ event, id }, { code }) => refused.push(`${event} ${id}: ${code}`),
  failed: (error) => failed.push(error),
};

function playedRooms(): Rooms<string> {
  const rooms = new Rooms(socket as never, page);
  rooms.on("payment-update", ({ status }) => void shown.push(`heard ${status}`));
  return rooms;
}

/** Rooms that are live: joined one, and looked up once. */
async function liveRooms(): Promise<Rooms<string>> {
  const rooms = playedRooms();
  rooms.join("join-request-room", "r1");
  await socket.connects();
  expect(await socket.answers()).toEqual(["join-request-room r1"]);
  await lookUps.shift()?.find("pending");
  expect(rooms.standing).toBe("live");
  stood.splice(0);
  shown.splice(0);
  return rooms;
}

beforeEach(() => {
  vi.useFakeTimers();
  socket = new PlayedSocket();
  [stood, shown, refused, failed, lookUps] = [[], [], [], [], []];
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the rooms", () => {
  it("are live only when each is joined and what may have been missed is looked up", async () => {
    const rooms = playedRooms();
    rooms.join("join-request-room", "r1");
    rooms.join("join-user-room", "u1");
    expect(rooms.standing).toBe("offline");
    await socket.connects();
    expect(lookUps).toEqual([]);
    expect(await socket.answers()).toEqual(["join-request-room r1", "join-user-room u1"]);
    expect(stood).toEqual(["catching up"]);
    await lookUps[0]?.find("pending");
    expect(stood).toEqual(["catching up", "live"]);
    expect(lookUps.length).toBe(1);
  });

  it("are live when they are recovered and were all answered before, as soon as each is confirmed", async () => {
    const rooms = await liveRooms();
    rooms.join("join-chat-room", "c1");
    await settled();
    await socket.answers();
    await lookUps.shift()?.find("pending");
    stood.splice(0);
    socket.cut();
    await socket.connects(true);
    socket.hears(...update("confirming"));
    expect([stood, shown.pop()]).toEqual([["offline", "catching up"], "heard confirming"]);
    expect(socket.asked.map(({ id }) => id)).toEqual(["r1", "c1"]);
    socket.asked.shift()?.answer();
    await settled();
    expect(stood).toEqual(["offline", "catching up"]);
    await socket.answers();
    expect([stood, lookUps, socket.asked]).toEqual([["offline", "catching up", "live"], [], []]);
  });

  it("are looked up where one is confirmed that a recovered session did not have: its journal was taken back", async () => {
    const rooms = await liveRooms();
    rooms.join("join-chat-room", "c1");
    rooms.watch("u1");
    await settled();
    await socket.answers();
    await lookUps.shift()?.find("pending");
    for (const lost of ["r1", "u1"]) {
      socket.cut();
      socket.lost.add(lost);
      await socket.connects(true);
      expect(await socket.answers()).toEqual(["join-request-room r1", "join-chat-room c1", "watch-users u1"]);
      expect([rooms.standing, lookUps.length]).toEqual(["catching up", 1]);
      await lookUps.shift()?.find("completed");
      expect(rooms.standing).toBe("live");
    }
  });

  it("are looked up where it was cut off whether a recovered session had them", async () => {
    const rooms = await liveRooms();
    socket.cut();
    await socket.connects(true);
    socket.cut();
    socket.asked.splice(0);
    await socket.connects(true);
    await socket.answers();
    expect([rooms.standing, lookUps.length]).toEqual(["catching up", 1]);
    await lookUps.shift()?.find("completed");
    expect(rooms.standing).toBe("live");
  });

  it.each(["no answer", "too_many", "unavailable"])("are confirmed at last, and live no sooner (%s)", async (code) => {
    const rooms = await liveRooms();
    socket.cut();
    await socket.connects(true);
    if (code !== "no answer") await socket.answers(code);
    await vi.advanceTimersByTimeAsync(11_000);
    expect([stood, refused]).toEqual([["offline", "catching up"], []]);
    await socket.answers();
    expect([rooms.standing, socket.asked, lookUps, refused]).toEqual(["live", [], [], []]);
  });

  it("that a recovered session may be in no longer are told as refused", async () => {
    const rooms = await liveRooms();
    socket.cut();
    await socket.connects(true);
    await socket.answers("not_allowed");
    expect([rooms.standing, refused, lookUps]).toEqual(["live", ["join-request-room r1: not_allowed"], []]);
  });

  it("keep the users that are watched, asked for together on each connection", async () => {
    const rooms = await liveRooms();
    rooms.watch("u1", "u2", "u1");
    rooms.watch("u3");
    await settled();
    expect(await socket.answers()).toEqual(["watch-users u1+u2+u3"]);
    await lookUps.shift()?.find("pending");
    expect(rooms.standing).toBe("live");
    rooms.unwatch("u1", "u3");
    await settled();
    expect(await socket.answers()).toEqual(["unwatch-users u1+u3"]);
    socket.cut();
    await socket.connects(true);
    expect(await socket.answers()).toEqual(["join-request-room r1", "watch-users u2"]);
    socket.cut();
    await socket.connects();
    expect(await socket.answers()).toEqual(["join-request-room r1", "watch-users u2"]);
    expect(rooms.wanted.map(({ event, id }) => `${event} ${id}`)).toEqual(["join-request-room r1", "watch-users u2"]);
  });

  it("are joined again after a recovery that came before the answer", async () => {
    const rooms = await liveRooms();
    rooms.join("join-chat-room", "c1");
    await settled();
    socket.cut();
    socket.asked.splice(0);
    await socket.connects(true);
    expect(await socket.answers()).toEqual(["join-request-room r1", "join-chat-room c1"]);
    expect(rooms.standing).toBe("catching up");
    await lookUps[0]?.find("pending");
    expect(rooms.standing).toBe("live");
  });

  it("are looked up after a recovery that came before the look-up was done", async () => {
    const rooms = playedRooms();
    rooms.join("join-request-room", "r1");
    await socket.connects();
    await socket.answers();
    socket.cut();
    await socket.connects(true);
    expect(await socket.answers()).toEqual(["join-request-room r1"]);
    expect(rooms.standing).toBe("catching up");
    await lookUps[0]?.find("what comes too late");
    await lookUps[1]?.find("pending");
    expect([rooms.standing, shown]).toEqual(["live", ["found pending"]]);
    expect(lookUps.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });

  it.each(["while offline", "before the cut"])("are catching up at once with a look-up to do that was asked for %s", async (when) => {
    const rooms = await liveRooms();
    if (when === "before the cut") rooms.lookAgain();
    await settled();
    socket.cut();
    if (when === "while offline") rooms.lookAgain();
    lookUps.splice(0);
    await socket.connects(true);
    await socket.answers();
    expect(stood).toEqual(["offline", "catching up"]);
    await lookUps.shift()?.fail();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stood).toEqual(["offline", "catching up"]);
    await lookUps.shift()?.find("pending");
    expect(stood).toEqual(["offline", "catching up", "live"]);
  });

  it("are live once the only one is left", async () => {
    const rooms = await liveRooms();
    socket.cut();
    rooms.leave("leave-request-room", "r1");
    await socket.connects(true);
    expect(stood).toEqual(["offline", "catching up"]);
    expect(await socket.answers()).toEqual(["leave-request-room r1"]);
    expect(stood.at(-1)).toBe("live");
  });

  it("are all joined again in a new session", async () => {
    const rooms = await liveRooms();
    rooms.join("user-online", "u1");
    await settled();
    await socket.answers();
    await lookUps.shift()?.find("pending");
    socket.cut();
    await socket.connects();
    expect(await socket.answers()).toEqual(["join-request-room r1", "user-online u1"]);
    expect(lookUps.length).toBe(1);
  });

  it.each(["unavailable", "internal"])("are asked for again when the bridge says %s", async (code) => {
    playedRooms().join("join-request-room", "r1");
    await socket.connects();
    for (const pause of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      expect(await socket.answers(code)).toEqual(["join-request-room r1"]);
      await lookUps.pop()?.find("pending"); // so that there is something to see
      await vi.advanceTimersByTimeAsync(pause / 2 - 1);
      expect(socket.asked.length).toBe(0);
      await vi.advanceTimersByTimeAsync(pause / 2 + 1);
      expect(socket.asked.length).toBe(1);
    }
    await socket.answers();
    expect(stood).toEqual(["catching up"]);
    await lookUps.pop()?.find("pending"); // what may have been missed until it was joined at last
    expect([stood, refused]).toEqual([["catching up", "live"], []]);
  });

  it("are asked for again when nothing is answered", async () => {
    playedRooms().join("join-request-room", "r1");
    await socket.connects();
    await vi.advanceTimersByTimeAsync(10_000);
    await lookUps.pop()?.find("pending");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.asked.length).toBe(2);
    expect(stood).toEqual(["catching up"]);
  });

  it.each(["not_allowed", "bad_argument", "unknown_event"])(
    "that are refused with %s are told, not waited for, and asked for on the next connection",
    async (code) => {
      const rooms = await liveRooms();
      rooms.join("join-user-room", "u2");
      await settled();
      await socket.answers(code);
      expect([rooms.standing, refused]).toEqual(["live", [`join-user-room u2: ${code}`]]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(socket.asked).toEqual([]);
      socket.cut();
      await socket.connects(true);
      expect(await socket.answers()).toEqual(["join-request-room r1", "join-user-room u2"]);
      await lookUps[0]?.find("pending");
      expect(rooms.standing).toBe("live");
    },
  );

  it("of which there are too many are told once, not waited for, and asked for until they are granted", async () => {
    const rooms = await liveRooms();
    rooms.join("join-user-room", "u2");
    await settled();
    for (const pause of [1_000, 2_000, 4_000]) {
      await socket.answers("too_many");
      expect(rooms.standing).toBe("live");
      await vi.advanceTimersByTimeAsync(pause);
    }
    expect(refused).toEqual(["join-user-room u2: too_many"]);
    expect(await socket.answers()).toEqual(["join-user-room u2"]);
    expect(rooms.standing).toBe("catching up");
    await lookUps[0]?.find("pending");
    expect(rooms.standing).toBe("live");
  });

  it("are joined by an answer that comes late", async () => {
    const rooms = playedRooms();
    rooms.join("join-request-room", "r1");
    await socket.connects();
    await vi.advanceTimersByTimeAsync(60_000); // while the journal cannot be written
    expect(socket.asked.length).toBeGreaterThan(2);
    await lookUps.pop()?.find("pending");
    await socket.answers();
    await lookUps.pop()?.find("pending");
    expect(rooms.standing).toBe("live");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([socket.asked, rooms.standing]).toEqual([[], "live"]);
  });

  it("are left, also when that is wished for while offline", async () => {
    const rooms = await liveRooms();
    socket.cut();
    rooms.leave("leave-request-room", "r1");
    rooms.join("join-chat-room", "c1");
    await socket.connects(true);
    expect(await socket.answers()).toEqual(["leave-request-room r1", "join-chat-room c1"]);
    socket.cut();
    await socket.connects();
    expect(await socket.answers()).toEqual(["join-chat-room c1"]);
  });

  it("that were left are left in a new session too, once: the client may have held a join of them back", async () => {
    const rooms = await liveRooms();
    rooms.join("user-online", "u1");
    await settled();
    await socket.answers();
    socket.cut();
    rooms.leave("leave-user-room", "u1");
    rooms.leave("leave-request-room", "r1");
    await socket.connects();
    expect(await socket.answers()).toEqual(["leave-request-room r1", "leave-user-room u1"]);
    socket.cut();
    await socket.connects();
    expect(socket.asked).toEqual([]);
  });

  it("stay live while one is left", async () => {
    const rooms = await liveRooms();
    rooms.leave("leave-request-room", "r1");
    await settled();
    await socket.answers();
    expect([stood, rooms.wanted]).toEqual([[], []]);
  });

  it("are joined again where one that is left shares a room with them, which is looked up then", async () => {
    const rooms = await liveRooms();
    rooms.join("join-seller-room", "s1");
    rooms.join("join-seller-room", "s2");
    await settled();
    await socket.answers();
    await lookUps.pop()?.find("pending");
    rooms.leave("leave-seller-room", "s1");
    await settled();
    expect(await socket.answers()).toEqual(["leave-seller-room s1"]);
    expect(rooms.standing).toBe("catching up");
    expect(await socket.answers()).toEqual(["join-seller-room s2"]);
    await lookUps.pop()?.find("pending");
    expect([rooms.standing, socket.asked]).toEqual(["live", []]);
  });

  it("of which one cannot be left yet are left once that passes", async () => {
    const rooms = await liveRooms();
    rooms.leave("leave-request-room", "r1");
    await settled();
    await socket.answers("too_many");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await socket.answers()).toEqual(["leave-request-room r1"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([refused, socket.asked]).toEqual([[], []]);
  });
});

describe("what is looked up", () => {
  it("is repeated until it is found", async () => {
    const rooms = playedRooms();
    await socket.connects();
    await lookUps[0]?.fail();
    expect([rooms.standing, failed.length]).toEqual(["catching up", 1]);
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.advanceTimersByTimeAsync(10_000); // nothing comes of it
    expect([lookUps[1]?.signal.aborted, failed.length]).toEqual([true, 2]);
    await vi.advanceTimersByTimeAsync(2_000);
    await lookUps[1]?.find("what comes too late");
    await lookUps[2]?.find("pending");
    expect([rooms.standing, shown]).toEqual(["live", ["found pending"]]);
  });

  it("never overwrites what is newer", async () => {
    await liveRooms();
    socket.cut();
    await socket.connects();
    socket.hears(...update("confirming"));
    await socket.answers();
    socket.hears(...update("completed"));
    expect(shown).toEqual(["heard confirming"]);
    await lookUps[0]?.find("confirming");
    expect(shown).toEqual(["heard confirming", "found confirming", "heard completed"]);
  });

  it("gives back what was heard meanwhile when it fails or is cut off", async () => {
    await liveRooms();
    socket.cut();
    await socket.connects();
    await socket.answers();
    socket.hears(...update("confirming"));
    await lookUps[0]?.fail();
    expect(shown).toEqual(["heard confirming"]);
    await vi.advanceTimersByTimeAsync(1_000);
    socket.hears(...update("completed"));
    socket.cut();
    expect(shown).toEqual(["heard confirming", "heard completed"]);
  });

  it("is looked up once more when that is asked for meanwhile, and the page stays live", async () => {
    const rooms = await liveRooms();
    rooms.lookAgain();
    await settled();
    rooms.lookAgain();
    rooms.lookAgain();
    await lookUps[0]?.find("confirming");
    expect(lookUps.length).toBe(2);
    await lookUps[1]?.find("completed");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([lookUps.length, stood, shown]).toEqual([2, [], ["found confirming", "found completed"]]);
  });

  it("may be what tells which rooms to join", async () => {
    const rooms = new Rooms(socket as never, { ...page, show: () => rooms.join("join-request-room", "r1") });
    await socket.connects();
    await lookUps[0]?.find("pending");
    expect(rooms.standing).toBe("catching up");
    expect(await socket.answers()).toEqual(["join-request-room r1"]);
    await lookUps[1]?.find("pending");
    expect(rooms.standing).toBe("live");
  });
});

describe("what is heard", () => {
  it("reaches the others whatever a handler throws", async () => {
    const rooms = await liveRooms();
    rooms.on("payment-received", () => {
      throw new Error("a handler's own");
    });
    rooms.lookAgain();
    await settled();
    socket.hears("payment-received", {});
    socket.hears(...update("completed"));
    await expect(async () => {
      await lookUps[0]?.find("confirming");
    }).rejects.toThrow("a handler's own");
    expect(shown).toEqual(["found confirming", "heard completed"]);
  });

  it("is not what a cut has left in the client, which the bridge tells again", () => {
    playedRooms();
    socket.receiveBuffer = [["payment-update", {}]];
    socket.hears("io open");
    expect(socket.receiveBuffer).toEqual([]);
  });

  it("ends with what hears it", async () => {
    const rooms = await liveRooms();
    rooms.lookAgain();
    await settled();
    socket.hears(...update("confirming"));
    const stop = rooms.on("payment-received", () => void shown.push("heard of money"));
    stop();
    socket.hears("payment-received", {});
    rooms.dispose();
    await lookUps[0]?.find("confirming");
    socket.hears(...update("completed"));
    socket.cut();
    expect([shown, stood]).toEqual([[], []]);
    expect([...socket.listeners.values()].every(({ size }) => size === 0)).toBe(true);
  });
});

describe("a client that is told when to come back", () => {
  const asSet = { reconnectionDelay: 1_000, reconnectionDelayMax: 5_000, randomizationFactor: 0.5 };

  it.each([
    ["it tries to", (): void => socket.hears("io reconnect_attempt", 1)],
    ["it is connected", (): void => socket.hears("io open")],
    ["the rooms let go of it", (rooms: Rooms<string>[]): void => rooms.forEach((one) => one.dispose())],
  ])("waits for just that, and as before once %s, however many rooms and words there are", (_, happens) => {
    const rooms = [playedRooms(), playedRooms()];
    for (const comeBackInMs of [1_200, 0]) {
      socket.hears("bridge-stopping", { comeBackInMs });
      expect(socket.waits).toEqual({ reconnectionDelay: comeBackInMs, reconnectionDelayMax: comeBackInMs, randomizationFactor: 0 });
    }
    happens(rooms);
    expect(socket.waits).toEqual(asSet);
  });

  it("waits as the page has it wait by then", () => {
    playedRooms();
    for (const reconnectionDelay of [2_000, 3_000]) {
      socket.io.reconnectionDelay(reconnectionDelay);
      socket.hears("bridge-stopping", { comeBackInMs: 0 });
      socket.hears("io reconnect_attempt", 1);
      expect(socket.waits).toEqual({ ...asSet, reconnectionDelay });
    }
  });
});
