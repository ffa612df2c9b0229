// A front end that uses its events wrongly: each marked line must be refused with the error it names, and no other.
import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "./events";
import type { components } from "./rest";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io("http://127.0.0.1:8000");

// A misspelt field.
socket.on("payment-update", (update) => console.log(update.paymentID)); // TS2551
socket.on("new-notification", ({ notification }) => console.log(notification.id)); // TS2339
// A misspelt event.
socket.on("payment-updated", () => {}); // TS2345
void socket.emitWithAck("join-users-room", "u1"); // TS2345
// An argument of the wrong type, or missing, or where there is none.
void socket.emitWithAck("join-user-room", 17); // TS2345
void socket.emitWithAck("join-user-room"); // TS2554
void socket.emitWithAck("join-ops-room", "ops"); // TS2554
void socket.emitWithAck("typing-stop", { chatId: "c1" }); // TS2345
// A field that may be missing, or null, used as if it never were.
socket.on("payment-update", (update) => console.log(update.txHash.length)); // TS18048
socket.on("seller-offer-update", ({ data }) => console.log(data.offerId.length)); // TS18047
// A value that the event never has.
socket.on("seller-offer-update", ({ eventType }) => eventType === "payment-complete"); // TS2367
// An amount is a string.
socket.on("payment-received", ({ amount }) => console.log(amount * 2)); // TS2362
// An answer that was not looked at, and an answer without rooms.
void socket.emitWithAck("join-user-room", "u1").then((answer) => console.log(answer.rooms)); // TS2339
void socket.emitWithAck("typing-stop", { chatId: "c1", userId: "u1" }).then((answer) => answer.ok && answer.rooms); // TS2339
// An answer to a new token that was not looked at, and a moment that may be null.
void socket.emitWithAck("refresh-token", { token: "t" }).then((answer) => console.log(answer.expiresAt)); // TS2339
void socket.emitWithAck("refresh-token", { token: "t" }).then((answer) => answer.ok && answer.expiresAt.length); // TS18047
// A code that no refusal has.
socket.emit("user-online", "u1", (answer) => !answer.ok && answer.error.code === "forbidden"); // TS2367
// Without an ear for the answer, too: a misspelt event, and an argument of the wrong type, missing or too many.
socket.emit("join-users-room", "u1"); // TS2769
socket.emit("join-user-room", 17); // TS2345
socket.emit("join-user-room"); // TS2554
socket.emit("join-ops-room", "ops"); // TS2345
// A word that is none of a status's, of the hold's, and of what a chain says.
socket.on("payment-update", ({ status }) => status === "paid"); // TS2367
socket.on("payment-update", ({ escrowState }) => escrowState === "held"); // TS2367
socket.on("payout-progress", ({ verification }) => verification === "ok"); // TS2367
// An event that is in no journal has no offset.
socket.on("system-status", (_status: unknown, offset: string) => console.log(offset)); // TS2345
// A field that an answer by HTTP does not have.
const document = {} as components["schemas"]["PaymentDocument"];
console.log(document.state); // TS2339
