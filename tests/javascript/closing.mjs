// A front end whose connection closes in the very moment that it has read an event.
//
// node closing.mjs URL [remedy]: joins the room of the request r1, publishes two events to it, and closes its engine with the
// first. Prints what it heard of them as JSON, once it has heard the second. With `remedy` it follows docs/front-end.md.
import { io } from "socket.io-client";

const [url, remedy] = process.argv.slice(2);
const socket = io(url, { withCredentials: true, reconnectionDelay: 50, timeout: false });
if (remedy) socket.io.on("open", () => { socket.receiveBuffer = []; });

const publish = (status) => fetch(`${url}/api/events`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ event: "purchase-request-update", data: { type: "status", requestId: "r1", status } }),
});

const heard = [];
socket.on("purchase-request-update", ({ status }) => {
  heard.push(status);
  if (status !== "second") return;
  console.log(JSON.stringify(heard));
  process.exit();
});
socket.on("connect", async () => {
  if (socket.recovered) {
    await publish("second");
    return;
  }
  await socket.emitWithAck("join-request-room", "r1");
  const { engine } = socket.io;
  engine.on("data", (data) => {
    if (String(data).includes("first")) engine.close();
  });
  await publish("first");
});
