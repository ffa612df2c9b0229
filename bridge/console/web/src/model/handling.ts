/** What people do about what needs them, without deciding it: who sees to it, until when it is put off, why it is closed. */

export type Severity = "critical" | "warning" | "notice";

export type HandlingState = "open" | "snoozed" | "closed";

/** How something that needs a person is being handled. */
export interface Handling {
  severity: Severity;
  state: HandlingState;
  /** Whether it can be neither snoozed nor closed for as long as it is so. */
  staysListed: boolean;
  assignedTo?: string | null;
  snoozedUntil?: string | null;
  closedBy?: string | null;
  closeNote?: string | null;
}

export interface Step {
  at: string;
  by: string;
  what: string;
  words: string;
}

/** What of the list somebody looks at. */
export interface View {
  state: HandlingState;
  /** Only what this person sees to; null for everybody's. */
  assignedTo: string | null;
}

export const OPEN_TO_ALL: View = { state: "open", assignedTo: null };

export const STATES: Record<HandlingState, string> = { open: "Open", snoozed: "Snoozed", closed: "Closed" };

export function queryOf({ state, assignedTo }: View): string {
  return `&state=${state}${assignedTo === null ? "" : `&assignedTo=${encodeURIComponent(assignedTo)}`}`;
}

export type Handle = "assign" | "unassign" | "note" | "snooze" | "close" | "reopen";

/** What can be done about something as it stands, in the order of the buttons. */
export function handles({ state, staysListed, assignedTo }: Handling, me: string | null): Handle[] {
  const mine: Handle[] = assignedTo && assignedTo === me ? ["unassign"] : assignedTo ? ["assign", "unassign"] : ["assign"];
  const others: Record<HandlingState, Handle[]> = { open: ["snooze", "close"], snoozed: ["reopen", "close"], closed: ["reopen"] };
  return [...mine, "note", ...(staysListed ? [] : others[state])];
}

/** Until when something can be put off. */
export const SNOOZES = [
  { label: "1 hour", until: (now: Date) => hoursFrom(now, 1) },
  { label: "4 hours", until: (now: Date) => hoursFrom(now, 4) },
  { label: "Until tomorrow, 9:00", until: (now: Date) => morningAfter(now, 1) },
  { label: "A week, until 9:00", until: (now: Date) => morningAfter(now, 7) },
] as const;

function hoursFrom(now: Date, hours: number): Date {
  return new Date(now.getTime() + hours * 3_600_000);
}

/** Nine in the morning some days later, by the clock of whoever looks. */
function morningAfter(now: Date, days: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9);
}
