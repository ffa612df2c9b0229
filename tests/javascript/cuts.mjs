// Front ends whose connection is cut, after the first packet, the second, and so on, or in the midst of an upgrade: many clients of
// one bridge, each the stock client with the recipe for front ends, behind a proxy of its own.
//
// node cuts.mjs URL RECIPE '[["socket.io-client", "websocket", [7, 3]], ["socket.io-client-4.0", "polling,websocket", "probe"], …]' KILLS
// RECIPE is a file: rooms.ts, or one with the handlers that the docs show. Each client is in two rooms, says of a user of its own
// that it is online, and watches another. It publishes numbered events by turns to the rooms until every client was cut, asking so
// many times, by {"kill": number}, that the bridge be killed and started again; and some more when all are back, until each has
// heard one in each room. Then the watched user comes online, until each has heard that. After that, or at the end of its input, it
// prints a JSON line for each: {"version", "transports", "cut", "standing", "hearsAll", "seesUser", "isOnline", "log"}, and
// {"done": true}. "isOnline" is whether its own user is, and null if that was not asked. The log has ["heard", number], ["found", the
// last number that was looked up] and ["stands", standing, whether it had all that anybody had heard before it connected].
import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import ts from "typescript";
import { CuttingProxy } from "./cutting-proxy.mjs";

const require = createRequire(import.meta.url);
const [url, recipe, clients, kills] = process.argv.slice(2);
const ROOMS = ["user-u1", "request-r1"];
const JOINS = [["join-user-room", "u1"], ["join-request-room", "r1"]];
const EVENTS = ["unread-count-update", "purchase-request-update"];
const WATCHED = "seller-1";
const port = Number(new URL(url).port);
let published = 0;
let newest = -1; // of all that anybody has heard

const source = ts.transpileModule(await readFile(recipe, "utf8"), {
  compilerOptions: { target: "es2022", module: "esnext" },
}).outputText;

/** How a front end keeps its rooms: by the module, or by the lines that the docs show. */
const follow = recipe.endsWith("rooms.ts") ? await byTheModule() : byThePlainRecipe();

async function byTheModule() {
  const { Rooms } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  return (socket, user, { lookUp, show, hear, stands }) => {
    const rooms = new Rooms(socket, { lookUp, show, stands });
    for (const [event, id] of JOINS) rooms.join(event, id);
    rooms.join("user-online", user);
    rooms.watch(WATCHED);
    for (const event of EVENTS) rooms.on(event, hear);
    return () => rooms.standing;
  };
}

function byThePlainRecipe() {
  const lines = `${source}\nreturn { inTurn, isCaughtUp: () => held === null };`;
  const run = new Function("socket", "joins", "lookUp", "show", "console", lines);
  return (socket, user, { lookUp, show, hear }) => {
    const quiet = { log: () => undefined, warn: () => undefined };
    const { inTurn, isCaughtUp } = run(socket, [...JOINS, ["user-online", user]], lookUp, show, quiet);
    for (const event of EVENTS) socket.on(event, (payload) => inTurn(() => hear(payload)));
    return () => (!socket.connected ? "offline" : isCaughtUp() ? "live" : "catching up");
  };
}

const numberOf = ({ type, unreadCount }) => Number(type ?? unreadCount);

/**
 * What is answered. Not by `fetch`, which may wait for ever where the first connection of all is reset at once, as by a bridge that is
 * killed: Node 20 still prepares its parser of HTTP then, and does not hear that the connection has gone.
 */
const ask = (address, { body, ...options } = {}) =>
  new Promise((done, fail) => {
    const answered = async (answer) => {
      const { statusCode: status } = answer;
      return { ok: status < 300, status, content: await text(answer) };
    };
    const asking = http.request(address, options, (answer) => answered(answer).then(done, fail));
    asking.on("error", fail).end(body);
  });

async function frontEnd([version, transports, cut], number) {
  const { io } = require(version);
  const proxy = new CuttingProxy(port, cut === "probe" ? cut : [...cut]);
  const origin = `http://127.0.0.1:${await proxy.listen()}`;
  const log = [];
  let after = "";
  let last = -1;
  let due = -1; // what has to be known before it is live
  let seesUser = false;
  let isOnline = null;
  const user = `user-${number}`;
  const heardIn = new Set(); // the rooms in which something was heard since all were back
  const socket = io(origin, {
    transports: transports.split(","),
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
    ...(recipe.endsWith("rooms.ts") && { timeout: false }), // which alone ends what hangs while it connects, without the module
  });
  // Not before the client knows that its WebSocket is gone: by then it rests from polling, for good if nothing helps it.
  socket.io.on("open", () => {
    due = newest;
    socket.io.engine.once("upgradeError", () => proxy.release());
  });
  socket.on("user-status-change", ({ userId, status }) => (seesUser ||= userId === WATCHED && status === "online"));
  const standing = follow(socket, user, {
    lookUp: async () => {
      const found = { last, after };
      for (let more = true; more; ) {
        const query = [...ROOMS.map((room) => `room=${room}`), "limit=500", ...(found.after && [`after=${found.after}`])];
        const answer = await ask(`${origin}/api/events?${query.join("&")}`);
        if (!answer.ok) throw new Error(`${answer.status}`);
        const page = JSON.parse(answer.content);
        ({ more } = page);
        found.after = page.next;
        for (const { data } of page.events) found.last = numberOf(data);
      }
      return found;
    },
    show: (found) => {
      ({ after } = found);
      log.push(["found", found.last]);
      last = found.last;
    },
    stands: (standing) => log.push(["stands", standing, last >= due]),
    hear: (payload) => {
      const number = numberOf(payload);
      newest = Math.max(newest, number);
      last = Math.max(last, number); // whoever is recovered is told again what was looked up before the cut
      heardIn.add(number % 2);
      log.push(["heard", number]);
    },
  });
  return {
    proxy,
    isThere: () => proxy.isCut && standing() === "live",
    beginsAnew: () => heardIn.clear(),
    hasAll: () => last === published - 1,
    hearsAll: () => heardIn.size === ROOMS.length,
    seesUser: () => seesUser,
    asksPresence: async () => {
      const { users } = JSON.parse((await ask(`${url}/api/presence?userIds=${user}`)).content);
      isOnline = users[0].status === "online";
    },
    close: () => {
      const hearsAll = heardIn.size === ROOMS.length;
      const end = { version, transports, cut, standing: standing(), hearsAll, seesUser, isOnline, log };
      socket.close();
      proxy.close();
      return end;
    },
  };
}

async function publish() {
  const number = published++;
  const event = number % 2
    ? { event: "purchase-request-update", data: { type: String(number), requestId: "r1" } }
    : { event: "unread-count-update", data: { unreadCount: number }, target: { userId: "u1" } };
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": `cuts-${number}` },
    body: JSON.stringify(event),
  };
  // On a machine that stood still, the bridge has closed by now what it was asked over the last time.
  const once = () => ask(`${url}/api/events`, request).catch(() => null);
  let answer = null;
  while ((answer = await once()) === null) await moment();
  if (!answer.ok) throw new Error(`${answer.status}: ${answer.content}`);
}

const moment = () => new Promise((done) => setTimeout(done, 5));
async function until(holds) {
  while (!holds()) await moment();
}

const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
process.stdin.on("end", () => {
  if (!isDone) end();
  process.stdout.write("", () => process.exit());
}).resume();
let isDone = false;
function end() {
  isDone = true;
  for (const one of frontEnds) print(one.close());
}
const frontEnds = await Promise.all(JSON.parse(clients).map(frontEnd));
for (let kill = 1; kill <= Number(kills); kill++) {
  print({ kill });
  for (let count = 0; count < 20; count++) await publish();
}
while (!frontEnds.every(({ proxy }) => proxy.isCut)) {
  await publish();
  await moment();
}
await until(() => frontEnds.every((one) => one.isThere()));
for (const one of frontEnds) one.beginsAnew();
while (!frontEnds.every((one) => one.hearsAll())) {
  await publish();
  await until(() => frontEnds.every((one) => one.hasAll()));
}
await until(() => frontEnds.every((one) => one.isThere()));
for (const one of frontEnds) await one.asksPresence();
const watched = require("socket.io-client").io(url, { transports: ["websocket"] });
watched.on("connect", () => watched.emit("user-online", WATCHED));
await until(() => frontEnds.every((one) => one.seesUser()));
await until(() => frontEnds.every((one) => one.isThere()));
end(); // in this very moment: later one may be offline again, because the machine stood still
print({ done: true });
