// A front end that uses its events rightly; every line of it must compile.
import { io, type Socket } from "socket.io-client";
import type { Answer, ClientToServerEvents, ErrorCode, Message, PaymentUpdate, RoomsAnswer, ServerToClientEvents } from "./events";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io("http://127.0.0.1:8000");

type IsAny<T> = 0 extends 1 & T ? true : false;

async function join(): Promise<string[]> {
  const answer = await socket.emitWithAck("join-user-room", "u1");
  const isAny: IsAny<typeof answer> = false;
  if (answer.ok) return answer.rooms;
  const code: ErrorCode = answer.error.code;
  throw new Error(`${code}: ${answer.error.message} ${isAny}`);
}

socket.on("connect", async () => {
  await join();
  const ops: RoomsAnswer = await socket.emitWithAck("join-ops-room");
  const late: RoomsAnswer = await socket.timeout(5000).emitWithAck("join-chat-room", "c1");
  const typing: Answer = await socket.emitWithAck("typing-start", { chatId: "c1", userId: "u1", userName: "Bea" });
  socket.emit("join-request-room", "r1", (answer) => console.log(answer.ok ? answer.rooms : answer.error.code));
  socket.emit("leave-ops-room", (answer) => console.log(answer.ok));
  console.log(ops, late, typing);
});

function shortHash(update: PaymentUpdate): string {
  return update.txHash?.slice(0, 8) ?? "";
}

socket.on("payment-update", (update) => console.log(shortHash(update)));
socket.on("new-message", ({ message }) => {
  const { _id, attachments }: Message = message;
  for (const attachment of attachments ?? []) console.log(_id, attachment.url);
});
socket.on("seller-offer-update", ({ eventType, data }) => {
  if (eventType === "payment-completed" && data.offerId !== null) console.log(data.offerId.length);
});
socket.on("new-purchase-request", (request) => console.log(request.title as string));
socket.on("session-ended", ({ reason }) => reason === "token_expired");
