/** What REST tells the console alone. Amounts are decimal strings; times are ISO 8601. */

import type { EscrowState, PaymentDocument, PaymentStatus, PayoutStatus } from "./documents";
import type { Handling, HandlingState } from "./handling";

export interface PayoutRow {
  payoutId: string;
  taskId: string | null;
  paymentId: string;
  sellerId: string;
  /** The refund that it carries, and whom it pays then. */
  refundId: string | null;
  buyerId: string | null;
  provider: string;
  chain: string | null;
  coin: string;
  amount: string;
  /** What it counts for against limits; null where nobody knows. */
  worth: string | null;
  worthCurrency: string | null;
  destination: string;
  status: PayoutStatus;
  askedBy: string | null;
  /** The service that asked for it, where services are named. */
  askedThrough: string | null;
  /** Why somebody else has to approve it; nothing where nobody need. */
  approvalReasons: string[];
  approvedBy: string | null;
  verification: "pending" | "verified" | "mismatch" | null;
  confirmations: number | null;
  requiredConfirmations: number | null;
  txHashes: string[];
  explorerUrl: string | null;
  reasons: string[];
  /** What the network took for sending it, or why nobody says; null while that is to be found out. */
  networkFee: string | null;
  networkFeeCoin: string | null;
  networkFeeUnknown: string | null;
  overdue: boolean;
  /** Nobody was asked to send it yet, so that it can be rejected. */
  revocable: boolean;
  /** The same, or nothing was seen of it where a wallet of the marketplace's own is to send it. */
  withdrawable: boolean;
  createdAt: string;
  completedAt: string | null;
  updatedAt: string;
}

export interface PaymentRow {
  paymentId: string;
  provider: string;
  externalId: string;
  requestId: string;
  checkoutId: string | null;
  buyerId: string;
  sellerId: string;
  amount: string;
  currency: string;
  status: PaymentStatus;
  escrowState: EscrowState;
  received: string;
  missing: string;
  excess: string;
  refunded: string;
  /** What came on top of `received` for the gateway's fee. */
  fee: string;
  missingFee: string;
  late: boolean;
  problems: (ProblemKind | "payment-without-address")[];
  confirmations: number | null;
  requiredConfirmations: number | null;
  txHashes: string[];
  createdAt: string;
  completedAt: string | null;
  updatedAt: string;
  expiresAt: string | null;
}

/** What can be wrong with a payment, the most urgent first. */
export type ProblemKind =
  | "payment-overdrawn"
  | "payment-refunded-while-paid-out"
  | "payment-refund-told-twice"
  | "payment-called-refunded"
  | "payment-disputed"
  | "payment-twice-paid"
  | "payment-contradicting-books"
  | "payment-unreadable-books"
  | "payment-foreign"
  | "payment-forgotten"
  | "payment-price-doubted"
  | "payment-fee-too-high"
  | "payment-other-currency"
  | "payment-paid-after-cancellation"
  | "payment-short"
  | "payment-partly-paid-expired"
  | "payment-unconfirmed-too-long"
  | "payment-lateness-doubted"
  | "payment-over";

export type AttentionKind =
  | ProblemKind
  | "payment-without-address"
  | "payout-awaiting-approval"
  | "payout-overdue"
  | "payouts-held"
  | "payout-forgotten"
  | "journal-rewound"
  | "payout-failed"
  | "payout-returned"
  | "refund-without-address"
  | "payout-sent-after-all"
  | "payout-paid-twice"
  | "payout-contradicted"
  | "payout-mismatch"
  | "payout-ambiguous"
  | "payout-dropped"
  | "webhook-unreadable"
  | "webhook-unmatched"
  | "transfer-unmatched"
  | "chain-alarm"
  | "chain-contradicted"
  | "coin-unfollowed"
  | "provider-unset"
  | "provider-unreachable"
  | "provider-dates-off"
  | "chain-read-by-one"
  | "alerts-undelivered"
  | "endpoint-disabled"
  | "endpoint-missed"
  | "wallet-differs"
  | "price-unusable"
  | "row-unreadable"
  | "clock-wrong";

/** What can be decided about a payment. */
export type Ruling = "accept" | "wait" | "cancel";

export type StaffAction = "approve" | "reject" | "refund" | "withdraw" | "recheck" | "replay" | "resolve" | "resume" | "settle" | "give" | "dismiss" | Ruling;

/** Whether payouts are held, who stopped them, since when and why. */
export interface PayoutHold {
  held: boolean;
  heldAt?: string | null;
  heldBy?: string | null;
  note?: string | null;
  holds?: HoldItem[];
}

/** One of those who hold payouts. */
export interface HoldItem {
  holdId: string;
  heldAt: string;
  heldBy: string;
  note: string | null;
  /** Of the bridge's own hold: whether the books are still being compared. */
  comparison?: "open" | "over" | null;
  /** Of the bridge's own hold: how many decisions of people the journal lacks; null where nobody knows. */
  missingDecisions?: number | null;
}

export interface AttentionItem extends Handling {
  kind: AttentionKind;
  id: string;
  title: string;
  detail: string;
  advice: string;
  /** Another one once it says something else. */
  mark: string;
  since: string;
  payoutId?: string | null;
  paymentId?: string | null;
  refundId?: string | null;
  webhookId?: string | null;
  txHash?: string | null;
  place?: string | null;
  explorerUrl?: string | null;
  actions: StaffAction[];
}

/** A kind of which more is wrong than is listed; how much more is null where it was not counted. */
export interface LeftOut {
  kind: AttentionKind;
  count: number | null;
}

export interface AttentionAnswer {
  items: readonly AttentionItem[];
  leftOut: readonly LeftOut[];
  /** How many buyers have had no address for less than a minute. */
  awaitingAddress: number;
  elsewhere: Partial<Record<HandlingState, number>>;
}

/** What was entered in the books on one day in one currency, as far as the console shows it. */
export interface DayTotal {
  date: string;
  currency: string;
  salesCount: number;
  sales: string;
  refundsCount: number;
  refunds: string;
  netSales: string;
  payoutsCount: number;
  payouts: string;
}

export interface Action {
  actionId: string;
  at: string;
  by: string;
  action:
    | "replay"
    | "recheck"
    | "resolution"
    | "approval"
    | "rejection"
    | "payout-withdrawal"
    | "transaction"
    | "acceptance"
    | "cancellation"
    | "waiting"
    | "settlement"
    | "refund"
    | "refund-withdrawal"
    | "hold"
    | "resume"
    | "dismiss"
    | "destination-added"
    | "destination-removed"
    | "access"
    | "wallet-movement"
    | "endpoint-registered"
    | "endpoint-changed"
    | "endpoint-enabled"
    | "endpoint-disabled"
    | "endpoint-removed"
    | "endpoint-secret"
    | "endpoint-test"
    | "endpoint-replay";
  subject: string;
  outcome: string;
}

export interface Step {
  at: string;
  kind: "registered" | "webhook" | "observation" | "action" | "event";
  title: string;
  detail: Record<string, string>;
  status?: string | null;
  offset?: string | null;
  event?: string | null;
  rooms?: string[] | null;
  deliveries?: number | null;
  deliveredAfterMs?: number | null;
}

/** Something that is wrong with a payment, or that was told of it and not counted. */
export interface Finding {
  kind: string;
  detail: string;
}

export interface PaymentStory {
  document: PaymentDocument;
  /** Whether the bridge can send money of it back. */
  canSendBack: boolean;
  problems: (Finding & { kind: ProblemKind })[];
  misfits: Finding[];
  decisions: Ruling[];
  steps: Step[];
}

export interface Session {
  access: "open" | "jwt";
  userId: string | null;
  /** Whether they may do what the buttons do, but for approving payouts. */
  mayAct: boolean;
  mayApprove: boolean;
}

/** Where a service is sent events. */
export interface Endpoint {
  endpointId: string;
  url: string;
  events: string[];
  ordered: boolean;
  service: string | null;
  registeredBy: string;
  registeredAt: string;
  status: "active" | "failing" | "disabled";
  failingSince: string | null;
  disabledAt: string | null;
  disabledBy: string | null;
  disabledBecause: string | null;
  behind: number;
  missed: number;
  missedBecause: string | null;
}

/** One event on its way to an endpoint. */
export interface Delivery {
  messageId: string;
  event: string;
  /** Null of a test. */
  offset: string | null;
  createdAt: string;
  status: "pending" | "delivered" | "failed";
  tries: number;
  lastAt: string | null;
  nextAt: string | null;
  answerStatus: number | null;
  said: string;
  tookMs: number | null;
}

/** The same with what is sent, without its signature. */
export interface DeliveryDetails extends Delivery {
  /** The body is null once its event is forgotten. */
  request: { headers: Record<string, string>; body: string | null };
}
