// The usual stack: Express and Socket.IO on one port. POST /emit sends its body to everyone, `times` times in one turn;
// POST /webhook takes what a provider would send, tells everyone, and stores nothing.
import http from "node:http";
import express from "express";
import { Server } from "socket.io";

const app = express();
app.use(express.json());
const server = http.createServer(app);
const io = new Server(server, { transports: ["websocket"] });
app.post("/emit", (request, response) => {
  for (let time = 0; time < (request.body.times ?? 1); time++) io.emit("payment-update", request.body.data);
  response.status(202).end();
});
app.post("/webhook", (request, response) => {
  io.emit("payment-update", { paymentId: request.body.external_id, status: "confirming" });
  response.status(202).end();
});
server.listen(Number(process.argv[2]), "127.0.0.1");
