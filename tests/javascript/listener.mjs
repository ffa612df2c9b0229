// Front ends in miniature, any number of them in this process: each is the stock client, joins rooms and has written down, one
// JSON line each, what it hears.
//
// It reads a JSON line for each thing to do: {"client": number, "open": {"url", "joins": [["join-user-room", "u1"], …],
// "tokens": ["token of the first connection", …], "transports": ["websocket"], "sessionOf": the client whose session it brings, as a
// page does that was duplicated, or null, "asking": null, or {"authority": the file of the certificate that it trusts, "source": the
// address of the loopback that it comes from, where it finds every name}}}, {"client", "fence": true}, {"client", "join":
// ["join-user-room", "u1"]}, {"client", "again": true} to say goodbye and connect anew, {"client", "closeEngine": true} and {"client",
// "close": true}. The last token serves for every further connection. It prints, with the number of the client:
// {"beganAnew": sid} when it comes back and is not recovered, be it cut off again before its joins are answered,
// {"ready": sid, "recovered"} when every join is answered, {"refused", "answer"} for each that was refused, {"event", "args"}
// for each event, {"fence": count} after a round trip to the server, {"asked", "answer"} for a join, and {"closed": true} at last.
//
// What the server had sent before a fence has then been printed. It joins another room for that, where it may: the server keeps
// who is in which room in its journal before it answers, so that what was journaled before has been sent by then.
// Nothing here has a deadline: whoever waits for a line has one.
import fs from "node:fs";
import https from "node:https";
import readline from "node:readline";
import { io } from "socket.io-client";

const clients = new Map();

// As a browser has them: connections that are kept, a name service, authorities and an address.
const agentOf = ({ authority, source }) =>
  new https.Agent({
    ca: fs.readFileSync(authority),
    keepAlive: true,
    localAddress: source,
    lookup: (_, { all }, found) => (all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4)),
  });

function open(client, { url, joins, tokens, transports, sessionOf, asking }) {
  const print = (line) => process.stdout.write(JSON.stringify({ client, ...line }) + "\n");
  const left = [...tokens];
  const socket = io(url, {
    withCredentials: true,
    forceNew: true,
    transports,
    agent: asking !== null && agentOf(asking),
    auth: (send) => send({ token: left.length > 1 ? left.shift() : left[0] }),
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    timeout: false,
  });
  if (sessionOf !== null) {
    const { _pid, _lastOffset } = clients.get(sessionOf).socket;
    Object.assign(socket, { _pid, _lastOffset });
  }
  socket.onAny((event, ...args) => print({ event, args }));
  socket.on("connect_error", (error) => print({ connectError: error.message, data: error.data }));
  socket.on("disconnect", (reason) => print({ disconnected: reason }));
  let isIn = false; // whether every join was granted in this session
  let wasThere = false;
  socket.on("connect", async () => {
    if (wasThere && !socket.recovered) print({ beganAnew: socket.id });
    wasThere = true;
    isIn &&= socket.recovered;
    let isRefused = false; // the next token may grant it
    for (const [event, ...args] of isIn ? [] : joins) {
      // A server that goes does not answer; the client connects again, and joins anew.
      const answer = await socket.emitWithAck(event, ...args).catch(() => null);
      if (answer === null) return;
      if (!answer.ok) print({ refused: [event, ...args], answer });
      isRefused ||= !answer.ok;
    }
    isIn = !isRefused;
    print({ ready: socket.id, recovered: socket.recovered });
  });
  let fences = 0;
  clients.set(client, {
    socket,
    fence: async () => {
      const count = ++fences;
      // One that has not noticed yet that its server is gone asks another, behind what it had missed.
      let answer = null;
      while (answer === null) answer = await socket.emitWithAck("join-template-checkout-room", `fence-${count}`).catch(() => null);
      print({ fence: count });
    },
    join: async ([event, ...args]) => {
      const answer = await socket.emitWithAck(event, ...args).catch(() => null);
      if (answer !== null) print({ asked: [event, ...args], answer });
    },
    again: () => socket.disconnect().connect(),
    closeEngine: () => socket.io.engine.close(),
    close: () => {
      socket.close();
      clients.delete(client);
      print({ closed: true });
    },
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { client, ...deed } = JSON.parse(line);
  if (deed.open) open(client, deed.open);
  else if (deed.fence) void clients.get(client).fence();
  else if (deed.join) void clients.get(client).join(deed.join);
  else if (deed.again) clients.get(client).again();
  else if (deed.closeEngine) clients.get(client).closeEngine();
  else if (deed.close) clients.get(client).close();
}).on("close", () => {
  clients.forEach(({ close }) => close());
  process.exit(); // whoever was just connecting to what does not answer would keep the process
});
