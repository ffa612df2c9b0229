// The reference server, to be asked what the bridge is asked: on a port of its own, which it prints. It lets in the origin that
// it is called with, and tells any other why not.
import { createServer } from "node:http";
import { Server } from "socket.io";

const [frontend] = process.argv.slice(2);
const http = createServer();
new Server(http, {
  cors: { origin: frontend, credentials: true },
  maxHttpBufferSize: 1_000_000,
  pingInterval: 200, // which ends a poll
  allowRequest: ({ headers: { origin } }, answer) => {
    answer(`${origin} is not an accepted origin`, origin === undefined || origin === frontend);
  },
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.on("end", () => process.exit()).resume();
