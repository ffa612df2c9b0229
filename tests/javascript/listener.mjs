// A front end in miniature: the stock client joins rooms and writes down, one JSON line each, what it hears.
//
// node listener.mjs URL '[["join-user-room", "u1"], …]' ['["token of the first connection", …]']
// It prints {"ready": sid, "recovered"} when every join is answered, {"refused", "answer"} for each that was refused, {"event",
// "args"} for each event, and for each line it reads, {"fence": line} after a round trip to the server: whatever the
// server sent before has then been printed. The last token serves for every further connection.
import readline from "node:readline";
import { io } from "socket.io-client";

const [url, joins, tokens = "[]"] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const left = JSON.parse(tokens);
const auth = (send) => send({ token: left.length > 1 ? left.shift() : left[0] });
const socket = io(url, {
  withCredentials: true,
  transports: (process.env.TRANSPORTS ?? "websocket").split(","),
  auth,
  reconnectionDelay: 50,
  reconnectionDelayMax: 200,
});
socket.onAny((event, ...args) => print({ event, args }));
socket.on("connect_error", (error) => print({ connectError: error.message, data: error.data }));
socket.on("disconnect", (reason) => print({ disconnected: reason }));
socket.on("connect", async () => {
  // Whoever is recovered is in its rooms already.
  for (const [event, ...args] of socket.recovered ? [] : JSON.parse(joins)) {
    const answer = await socket.timeout(5000).emitWithAck(event, ...args);
    if (!answer.ok) print({ refused: [event, ...args], answer });
  }
  print({ ready: socket.id, recovered: socket.recovered });
});

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  await socket.timeout(5000).emitWithAck("leave-ops-room");
  print({ fence: line });
}).on("close", () => socket.close());
