// Front ends of a bridge that stops: the oldest and the newest stock client over each transport, with the recipe for front ends.
//
// node coming-back.mjs URL RECIPE
// RECIPE is rooms.ts. With the number of its client it prints {"live": true, "waits"} whenever it has become live, {"told": when to
// come back, "waits"} once the bridge says that it stops, {"waited": ms} when it tries to connect for the first time after that, and
// {"tried": ms} each further time, with how long it has waited since the last failed. Each has two `Rooms`, and is live when both are.
// "waits" is what the client is set to wait between two connections: the shortest, the longest, and the spread.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import ts from "typescript";

const require = createRequire(import.meta.url);
const [url, recipe] = process.argv.slice(2);
const source = ts.transpileModule(await readFile(recipe, "utf8"), {
  compilerOptions: { target: "es2022", module: "esnext" },
}).outputText;
const { Rooms } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const kinds = ["socket.io-client", "socket.io-client-4.0"].flatMap((version) => [[version, "websocket"], [version, "polling"]]);
kinds.forEach(([version, transport], client) => {
  const print = (line) => process.stdout.write(JSON.stringify({ client, ...line }) + "\n");
  const socket = require(version).io(url, {
    transports: [transport],
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
    timeout: false,
  });
  const { io } = socket;
  const waits = () => [io.reconnectionDelay(), io.reconnectionDelayMax(), io.randomizationFactor()];
  const both = [1, 2].map(() => {
    const stands = () => both.every(({ standing }) => standing === "live") && print({ live: true, waits: waits() });
    return new Rooms(socket, { lookUp: async () => undefined, show: () => undefined, stands });
  });
  for (const rooms of both) rooms.join("join-user-room", "u1");
  let left, failed;
  socket.on("bridge-stopping", ({ comeBackInMs }) => {
    print({ told: comeBackInMs, waits: waits() });
    socket.once("disconnect", () => {
      left = performance.now();
    });
  });
  io.on("reconnect_attempt", (number) => {
    print(number === 1 ? { waited: performance.now() - left } : { tried: performance.now() - failed, number });
  });
  io.on("reconnect_error", () => {
    failed = performance.now();
  });
});
process.stdin.on("end", () => process.exit()).resume();
