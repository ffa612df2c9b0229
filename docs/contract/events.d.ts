// Generated from the catalogue by `bridge contract --format typescript`; `make contract` writes it anew.
//
//     import { io, type Socket } from "socket.io-client";
//     import type { ClientToServerEvents, ServerToClientEvents } from "./events";
//
//     const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url);
//
// The types of what is asked by HTTP are in `rest.d.ts`.

import type { Socket } from "socket.io-client";

/**
 * What the server sends.
 *
 * Where there is one, the last argument is the event's offset in the journal, which socket.io-client keeps for its
 * recovery. It is missing for who connects with `recovery: false`.
 */
export interface ServerToClientEvents {

  // marketplace

  /**
   * A buyer asks for something: the whole `PurchaseRequest` document, in the marketplace's own form.
   *
   * Goes to `sellers`.
   */
  "new-purchase-request": (payload: NewPurchaseRequest, offset: string) => void;

  /**
   * A seller offers what a buyer asked for. The offer is a document of the marketplace's.
   *
   * Goes to `buyer-<buyerId>`.
   */
  "new-offer": (payload: NewOffer, offset: string) => void;

  /**
   * A seller's offer was paid, accepted or rejected. That it was paid is told to everyone.
   *
   * Goes to `seller-<sellerId>`, and to everyone in the case that is named above.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "seller-offer-update": (payload: SellerOfferUpdate, offset: string) => void;

  /**
   * Something happened to a purchase request, such as its payment changing status.
   *
   * Goes to `request-<requestId>`.
   */
  "purchase-request-update": (payload: PurchaseRequestUpdate, offset: string) => void;

  /**
   * A purchase request was withdrawn.
   *
   * Goes to `user-<buyerId>` and `user-<sellerId>`.
   */
  "request-cancelled": (payload: RequestCancelled, offset: string) => void;

  /**
   * A sale is done: paid, delivered and confirmed.
   *
   * Goes to `user-<buyerId>` and `user-<sellerId>`.
   */
  "transaction-completed": (payload: TransactionCompleted, offset: string) => void;

  /**
   * The code with which the buyer will confirm the delivery was made.
   *
   * Goes to `request-<requestId>`.
   */
  "delivery-code-generated": (payload: DeliveryCodeGenerated, offset: string) => void;

  /**
   * A delivery moved.
   *
   * Goes to `request-<requestId>`.
   */
  "delivery-update": (payload: DeliveryUpdate, offset: string) => void;

  /**
   * A delivery was confirmed.
   *
   * Goes to `request-<requestId>`.
   */
  "delivery-confirmed": (payload: DeliveryConfirmed, offset: string) => void;

  /**
   * The buyer confirmed a delivery; told to the seller.
   *
   * Goes to `user-<sellerId>`.
   */
  "buyer-confirmed-delivery": (payload: BuyerConfirmedDelivery, offset: string) => void;

  /**
   * The one payment of a template checkout was completed.
   *
   * Goes to everyone, among them `template-checkout-<checkoutId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "template-checkout-payment-confirmed": (payload: CheckoutPaymentConfirmed, offset: string) => void;

  /**
   * A template checkout waits for its payment.
   *
   * Goes to everyone, among them `template-checkout-<checkoutId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "template-checkout-payment-pending": (payload: CheckoutPaymentPending, offset: string) => void;

  /**
   * A template checkout will not be paid; the reason is for a person to read.
   *
   * Goes to everyone, among them `template-checkout-<checkoutId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "template-checkout-payment-failed": (payload: CheckoutPaymentFailed, offset: string) => void;

  // payment

  /**
   * A payment was registered.
   *
   * Goes to everyone, among them `request-<requestId>`, `user-<buyerId>` and `user-<sellerId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "payment-created": (payload: PaymentCreated, offset: string) => void;

  /**
   * A payment was completed; told to the seller once in the payment's life.
   *
   * Goes to `user-<sellerId>`.
   */
  "payment-received": (payload: PaymentReceived, offset: string) => void;

  /**
   * A payment moved: its status changed, or more money was seen or received.
   *
   * Goes to everyone, among them `request-<requestId>`, `user-<buyerId>` and `user-<sellerId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "payment-update": (payload: PaymentUpdate, offset: string) => void;

  /**
   * A payout to a seller was taken on by whoever sends it, which gave it its task.
   *
   * Goes to everyone, among them `user-<sellerId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "payout-created": (payload: PayoutCreated, offset: string) => void;

  /**
   * A payout has arrived.
   *
   * Goes to everyone, among them `user-<sellerId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "payout-completed": (payload: PayoutCompleted, offset: string) => void;

  /**
   * A payout's status changed, also before whoever sends it has taken it on: it awaits approval, or is approved or
   * rejected; it failed, or nobody knows whether it was sent. That it was asked for is no change, and not told.
   *
   * Goes to everyone, among them `user-<sellerId>`.
   *
   * It is confidential: where clients bring tokens, only its rooms and staff receive it, unless the bridge is
   * configured otherwise.
   */
  "payout-updated": (payload: PayoutUpdated, offset: string) => void;

  // chat

  /**
   * Somebody wrote.
   *
   * Goes to `chat-<chatId>`.
   */
  "new-message": (payload: NewMessage, offset: string) => void;

  /**
   * Somebody read a chat up to a message.
   *
   * Goes to `chat-<chatId>`.
   */
  "messages-read": (payload: MessagesRead, offset: string) => void;

  /**
   * A message has other words now.
   *
   * Goes to `chat-<chatId>`.
   */
  "message-edited": (payload: MessageEdited, offset: string) => void;

  /**
   * A message was taken back.
   *
   * Goes to `chat-<chatId>`.
   */
  "message-deleted": (payload: MessageDeleted, offset: string) => void;

  /**
   * A chat has new members.
   *
   * Goes to `chat-<chatId>`.
   */
  "participants-added": (payload: ParticipantsAdded, offset: string) => void;

  /**
   * A chat has lost a member.
   *
   * Goes to `chat-<chatId>`.
   */
  "participant-removed": (payload: ParticipantRemoved, offset: string) => void;

  /**
   * Somebody is writing, or has stopped.
   *
   * Goes to `chat-<chatId>`.
   */
  "user-typing": (payload: UserTyping, offset?: string) => void;

  /**
   * Somebody came or went. With `presence_to = "watchers"` those alone are told who watch the user.
   *
   * Goes to everyone.
   */
  "user-status-change": (payload: UserStatusChange, offset?: string) => void;

  // notification

  /**
   * A user is told something.
   *
   * Goes to `user-<userId>`.
   */
  "new-notification": (payload: NewNotification, offset: string) => void;

  /**
   * How many notifications a user has not read.
   *
   * Goes to `user-<userId>`.
   */
  "unread-count-update": (payload: UnreadCountUpdate, offset: string) => void;

  // points

  /**
   * A user reached another level.
   *
   * Goes to `user-<userId>`.
   */
  "level-up": (payload: LevelUp, offset: string) => void;

  /**
   * A user earned points by somebody they brought.
   *
   * Goes to `user-<userId>`.
   */
  "referral-reward": (payload: ReferralReward, offset: string) => void;

  /**
   * Somebody whom a user brought has signed up.
   *
   * Goes to `user-<userId>`.
   */
  "referral-signup": (payload: ReferralSignup, offset: string) => void;

  // additions

  /**
   * The connection is about to be closed: the token it was made with has expired or was revoked, the key that it was
   * signed with is not accepted any more, or somebody disconnects its user.
   *
   * Goes to the one client that it is about.
   *
   * The bridge adds it to the specification.
   */
  "session-ended": (payload: SessionEnded) => void;

  /**
   * The connection is about to be closed, because the bridge stops: come back once the time that it says has passed.
   * Each client is told another time, so that they do not come all at once. It is not journaled.
   *
   * Goes to the one client that it is about.
   *
   * The bridge adds it to the specification.
   */
  "bridge-stopping": (payload: BridgeStopping) => void;

  /**
   * Access was taken back, or given again: to a room, or all that tokens grant. Whoever it was taken from has left
   * the room, or is about to be disconnected.
   *
   * Goes to `ops` and `user-<userId>`.
   *
   * The bridge adds it to the specification.
   */
  "access-changed": (payload: AccessChanged, offset: string) => void;

  /**
   * How far a payment has come: what is missing still, and how many blocks confirm what is on its way. It is told, as
   * it was, also when the payment is to be paid elsewhere or at another price: look it up. The product added it to
   * the specification.
   *
   * Goes to `ops`, `request-<requestId>`, `template-checkout-<checkoutId>`, `user-<buyerId>` and `user-<sellerId>`.
   *
   * The bridge adds it to the specification.
   */
  "payment-progress": (payload: PaymentProgress, offset: string) => void;

  /**
   * How far a payout has come on its chain, and whether that shows it to be what was asked for. The product added it
   * to the specification.
   *
   * Goes to `ops` and `user-<sellerId>`.
   *
   * The bridge adds it to the specification.
   */
  "payout-progress": (payload: PayoutProgress, offset: string) => void;

  /**
   * Money of a payment is to go back to its buyer, who is asked where to send it: on the payment's page. The product
   * added it to the specification.
   *
   * Goes to `ops`, `request-<requestId>`, `template-checkout-<checkoutId>` and `user-<buyerId>`.
   *
   * The bridge adds it to the specification.
   */
  "refund-opened": (payload: RefundOpened, offset: string) => void;

  /**
   * A refund moved: it was withdrawn, or the payout that carries it moved. The product added it to the specification.
   *
   * Goes to `ops`, `request-<requestId>`, `template-checkout-<checkoutId>` and `user-<buyerId>`.
   *
   * The bridge adds it to the specification.
   */
  "refund-updated": (payload: RefundUpdated, offset: string) => void;

  /**
   * Something needs a person, or does so no more; or somebody has taken it on, put it off or closed it. It goes to
   * staff alone.
   *
   * Goes to `ops`.
   *
   * The bridge adds it to the specification.
   */
  "attention-updated": (payload: AttentionUpdated, offset: string) => void;

  /**
   * How the bridge is doing that the watcher is connected to: once a second to whoever watches in the room `ops`.
   * `nodes` has the others. It is not journaled.
   *
   * Goes to `ops`.
   *
   * The bridge adds it to the specification.
   */
  "system-status": (payload: SystemStatus) => void;
}

/**
 * What clients send. Every event is answered.
 *
 * The last parameter is the acknowledgement: `await socket.emitWithAck(event, argument)` gives what it is called
 * with, and `socket.emit(event, argument, (answer) => …)` hears it. Whoever does not care for the answer leaves it
 * out. After `socket.timeout(…)` it is `any`; name the type then, `RoomsAnswer`, `UsersAnswer`, `TokenAnswer` or
 * `Answer`.
 */
export interface ClientToServerEvents {

  /** Joins `user-<userId>`. */
  "join-user-room": (userId: string, answer: (answer: RoomsAnswer) => void) => void;

  /**
   * Leaves `user-<userId>`.
   *
   * The bridge adds it to the specification.
   */
  "leave-user-room": (userId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Joins `request-<requestId>`. */
  "join-request-room": (requestId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Leaves `request-<requestId>`. */
  "leave-request-room": (requestId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Joins `seller-<sellerId>` and `sellers`. */
  "join-seller-room": (sellerId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Leaves `seller-<sellerId>` and `sellers`. */
  "leave-seller-room": (sellerId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Joins `buyer-<buyerId>` and `buyers`. */
  "join-buyer-room": (buyerId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Leaves `buyer-<buyerId>` and `buyers`. */
  "leave-buyer-room": (buyerId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Joins `chat-<chatId>`. */
  "join-chat-room": (chatId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Leaves `chat-<chatId>`. */
  "leave-chat-room": (chatId: string, answer: (answer: RoomsAnswer) => void) => void;

  /**
   * Joins `template-checkout-<checkoutId>`.
   *
   * The bridge adds it to the specification.
   */
  "join-template-checkout-room": (checkoutId: string, answer: (answer: RoomsAnswer) => void) => void;

  /**
   * Leaves `template-checkout-<checkoutId>`.
   *
   * The bridge adds it to the specification.
   */
  "leave-template-checkout-room": (checkoutId: string, answer: (answer: RoomsAnswer) => void) => void;

  /**
   * Joins `ops`.
   *
   * The bridge adds it to the specification.
   */
  "join-ops-room": (answer: (answer: RoomsAnswer) => void) => void;

  /**
   * Leaves `ops`.
   *
   * The bridge adds it to the specification.
   */
  "leave-ops-room": (answer: (answer: RoomsAnswer) => void) => void;

  /**
   * Joins `user-<userId>` and counts as the user being there: everyone receives `user-status-change`, or whoever
   * watches the user, where the bridge tells nobody else (`presence_to`).
   */
  "user-online": (userId: string, answer: (answer: RoomsAnswer) => void) => void;

  /** Tells the others in `chat-<chatId>` that the user is typing, with `user-typing`. */
  "typing-start": (typing: TypingStart, answer: (answer: Answer) => void) => void;

  /** Tells the others in `chat-<chatId>` that the user is not typing any more, with `user-typing`. */
  "typing-stop": (typing: TypingStop, answer: (answer: Answer) => void) => void;

  /**
   * Watches these users, besides those that are watched: `user-status-change` tells of each, also where the bridge
   * tells nobody else. One connection watches at most 200 users. The answer has how each stands.
   *
   * The bridge adds it to the specification.
   */
  "watch-users": (users: WatchedUsers, answer: (answer: UsersAnswer) => void) => void;

  /**
   * Watches these users no longer. The answer has how each stands.
   *
   * The bridge adds it to the specification.
   */
  "unwatch-users": (users: WatchedUsers, answer: (answer: UsersAnswer) => void) => void;

  /**
   * Goes on with a new token of the same user: what it grants may be joined from now on, and rooms that it does not
   * grant any more are left. The answer has `expiresAt`, null where nobody is asked for a token.
   *
   * The bridge adds it to the specification.
   */
  "refresh-token": (renewal: TokenRenewal, answer: (answer: TokenAnswer) => void) => void;
}

type WithoutAnswer<All extends unknown[]> = All extends [...infer Arguments, unknown] ? Arguments : never;

declare module "socket.io-client" {
  interface Socket<ListenEvents, EmitEvents> {
    /** Sends an event, and does not ask for its answer. */
    emit<Name extends keyof ClientToServerEvents>(
      this: Socket<ListenEvents, ClientToServerEvents>,
      event: Name,
      ...argument: WithoutAnswer<Parameters<ClientToServerEvents[Name]>>
    ): this;
  }
}

/** What an event about rooms is answered with. */
export type RoomsAnswer = RoomsDone | Refused;

/** It is done, and these are the rooms that were joined or left. */
export interface RoomsDone {
  ok: true;
  rooms: string[];
  /**
   * Here only where the client was recovered, and its session did not have all of this: what was told of it since may
   * be missed, so look it up.
   */
  recovered?: false;
}

/** It was not done. */
export interface Refused {
  ok: false;
  error: RefusedError;
}

/** Why something was not done: a code for programs, a message for people. */
export interface RefusedError {
  code: ErrorCode;
  message: string;
}

/** Why something was not done, for programs. */
export type ErrorCode = "bad_argument" | "not_allowed" | "too_many" | "unknown_event" | "internal" | "unavailable" | "token_missing" | "token_expired" | "token_invalid" | "token_revoked";

/** What an event about watching users is answered with. */
export type UsersAnswer = UsersDone | Refused;

/** It is done, and this is how each of these users stands. */
export interface UsersDone {
  ok: true;
  users: UserStatus[];
  /** Here only where the client was recovered, and its session did not watch all of these users. */
  recovered?: false;
}

/** How a user stands, in the words of `user-status-change`. */
export interface UserStatus {
  userId: string;
  status: "online" | "offline";
  /** Null for a user who was not seen since the bridge started. */
  lastSeen: string | null;
}

/** What a new token is answered with. */
export type TokenAnswer = TokenDone | Refused;

/** The new token counts from now on. */
export interface TokenDone {
  ok: true;
  /** When it ends; null where nobody is asked for a token. */
  expiresAt: string | null;
}

/** What any other event is answered with. */
export type Answer = Done | Refused;

/** It is done. */
export interface Done {
  ok: true;
}

/**
 * Who began to type, and in which chat.
 *
 * What `typing-start` carries.
 */
export interface TypingStart {
  chatId: string;
  userId: string;
  userName: string;
}

/**
 * Who stopped typing, and in which chat.
 *
 * What `typing-stop` carries.
 */
export interface TypingStop {
  chatId: string;
  userId: string;
}

/**
 * Users who are to be watched, or no longer.
 *
 * What `unwatch-users` carries.
 */
export interface WatchedUsers {
  userIds: string[];
}

/**
 * A new token for a connection that is there.
 *
 * What `refresh-token` carries.
 */
export interface TokenRenewal {
  token: string;
}

/**
 * A buyer asks for something: the whole `PurchaseRequest` document, in the marketplace's own form.
 *
 * What `new-purchase-request` carries.
 */
export interface NewPurchaseRequest {
  [field: string]: unknown;
}

/**
 * A seller offers what a buyer asked for. The offer is a document of the marketplace's.
 *
 * What `new-offer` carries.
 */
export interface NewOffer {
  requestId: string;
  offer: Record<string, unknown>;
  sellerId: string;
}

/**
 * A seller's offer was paid, accepted or rejected. That it was paid is told to everyone.
 *
 * What `seller-offer-update` carries.
 */
export interface SellerOfferUpdate {
  sellerId: string;
  requestId: string;
  eventType: "payment-completed" | "offer-rejected" | "offer-accepted";
  data: SellerOfferUpdateData;
}

/** Which offer, and what became of it. */
export interface SellerOfferUpdateData {
  /** None when the payment was registered without an offer. */
  offerId: string | null;
  isSelected: boolean;
  paymentId?: string;
  transactionHash?: string;
  reason?: string;
}

/**
 * Something happened to a purchase request, such as its payment changing status.
 *
 * What `purchase-request-update` carries.
 */
export interface PurchaseRequestUpdate {
  type: string;
  requestId: string;
  status?: string;
  paymentId?: string;
  txHash?: string;
  provider?: string;
}

/**
 * A purchase request was withdrawn.
 *
 * What `request-cancelled` carries.
 */
export interface RequestCancelled {
  requestId: string;
  reason: string;
}

/**
 * A sale is done: paid, delivered and confirmed.
 *
 * What `transaction-completed` carries.
 */
export interface TransactionCompleted {
  requestId: string;
  paymentId: string;
  /** A decimal string, never a float and never with an exponent. */
  amount: string;
  currency: string;
}

/**
 * The code with which the buyer will confirm the delivery was made.
 *
 * What `delivery-code-generated` carries.
 */
export interface DeliveryCodeGenerated {
  requestId: string;
  deliveryCode: string;
}

/**
 * A delivery moved.
 *
 * What `delivery-update` carries.
 */
export interface DeliveryUpdate {
  requestId: string;
  status: string;
  carrier?: string;
  trackingNumber?: string;
}

/**
 * A delivery was confirmed.
 *
 * What `delivery-confirmed` carries.
 */
export interface DeliveryConfirmed {
  requestId: string;
}

/**
 * The buyer confirmed a delivery; told to the seller.
 *
 * What `buyer-confirmed-delivery` carries.
 */
export interface BuyerConfirmedDelivery {
  requestId: string;
  buyerId: string;
}

/**
 * The one payment of a template checkout was completed.
 *
 * What `template-checkout-payment-confirmed` carries.
 */
export interface CheckoutPaymentConfirmed {
  checkoutId: string;
  requestIds: string[];
  paymentId: string;
}

/**
 * A template checkout waits for its payment.
 *
 * What `template-checkout-payment-pending` carries.
 */
export interface CheckoutPaymentPending {
  checkoutId: string;
}

/**
 * A template checkout will not be paid; the reason is for a person to read.
 *
 * What `template-checkout-payment-failed` carries.
 */
export interface CheckoutPaymentFailed {
  checkoutId: string;
  reason: string;
}

/**
 * A payment was registered.
 *
 * What `payment-created` carries.
 */
export interface PaymentCreated {
  paymentId: string;
  provider: string;
  requestId: string;
  buyerId: string;
  sellerId: string;
  /** A decimal string, never a float and never with an exponent. */
  amount: string;
  currency: string;
}

/**
 * A payment was completed; told to the seller once in the payment's life.
 *
 * What `payment-received` carries.
 */
export interface PaymentReceived {
  purchaseRequestId: string;
  /** A decimal string, never a float and never with an exponent. */
  amount: string;
  currency: string;
  buyerId: string;
}

/**
 * A payment moved: its status changed, or more money was seen or received.
 *
 * What `payment-update` carries.
 */
export interface PaymentUpdate {
  paymentId: string;
  status: PaymentStatus;
  escrowState?: EscrowState;
  txHash?: string;
}

/** Where a payment stands, as `payment-update` says it. */
export type PaymentStatus = "pending" | "confirming" | "partially_paid" | "completed" | "expired" | "failed" | "cancelled" | "refunded";

/** Where the marketplace's hold on the money stands. */
export type EscrowState = "none" | "funded" | "releasing" | "released" | "refunded";

/**
 * A payout to a seller was taken on by whoever sends it, which gave it its task.
 *
 * What `payout-created` carries.
 */
export interface PayoutCreated {
  payoutId: string;
  taskId: string;
  sellerId: string;
  /** A decimal string, never a float and never with an exponent. */
  amount: string;
  currency: string;
}

/**
 * A payout has arrived.
 *
 * What `payout-completed` carries.
 */
export interface PayoutCompleted {
  payoutId: string;
  taskId: string;
  txHash: string;
}

/**
 * A payout's status changed, also before whoever sends it has taken it on: it awaits approval, or is approved or
 * rejected; it failed, or nobody knows whether it was sent. That it was asked for is no change, and not told.
 *
 * What `payout-updated` carries.
 */
export interface PayoutUpdated {
  payoutId: string;
  status: PayoutStatus;
}

/** Where a payout stands, as `payout-updated` says it. */
export type PayoutStatus = "awaiting_approval" | "created" | "ambiguous" | "broadcast" | "confirming" | "mismatch" | "dropped" | "completed" | "failed" | "returned";

/**
 * Somebody wrote.
 *
 * What `new-message` carries.
 */
export interface NewMessage {
  chatId: string;
  message: Message;
  senderId: string;
}

/** One message of a chat. Attachments are documents of the chat service's. */
export interface Message {
  _id: string;
  content: string;
  senderId: string;
  createdAt: string;
  attachments?: Record<string, unknown>[];
}

/**
 * Somebody read a chat up to a message.
 *
 * What `messages-read` carries.
 */
export interface MessagesRead {
  chatId: string;
  userId: string;
  upToMessageId: string;
  modifiedCount: number;
}

/**
 * A message has other words now.
 *
 * What `message-edited` carries.
 */
export interface MessageEdited {
  chatId: string;
  messageId: string;
  content: string;
  editedAt: string;
}

/**
 * A message was taken back.
 *
 * What `message-deleted` carries.
 */
export interface MessageDeleted {
  chatId: string;
  messageId: string;
  deletedAt: string;
}

/**
 * A chat has new members.
 *
 * What `participants-added` carries.
 */
export interface ParticipantsAdded {
  chatId: string;
  addedUserIds: string[];
}

/**
 * A chat has lost a member.
 *
 * What `participant-removed` carries.
 */
export interface ParticipantRemoved {
  chatId: string;
  removedUserId: string;
}

/**
 * Somebody is writing, or has stopped.
 *
 * What `user-typing` carries.
 */
export interface UserTyping {
  userId: string;
  userName?: string;
  isTyping: boolean;
}

/**
 * Somebody came or went. With `presence_to = "watchers"` those alone are told who watch the user.
 *
 * What `user-status-change` carries.
 */
export interface UserStatusChange {
  userId: string;
  status: "online" | "offline";
  lastSeen: string;
}

/**
 * A user is told something.
 *
 * What `new-notification` carries.
 */
export interface NewNotification {
  notification: Notification;
}

/** One notification. Its data is a document of the service that raised it. */
export interface Notification {
  _id: string;
  type: string;
  title: string;
  body: string;
  data: Record<string, unknown>;
  createdAt: string;
}

/**
 * How many notifications a user has not read.
 *
 * What `unread-count-update` carries.
 */
export interface UnreadCountUpdate {
  unreadCount: number;
}

/**
 * A user reached another level.
 *
 * What `level-up` carries.
 */
export interface LevelUp {
  oldLevel: number;
  newLevel: number;
  lifetimePoints: number;
  perks: string[];
}

/**
 * A user earned points by somebody they brought.
 *
 * What `referral-reward` carries.
 */
export interface ReferralReward {
  referredUserId: string;
  points: number;
  transactionId: string;
}

/**
 * Somebody whom a user brought has signed up.
 *
 * What `referral-signup` carries.
 */
export interface ReferralSignup {
  referredUserId: string;
  name: string;
  joinedAt: string;
}

/**
 * The connection is about to be closed: the token it was made with has expired or was revoked, the key that it was
 * signed with is not accepted any more, or somebody disconnects its user.
 *
 * What `session-ended` carries.
 */
export interface SessionEnded {
  reason: "token_expired" | "key_withdrawn" | "token_revoked" | "disconnected";
  message: string;
}

/**
 * The connection is about to be closed, because the bridge stops: come back once the time that it says has passed.
 * Each client is told another time, so that they do not come all at once. It is not journaled.
 *
 * What `bridge-stopping` carries.
 */
export interface BridgeStopping {
  /** Milliseconds until it is of use to connect again; 0: at once. */
  comeBackInMs: number;
}

/**
 * Access was taken back, or given again: to a room, or all that tokens grant. Whoever it was taken from has left the
 * room, or is about to be disconnected.
 *
 * What `access-changed` carries.
 */
export interface AccessChanged {
  change: "disconnected" | "token_revoked" | "tokens_revoked" | "room_revoked" | "room_restored";
  userId?: string;
  /** Of `room_revoked` and `room_restored`. */
  room?: string;
  /** The `jti` of the token that was revoked. */
  tokenId?: string;
  /** Of one that was disconnected. */
  socketId?: string;
  changedAt: string;
}

/**
 * How far a payment has come: what is missing still, and how many blocks confirm what is on its way. It is told, as
 * it was, also when the payment is to be paid elsewhere or at another price: look it up. The product added it to the
 * specification.
 *
 * What `payment-progress` carries.
 */
export interface PaymentProgress {
  paymentId: string;
  status: PaymentStatus;
  /** A decimal string, never a float and never with an exponent. */
  received: string;
  /** A decimal string, never a float and never with an exponent. */
  missing: string;
  /** A decimal string, never a float and never with an exponent. */
  fee?: string;
  /** A decimal string, never a float and never with an exponent. */
  missingFee?: string;
  currency: string;
  /** Some of the money came after the deadline. */
  late: boolean;
  /** Of the transfer that has the fewest; None while no block holds one that is not final. */
  confirmations?: number | null;
  requiredConfirmations?: number | null;
  /** The transfer that this tells of. */
  txHash?: string;
  /** Why a transfer came to nothing. */
  reason?: string;
}

/**
 * How far a payout has come on its chain, and whether that shows it to be what was asked for. The product added it to
 * the specification.
 *
 * What `payout-progress` carries.
 */
export interface PayoutProgress {
  payoutId: string;
  status: PayoutStatus;
  verification?: Verification;
  /** Of the transfer that has the fewest; None while no block holds one that is not final. */
  confirmations?: number | null;
  requiredConfirmations?: number | null;
  /** The transaction that this tells of. */
  txHash?: string;
  /** What is wrong with it. */
  reason?: string;
}

/** What the chain says of a payout. */
export type Verification = "pending" | "verified" | "mismatch";

/**
 * Money of a payment is to go back to its buyer, who is asked where to send it: on the payment's page. The product
 * added it to the specification.
 *
 * What `refund-opened` carries.
 */
export interface RefundOpened {
  refundId: string;
  paymentId: string;
  status: RefundStatus;
  /** A decimal string, never a float and never with an exponent. */
  amount: string;
  currency: string;
}

/** Where a refund stands that no payout carries; from then on it stands where its payout does. */
export type RefundStatus = "awaiting_address" | "cancelled";

/**
 * A refund moved: it was withdrawn, or the payout that carries it moved. The product added it to the specification.
 *
 * What `refund-updated` carries.
 */
export interface RefundUpdated {
  refundId: string;
  paymentId: string;
  /** `cancelled`, or the status of its payout. */
  status: RefundStatus | PayoutStatus;
  /** A decimal string, never a float and never with an exponent. */
  amount: string;
  currency: string;
  /** The transaction that carries it. */
  txHash?: string;
  /** The payout that carries it, once there is one. */
  payoutId?: string;
}

/**
 * Something needs a person, or does so no more; or somebody has taken it on, put it off or closed it. It goes to
 * staff alone.
 *
 * What `attention-updated` carries.
 */
export interface AttentionUpdated {
  /** What it is called in `GET /api/ops/attention`. */
  id: string;
  kind: string;
  severity: "critical" | "warning" | "notice";
  state: "open" | "snoozed" | "closed" | "ended";
  /** What happened to it. */
  what: "opened" | "changed" | "back" | "awake" | "ended" | "assigned" | "unassigned" | "noted" | "snoozed" | "closed" | "reopened" | "reminded";
  title: string;
  paymentId: string | null;
  payoutId: string | null;
  assignedTo: string | null;
  snoozedUntil: string | null;
  at: string;
}

/**
 * How the bridge is doing that the watcher is connected to: once a second to whoever watches in the room `ops`.
 * `nodes` has the others. It is not journaled.
 *
 * What `system-status` carries.
 */
export interface SystemStatus {
  version: string;
  startedAt: string;
  connections: number;
  /** Connections that were turned away in about the last minute, because too many are open. */
  turnedAway: number;
  eventsPerSecond: number;
  deliveriesPerSecond: number;
  /** From the commit of an event until it was written to all who receive it; null if there was none. */
  fanoutMs: Latency | null;
  journal: JournalHealth;
  providers: ProviderHealth[];
  chains: ChainHealth[];
  /** Each of the bridges that share the journal; none where it is not shared. */
  nodes: NodeHealth[];
  memoryMb: number;
  at: string;
}

/** How long something took in the last minute, in milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
}

/** How the journal is doing. The offsets are numbers here, for counting only. */
export interface JournalHealth {
  newestOffset: number;
  dispatchedOffset: number;
  /** Events that are committed and not handed to the sockets yet. */
  lag: number;
  /** Null if nothing was committed. */
  commitMs: Latency | null;
}

/** How a provider is doing. */
export interface ProviderHealth {
  name: string;
  status: "ok" | "degraded" | "failed";
  message: string;
}

/** How far a chain is followed. */
export interface ChainHealth {
  name: string;
  head: number;
  blocksBehind: number | null;
  problem: string | null;
}

/** How one of the bridges that share the journal is doing, as it said last. */
export interface NodeHealth {
  /** The machine's, and the port. */
  name: string;
  version: string;
  startedAt: string;
  connections: number;
  turnedAway: number;
  eventsPerSecond: number;
  deliveriesPerSecond: number;
  memoryMb: number;
  /** Whether it leaves its clients to the others. */
  isStopping: boolean;
  /** When it said so; every two seconds or so, unless it is gone. */
  seenAt: string;
  /** Whether it is the one that tells this. */
  isThis: boolean;
  /** Whether it has said nothing for eight seconds: it is gone, or cut off. */
  isGone: boolean;
  /** The settings in which it differs from the one that tells this. */
  differing: string[];
  /** What one of them does at a time, and it does. */
  work: string[];
}
