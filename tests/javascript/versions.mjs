// Front ends of every age: one client of each version of socket.io-client, all in this process.
//
// node versions.mjs URL '[["socket.io-client", "websocket"], ["socket.io-client-4.0", "polling,websocket"], …]'
// Each joins the room of the request r1 on every connect, unless it is recovered and had been answered. Whatever happens to one is printed as a JSON
// line with its number in the list: {"client", "version"} at first, then {"client", "ready", "recovered"} when its join is
// answered, {"client", "event", "args"}, {"client", "transport"} when that changes, and {"client", "error"}.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [url, clients] = process.argv.slice(2);

const sockets = JSON.parse(clients).map(([name, transports], client) => {
  const print = (line) => process.stdout.write(JSON.stringify({ client, ...line }) + "\n");
  const { io } = require(name);
  print({ version: require(`./node_modules/${name}/package.json`).version });
  const socket = io(url, {
    withCredentials: true,
    transports: transports.split(","),
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    timeout: false, // whoever waits for a line has a deadline
  });
  let isIn = false; // whether the join was answered in this session
  socket.onAny((event, ...args) => print({ event, args }));
  socket.on("disconnect", (reason) => print({ disconnected: reason }));
  socket.on("connect", () => {
    const recovered = socket.recovered ?? false; // which versions before 4.6 do not know
    const { engine } = socket.io;
    print({ transport: engine.transport.name });
    engine.once("upgrade", (transport) => print({ transport: transport.name }));
    isIn &&= recovered;
    if (isIn) {
      print({ ready: socket.id, recovered });
    } else {
      socket.emit("join-request-room", "r1", (answer) => {
        isIn = true;
        print({ ready: socket.id, recovered, joined: answer.ok });
      });
    }
  });
  return socket;
});

process.stdin.on("end", () => {
  sockets.forEach((socket) => socket.close());
  process.exit(); // whoever was just connecting to what does not answer would keep the process
}).resume();
