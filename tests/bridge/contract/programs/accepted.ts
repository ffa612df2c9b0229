// A front end that uses its events rightly; every line of it must compile.
import { io, type Socket } from "socket.io-client";
import type {
  Answer, ClientToServerEvents, ErrorCode, EscrowState, Message, PaymentStatus, PaymentUpdate, RoomsAnswer, ServerToClientEvents,
} from "./events";
import type { components, operations } from "./rest";

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
  const renewed = await socket.emitWithAck("refresh-token", { token: "t" });
  if (renewed.ok) console.log(renewed.expiresAt ?? "never");
  const typing: Answer = await socket.emitWithAck("typing-start", { chatId: "c1", userId: "u1", userName: "Bea" });
  socket.emit("join-request-room", "r1", (answer) => console.log(answer.ok ? answer.rooms : answer.error.code));
  socket.emit("leave-ops-room", (answer) => console.log(answer.ok));
  console.log(ops, late, typing);
});

// As the specification's own client joins: with no ear for the answer.
socket.emit("join-user-room", "u1");
socket.emit("join-ops-room");
socket.emit("typing-stop", { chatId: "c1", userId: "u1" });
socket.on("connect", () => socket.emit("join-request-room", "r1").emit("join-chat-room", "c1"));

// As the wire has it: with the offset behind the payload.
const offsets: (string | undefined)[] = [];
socket.on("payment-update", ({ paymentId }: PaymentUpdate, offset: string) => offsets.push(paymentId, offset));
socket.on("payment-update", (_update, offset?: string) => offsets.push(offset));
socket.on("user-typing", (_typing, offset) => offsets.push(offset));

// Every word there is, and no other.
const places: Record<PaymentStatus, number> = {
  pending: 0, confirming: 1, partially_paid: 2, completed: 3, expired: 4, failed: 5, cancelled: 6, refunded: 7,
};
socket.on("payment-update", ({ status, escrowState }) => {
  const held: EscrowState = escrowState ?? "none";
  if (held === "funded") console.log(places[status]);
});
socket.on("payout-progress", ({ status, verification }) => status === "mismatch" && verification === "mismatch");
socket.on("refund-updated", ({ status }) => status === "awaiting_address" || status === "completed");

// What is asked by HTTP.
type Payments = operations["listPayments"]["responses"][200]["content"]["application/json"];
async function statuses(requestId: string): Promise<PaymentStatus[]> {
  const { payments }: Payments = await (await fetch(`/api/payments?requestId=${requestId}`)).json();
  return payments.map(({ status }: components["schemas"]["PaymentDocument"]) => status);
}
void statuses("r1");

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
