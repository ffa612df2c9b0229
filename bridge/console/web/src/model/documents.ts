/** What REST tells, as the pages read it. Amounts are decimal strings; times are ISO 8601. */

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

export type Cause =
  | "failed"
  | "other-sender"
  | "other-coin"
  | "other-address"
  | "too-early"
  | "counted-elsewhere"
  | "undecided"
  | "replaced"
  | "forgotten";

export interface Sighting {
  txHash: string;
  asset: string;
  amount: string;
  stage: "seen" | "mined" | "final" | "reorganised" | "dropped" | "failed";
  confirmations: number;
  requiredConfirmations: number | null;
  blockNumber: number | null;
  reason: string | null;
  /** Why it came to nothing, for the page's own words. */
  cause: Cause | null;
}

export interface Invoice {
  coin: string;
  displayName: string | null;
  /** What people call the network that the coin is sent over. */
  network: string | null;
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
  /** Not for one of several sellers of a checkout, who is told of their own part. */
  whole: boolean;
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
  /** Its purchase request was cancelled before the payment was completed. */
  cancelled: boolean;
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
