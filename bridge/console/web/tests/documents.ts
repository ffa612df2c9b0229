/** Documents as the bridge tells them, for tests to change. */

import type { PaymentDocument, Refund, Sighting } from "../src/model/documents";
import type { PaymentRow, PayoutRow } from "../src/model/ops-documents";

export function payment(changes: Partial<PaymentDocument> = {}): PaymentDocument {
  return {
    paymentId: "pay_1",
    provider: "shkeeper",
    externalId: "pay_1",
    requestId: "request-1",
    buyerId: "buyer-1",
    sellerId: "seller-1",
    offerId: null,
    checkoutId: null,
    whole: true,
    amount: "49.90",
    currency: "USD",
    shares: [{ requestId: "request-1", sellerId: "seller-1", offerId: null, amount: "49.90", cancelled: false }],
    direct: null,
    status: "pending",
    escrowState: "none",
    received: "0",
    missing: "49.90",
    excess: "0",
    refunded: "0",
    refundable: [],
    late: false,
    confirmations: null,
    requiredConfirmations: null,
    transfers: [],
    sightings: [],
    createdAt: "2026-11-24T10:00:00Z",
    updatedAt: "2026-11-24T10:00:00Z",
    expiresAt: "2026-11-25T10:00:00Z",
    returnUrl: null,
    invoices: [
      {
        coin: "ETH-USDT",
        displayName: "ERC20 USDT",
        network: "Ethereum (ERC-20)",
        address: "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
        coinAmount: "49.9",
        wholeCoinAmount: "49.9",
        exchangeRate: "1",
        asked: "49.90",
        fee: "0",
        paymentUri: "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
        quotedUntil: null,
        checkoutUrl: null,
        refusal: null,
      },
    ],
    refunds: [],
    disputes: [],
    history: [
      {
        at: "2026-11-24T10:00:00Z",
        observation: "registered",
        effect: "applied",
        status: "pending",
        escrowState: "none",
        received: "0",
        txHash: null,
      },
    ],
    ...changes,
  };
}

export function refund(changes: Partial<Refund> = {}): Refund {
  return {
    refundId: "back_1",
    of: "goods",
    sellerId: "seller-1",
    amount: "49.90",
    currency: "USD",
    coin: "ETH-USDT",
    coinAmount: null,
    reason: "It arrived bent",
    status: "awaiting_address",
    txHash: null,
    openedAt: "2026-11-24T10:00:00Z",
    givenAt: null,
    ...changes,
  };
}

export function sighting(changes: Partial<Sighting> = {}): Sighting {
  return {
    txHash: `0x${"1".repeat(64)}`,
    asset: "USDT",
    amount: "49.9",
    stage: "mined",
    confirmations: 1,
    requiredConfirmations: 12,
    blockNumber: 7,
    reason: null,
    cause: null,
    ...changes,
  };
}

export function payoutRow(changes: Partial<PayoutRow> = {}): PayoutRow {
  return {
    payoutId: "out_1",
    taskId: "task-1",
    paymentId: "pay_1",
    sellerId: "seller-1",
    refundId: null,
    buyerId: null,
    provider: "shkeeper",
    chain: null,
    coin: "ETH-USDT",
    amount: "48.90",
    worth: "48.90",
    worthCurrency: "USD",
    destination: "0xabc",
    status: "created",
    askedBy: "shop",
    askedThrough: "shop",
    approvalReasons: [],
    approvedBy: null,
    verification: null,
    confirmations: null,
    requiredConfirmations: null,
    txHashes: [],
    explorerUrl: null,
    reasons: [],
    networkFee: null,
    networkFeeCoin: null,
    networkFeeUnknown: null,
    overdue: false,
    revocable: false,
    withdrawable: false,
    createdAt: "2026-11-24T10:00:00Z",
    completedAt: null,
    updatedAt: "2026-11-24T10:00:00Z",
    ...changes,
  };
}

export function paymentRow(changes: Partial<PaymentRow> = {}): PaymentRow {
  const { invoices, history, transfers, sightings, direct, offerId, returnUrl, refundable, refunds, ...row } = payment();
  return { ...row, fee: "0", missingFee: "0", problems: [], txHashes: [], completedAt: null, ...changes };
}
