// The usual stack, several times: Express and Socket.IO, whose adapter shares what is sent through streams of a Redis.
// POST /emit sends its body to everyone at every process; who joins a room is in it, as the bridge's clients are.
import http from "node:http";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import express from "express";
import { createClient } from "redis";
import { Server } from "socket.io";

const redis = createClient({ url: process.env.REDIS_URL });
await redis.connect();
const app = express();
app.use(express.json());
const server = http.createServer(app);
const io = new Server(server, { transports: ["websocket"], adapter: createAdapter(redis) });
io.on("connection", (socket) => {
  for (const kind of ["user", "request", "chat"]) {
    socket.on(`join-${kind}-room`, (id, answer) => {
      socket.join(`${kind}-${id}`);
      answer();
    });
  }
});
app.post("/emit", (request, response) => {
  for (let time = 0; time < (request.body.times ?? 1); time++) io.emit("payment-update", request.body.data);
  response.status(202).end();
});
server.listen(Number(process.argv[2]), "127.0.0.1");
