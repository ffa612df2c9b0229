// A front end that is cut off, and tells why.
//
// node cut-off.mjs URL: sends what is no packet, and prints what its `disconnect` says, as JSON, once it has come back.
import { io } from "socket.io-client";

const socket = io(process.argv[2], { withCredentials: true, transports: ["websocket"], reconnectionDelay: 50 });
let told;
socket.on("disconnect", (reason, details) => { told = [reason, details.context.code, details.context.reason]; });
socket.on("connect", () => {
  if (told === undefined) {
    socket.io.engine.write("x");
    return;
  }
  console.log(JSON.stringify(told));
  process.exit();
});
