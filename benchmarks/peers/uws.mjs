// Socket.IO on uWebSockets, whose sockets are written in C++.
import uws from "@trufflesuite/uws-js-unofficial";
import { Server } from "socket.io";

const app = uws.App();
const io = new Server({ transports: ["websocket"] });
io.attachApp(app);
app.post("/emit", (response) => {
  let body = "";
  response.onAborted(() => {});
  response.onData((chunk, isLast) => {
    body += Buffer.from(chunk).toString();
    if (!isLast) return;
    const { times = 1, data } = JSON.parse(body);
    for (let time = 0; time < times; time++) io.emit("payment-update", data);
    response.cork(() => response.writeStatus("202 Accepted").end());
  });
});
app.listen("127.0.0.1", Number(process.argv[2]), () => {});
