/** What REST tells, as the pages read it. Amounts are decimal strings; times are ISO 8601. */

import type { Handling, HandlingState } from "./handling";

export type PaymentStatus =
  | "pending"
  | "confirming"
  | "partially_paid"
  | "completed"
  | "expired"
  | "failed"
  | "cancelled"
  | "refunded";

export type EscrowState = "none" | "funded" | "releasing" | "released" | "refunded";

export interface Transfer {
  txHash: string;
  asset: string;
  amount: string;
  value: string | null;
  confirmed: boolean;
  occurredAt: string | null;
}

export interface Sighting {
  txHash: string;
  asset: string;
  amount: string;
  stage: "seen" | "mined" | "final" | "reorganised" | "dropped" | "failed";
  confirmations: number;
  requiredConfirmations: number | null;
  blockNumber: number | null;
  reason: string | null;
}

export interface Invoice {
  coin: string;
  displayName: string | null;
  address: string | null;
  /** The provider's own page, on which it is paid instead of at an address. */
  checkoutUrl: string | null;
  /** Still to be paid; null while nothing is asked for. */
  coinAmount: string | null;
  wholeCoinAmount: string | null;
  exchangeRate: string | null;
  /** What `coinAmount` is in the payment's currency, with the provider's fee in it. */
  asked: string | null;
  fee: string | null;
  paymentUri: string | null;
  quotedUntil: string | null;
  /** Why the provider did not open it, in its own words. */
  refusal: string | null;
}

export interface Direct {
  chain: string;
  recipient: string;
  payer: string | null;
  paymentUri: string | null;
}

export interface HistoryItem {
  at: string;
  observation: string;
  effect: string;
  status: PaymentStatus;
  escrowState: EscrowState;
  received: string;
  txHash: string | null;
}

export type RefundStatus = PayoutStatus | "awaiting_address" | "cancelled";

export interface Refund {
  refundId: string;
  of: "goods" | "excess";
  sellerId: string | null;
  amount: string;
  currency: string;
  coin: string;
  /** What it came to in the coin when the address was given. */
  coinAmount: string | null;
  /** For the buyer to read. */
  reason: string;
  status: RefundStatus;
  txHash: string | null;
  openedAt: string;
  givenAt: string | null;
}

/** What of a payment its buyer's bank was asked to take back. */
export interface Dispute {
  disputeId: string;
  status: "open" | "won" | "lost";
  amount: string;
  /** In the provider's words. */
  reason: string | null;
}

/** Money of a payment that can go back to its buyer. */
export interface Refundable {
  of: "goods" | "excess";
  sellerId: string | null;
  amount: string;
}

/** An address that can be taken for a refund, and what would be sent there now. */
export interface CheckedDestination {
  destination: string;
  coin: string;
  coinAmount: string;
}

export interface PaymentDocument {
  paymentId: string;
  provider: string;
  externalId: string;
  requestId: string;
  buyerId: string;
  sellerId: string;
  offerId: string | null;
  checkoutId: string | null;
  amount: string;
  currency: string;
  /** What it pays for; of a checkout a seller sees their own. */
  shares: Share[];
  direct: Direct | null;
  status: PaymentStatus;
  escrowState: EscrowState;
  received: string;
  missing: string;
  excess: string;
  /** What has gone back to the buyer. */
  refunded: string;
  refundable: Refundable[];
  late: boolean;
  confirmations: number | null;
  requiredConfirmations: number | null;
  transfers: Transfer[];
  sightings: Sighting[];
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
  /** Where the buyer goes back to: the shop's own page. */
  returnUrl: string | null;
  invoices: Invoice[];
  refunds: Refund[];
  disputes: Dispute[];
  history: HistoryItem[];
}

export interface Share {
  requestId: string;
  sellerId: string;
  offerId: string | null;
  amount: string;
}

export interface CheckoutDocument {
  checkoutId: string;
  status: "pending" | "confirmed" | "failed";
  reason: string | null;
  shares: Share[];
  payment: PaymentDocument;
}

export interface Chain {
  name: string;
  explorer: string | null;
  requiredConfirmations: number | null;
}

export type PayoutStatus =
  | "awaiting_approval"
  | "created"
  | "ambiguous"
  | "broadcast"
  | "confirming"
  | "mismatch"
  | "dropped"
  | "completed"
  | "failed"
  | "returned";

/** A payout as its seller is told of it. */
export interface PayoutDocument {
  payoutId: string;
  paymentId: string;
  coin: string;
  amount: string;
  destination: string;
  status: PayoutStatus;
  createdAt: string;
  updatedAt: string;
}

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
  problems: ProblemKind[];
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
  | "chain-read-by-one"
  | "alerts-undelivered"
  | "endpoint-disabled"
  | "endpoint-missed";

/** What can be decided about a payment. */
export type Ruling = "accept" | "wait" | "cancel";

export type StaffAction = "approve" | "reject" | "refund" | "withdraw" | "recheck" | "replay" | "resolve" | "resume" | "settle" | "give" | "dismiss" | Ruling;

export interface AttentionItem extends Handling {
  kind: AttentionKind;
  id: string;
  title: string;
  detail: string;
  advice: string;
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
  createdAt: string;
  status: "pending" | "delivered" | "failed";
  tries: number;
  lastAt: string | null;
  nextAt: string | null;
  answerStatus: number | null;
  said: string;
}
