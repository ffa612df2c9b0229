// A front end of a bridge whose machine is taken back to a snapshot: the stock client with the recipe for front ends.
//
// node taken-back.mjs URL RECIPE
// RECIPE is a file: rooms.ts, or one with the handlers that the docs show. It is in the room of the user u1, and for {"join": [event,
// id]} of its input in one more. It prints {"isLive", "recovered", "looks"} whenever it has become live, where "looks" is how often it
// has looked up how things stand, {"heard": what} for each purchase request that it hears of, and {"warning": name} for each warning
// of Node's.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import ts from "typescript";

const { io } = createRequire(import.meta.url)("socket.io-client");
const [url, recipe] = process.argv.slice(2);
const source = ts.transpileModule(await readFile(recipe, "utf8"), {
  compilerOptions: { target: "es2022", module: "esnext" },
}).outputText;
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

process.on("warning", ({ name }) => print({ warning: name }));
const socket = io(url, { transports: ["websocket"], reconnectionDelay: 20, reconnectionDelayMax: 100 });
const joins = [["join-user-room", "u1"]];
let looks = 0;
const lookUp = async () => void (looks += 1);
const show = () => undefined;
const hear = ({ requestId }) => print({ heard: requestId });
const isLive = () => print({ isLive: true, recovered: socket.recovered, looks });

let join;
if (recipe.endsWith("rooms.ts")) {
  const { Rooms } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const rooms = new Rooms(socket, { lookUp, show, stands: (standing) => standing === "live" && isLive() });
  join = (event, id) => rooms.join(event, id);
  for (const [event, id] of joins) join(event, id);
  rooms.on("purchase-request-update", hear);
} else {
  const lines = `${source}\nreturn { inTurn, isCaughtUp: () => held === null };`;
  const { inTurn, isCaughtUp } = new Function("socket", "joins", "lookUp", "show", lines)(socket, joins, lookUp, show);
  join = async (event, id) => {
    joins.push([event, id]);
    await socket.emitWithAck(event, id);
    isLive();
  };
  socket.on("purchase-request-update", (payload) => inTurn(() => hear(payload)));
  socket.on("connect", async () => {
    while (socket.connected && !isCaughtUp()) await new Promise((done) => setTimeout(done, 5));
    if (socket.connected) isLive();
  });
}
createInterface({ input: process.stdin })
  .on("line", (line) => join(...JSON.parse(line).join))
  .on("close", () => process.exit());
