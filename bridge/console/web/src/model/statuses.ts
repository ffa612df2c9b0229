/** What the console calls the states of payments, payouts and refunds. */

const NAMES: Record<string, string> = {
  awaiting_address: "awaiting an address",
  awaiting_approval: "awaiting approval",
  partially_paid: "partly paid",
};

export function statusName(status: string): string {
  return NAMES[status] ?? status;
}
