/** Where a payment is paid, and where its transactions can be looked at. */

import { isZero, unitsOf } from "./amounts";
import type { Chain, Direct, PaymentDocument } from "./documents";

export interface PlaceToPay {
  /** What is to be sent, in the coin itself. */
  amount: string;
  coin: string;
  /** What people call the coin, or the chain it goes over. */
  name: string | null;
  /** The only network that it may be sent over, if that is known. */
  network: string | null;
  address: string;
  /** What a wallet opens and the QR code shows. */
  uri: string;
}

/** Null while there is nowhere to pay. Once a part was paid over a chain it asks for the rest, and so does the URI. */
export function placeToPay(payment: PaymentDocument): PlaceToPay | null {
  const isPartial = payment.status === "partially_paid";
  const { direct } = payment;
  if (direct !== null) {
    return {
      amount: isPartial ? payment.missing : payment.amount,
      coin: payment.currency,
      name: null,
      network: direct.chain,
      address: direct.recipient,
      uri: isPartial ? uriOfRest(direct, payment) : (direct.paymentUri ?? direct.recipient),
    };
  }
  const invoice = payment.invoices[0];
  if (invoice === undefined || invoice.address === null || invoice.coinAmount === null) return null;
  return {
    amount: invoice.coinAmount,
    coin: invoice.coin,
    name: invoice.displayName,
    network: invoice.network,
    address: invoice.address,
    uri: invoice.paymentUri ?? invoice.address,
  };
}

/** The payment's own URI would ask for everything again. Where it does not end with an amount, the bare address. */
function uriOfRest({ paymentUri, recipient }: Direct, { missing, amount }: PaymentDocument): string {
  const [, asks, units] = /^(ethereum:.+[?&](?:value|uint256)=)(\d+)$/.exec(paymentUri ?? "") ?? [];
  if (asks === undefined || units === undefined || isZero(missing)) return recipient;
  const rest = unitsOf(missing, amount, units);
  return rest === null ? recipient : asks + rest;
}

/**
 * Why an open payment cannot be paid here at the moment: the shop's or the provider's own page takes it, the provider
 * still has to say where, nothing is missing though it is not settled, what has come is still being valued, what is left cannot be paid
 * in a coin that takes the whole sum only, or the price has ended.
 */
export type Nowhere = "at-the-shop" | "at-checkout" | "no-address" | "nothing-missing" | "being-valued" | "whole-only" | "price-ended";

/** Null where it can be paid. Without a clock no price has ended. */
export function whyNowhere(payment: PaymentDocument, now: number | null): Nowhere | null {
  if (payment.direct !== null) return null;
  const invoice = payment.invoices[0];
  if (invoice === undefined) return "at-the-shop";
  if (invoice.address === null && invoice.checkoutUrl === null) return "no-address";
  if (invoice.coinAmount === null) {
    if (isZero(payment.missing)) return "nothing-missing";
    return payment.transfers.filter(({ value }) => value === null).length > 1 ? "being-valued" : "whole-only";
  }
  if (invoice.address === null) return "at-checkout";
  const end = invoice.quotedUntil;
  // Where the price holds as long as the payment waits, there is no other to be had.
  if (end === null || now === null || end === payment.expiresAt) return null;
  return Date.parse(end) <= now ? "price-ended" : null;
}

/** Whether the provider still has to say where this open payment is paid. */
export function waitsForAddress(payment: PaymentDocument): boolean {
  return (payment.status === "pending" || payment.status === "partially_paid") && whyNowhere(payment, null) === "no-address";
}

/** When the price of an invoice ends; null if it does not, or not before the payment does. */
export function endOfPrice({ invoices, expiresAt }: PaymentDocument): string | null {
  const end = invoices[0]?.quotedUntil ?? null;
  return end === null || (expiresAt !== null && Date.parse(expiresAt) <= Date.parse(end)) ? null : end;
}

/** The provider's own page, if it is paid there and the page is one of the web. */
export function checkoutOf({ invoices }: PaymentDocument): string | null {
  const url = invoices[0]?.checkoutUrl ?? null;
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}

/** The shop's page, the payment's own or else that of the configuration, if it is one of the web, and its host for people to read. */
export function shopOf({ returnUrl }: PaymentDocument, shopUrl: string | null): { url: string; host: string } | null {
  const back = returnUrl ?? shopUrl;
  if (back === null || !URL.canParse(back)) return null;
  const { protocol, host, href } = new URL(back);
  return protocol === "https:" || protocol === "http:" ? { url: href, host } : null;
}

/** Whether a URI says more than the address, so that a wallet can open it as a link. */
export function opensWallet(place: PlaceToPay): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(place.uri) && !/^(javascript|data|https?|vbscript|file):/i.test(place.uri);
}

export function explorerLink(template: string | null, txHash: string): string | null {
  if (template === null || !/^https?:\/\//.test(template)) return null;
  return template.replace("{tx_hash}", encodeURIComponent(txHash));
}

export function explorerOf(payment: PaymentDocument, chains: readonly Chain[]): string | null {
  return chains.find((chain) => chain.name === payment.direct?.chain)?.explorer ?? null;
}

/** A hash or an id that has little room: its beginning and its end. */
export function shortened(text: string, ends = 6): string {
  return text.length <= 2 * ends + 3 ? text : `${text.slice(0, ends + 2)}…${text.slice(-ends)}`;
}

/**
 * A text whose hashes of transactions and blocks are shortened, where it stands beside a link to the whole story.
 * Addresses stay whole: others are made whose ends are the same.
 */
export function withShortHashes(text: string): string {
  return text.replace(/\b0x[0-9a-f]{64}\b/gi, (hash) => shortened(hash, 4));
}

/** An address in groups of four, so that eyes can compare it. */
export function grouped(address: string): string[] {
  const [head, body] = /^0x/i.test(address) ? [address.slice(0, 2), address.slice(2)] : ["", address];
  const groups = body.match(/.{1,4}/g) ?? [];
  return head === "" ? groups : [head + (groups[0] ?? ""), ...groups.slice(1)];
}
