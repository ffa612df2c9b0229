// Front ends whose connection is cut once each, after the first packet, the second, and so on: many clients of one bridge,
// each the stock client with the recipe for front ends, behind a proxy of its own.
//
// node cuts.mjs URL RECIPE '[["websocket", 1], ["polling", 1], ["polling,websocket", 1], …]'
// RECIPE is a file: rooms.ts, or one with the handler that the docs show. It publishes numbered events by turns to two rooms
// until every client was cut, and some more. When every client has heard the last, it prints a JSON line for each: {"client",
// "transports", "cut", "standing", "log"}, where the log has ["heard", number] and ["found", the last number that was found].
import { readFile } from "node:fs/promises";
import { io } from "socket.io-client";
import ts from "typescript";
import { CuttingProxy } from "./cutting-proxy.mjs";

const [url, recipe, clients] = process.argv.slice(2);
const ROOMS = ["user-u1", "request-r1"];
const JOINS = [["join-user-room", "u1"], ["join-request-room", "r1"]];
const AFTERWARDS = 20;
const port = Number(new URL(url).port);
let published = 0;

const source = ts.transpileModule(await readFile(recipe, "utf8"), {
  compilerOptions: { target: "es2022", module: "esnext" },
}).outputText;

/** How a front end keeps its rooms: by the module, or by the lines that the docs show. */
const follow = recipe.endsWith("rooms.ts") ? await byTheModule() : byThePlainRecipe();

async function byTheModule() {
  const { Rooms } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  return (socket, { lookUp, show, hear, stands }) => {
    const rooms = new Rooms(socket, { lookUp, show, stands });
    for (const [event, id] of JOINS) rooms.join(event, id);
    for (const event of ["unread-count-update", "purchase-request-update"]) rooms.on(event, hear);
    return () => rooms.standing;
  };
}

function byThePlainRecipe() {
  const handler = new Function("socket", "joins", "lookUp", "show", "hearing", `${source}\nhearing(hear); return () => held === null;`);
  return (socket, { lookUp, show, hear }) => {
    const isThere = handler(socket, JOINS, lookUp, show, (on) => {
      for (const event of ["unread-count-update", "purchase-request-update"]) on(event, hear);
    });
    return () => (!socket.connected ? "offline" : isThere() ? "live" : "catching up");
  };
}

const numberOf = ({ type, unreadCount }) => Number(type ?? unreadCount);

async function frontEnd([transports, cut], client) {
  const proxy = new CuttingProxy(port, cut);
  const origin = `http://127.0.0.1:${await proxy.listen()}`;
  const log = [];
  let after = "";
  let last = -1;
  const socket = io(origin, {
    transports: transports.split(","),
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
  });
  const standing = follow(socket, {
    lookUp: async () => {
      const found = { last, after };
      for (let more = true; more; ) {
        const query = [...ROOMS.map((room) => `room=${room}`), "limit=500", ...(found.after && [`after=${found.after}`])];
        const answer = await fetch(`${origin}/api/events?${query.join("&")}`);
        if (!answer.ok) throw new Error(`${answer.status}`);
        const page = await answer.json();
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
    stands: (standing) => log.push(["stands", standing]),
    hear: (payload) => {
      last = numberOf(payload);
      log.push(["heard", last]);
    },
  });
  return {
    proxy,
    isThere: () => proxy.isCut && standing() === "live",
    hasAll: () => last === published - 1,
    close: () => {
      const end = { client, transports, cut, standing: standing(), log };
      socket.close();
      proxy.close();
      return end;
    },
    report: () => ({ client, transports, cut, isCut: proxy.isCut, packets: proxy.packets, standing: standing(), last, end: log.slice(-5) }),
  };
}

async function publish() {
  const number = published++;
  const event = number % 2
    ? { event: "purchase-request-update", data: { type: String(number), requestId: "r1" } }
    : { event: "unread-count-update", data: { unreadCount: number }, target: { userId: "u1" } };
  const answer = await fetch(`${url}/api/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(event),
  });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
}

const t0 = Date.now();
const say = (what) => console.error(what, Date.now() - t0, published);
const moment = () => new Promise((done) => setTimeout(done, 5));
async function until(holds) {
  while (!holds()) await moment();
}

process.stdin.on("end", () => process.exit()).resume();
const frontEnds = await Promise.all(JSON.parse(clients).map(frontEnd));
process.on("SIGUSR2", () => console.error(frontEnds.filter((one) => !(one.isThere() && one.hasAll())).map((one) => JSON.stringify(one.report())).join("\n")));
while (!frontEnds.every(({ proxy }) => proxy.isCut)) {
  await publish();
  await moment();
}
say('cut'); await until(() => frontEnds.every((one) => one.isThere())); say('there');
for (let more = AFTERWARDS; more > 0; more--) await publish(); // which each hears in its rooms
await until(() => frontEnds.every((one) => one.hasAll())); say('all');
for (const one of frontEnds) process.stdout.write(JSON.stringify({ ...one.close(), published }) + "\n");
process.stdout.write("", () => process.exit());
