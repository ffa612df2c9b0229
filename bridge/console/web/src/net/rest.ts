/** Asking the bridge over REST. What goes wrong is a Problem, with words for whoever looks at the page. */

import { heldToken } from "./token";

interface Fault {
  message: string;
  code: string | null;
}

export class Problem extends Error {
  constructor(
    /** The answer's status; 0 where there was none. */
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** What is wrong with each field that is, by the fields' names. */
    private readonly faults: Readonly<Record<string, Fault>> = {},
    /** One word for what is wrong, where it has one. */
    readonly code: string | null = null,
  ) {
    super(detail);
  }

  /** What is wrong with one field; null if nothing is. */
  of(field: string): string | null {
    const message = this.faults[field]?.message;
    return message === undefined ? null : `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  }

  /** One word for what is wrong with a field, where it has one. */
  codeOf(field: string): string | null {
    return this.faults[field]?.code ?? null;
  }

  /** Whether asking again may help. */
  get mayPass(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** What a key that was used for something else means to who presses a button again. */
const DONE_OTHERWISE = "It was done already, as you said it first. Close this, and look at the payment.";

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  const token = heldToken();
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  let answer: Response;
  try {
    answer = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "Not reached", "The bridge cannot be reached.");
  }
  if (answer.ok) return answer;
  const body: unknown = await answer.json().catch(() => null);
  const told = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const word = (name: string, otherwise: string): string =>
    typeof told[name] === "string" ? (told[name] as string) : otherwise;
  throw new Problem(
    answer.status,
    word("title", "Not answered"),
    answer.status === 422 ? DONE_OTHERWISE : word("detail", `The bridge answered with ${answer.status}.`),
    faultsIn(told["errors"]),
    typeof told["code"] === "string" ? told["code"] : null,
  );
}

function faultsIn(errors: unknown): Record<string, Fault> {
  if (!Array.isArray(errors)) return {};
  const told = errors as { field?: unknown; message?: unknown; code?: unknown }[];
  return Object.fromEntries(
    told.map(({ field, message, code }) => [
      String(field),
      { message: String(message), code: typeof code === "string" ? code : null },
    ]),
  );
}

export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const answer = await ask(path, signal === undefined ? {} : { signal });
  return (await answer.json()) as Answer;
}

/** A key for `post`. Where the page came over plain HTTP a browser makes no UUIDs. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** With a key it is done once, however often it is asked for because an answer was lost. */
export async function post<Answer>(path: string, content: unknown, key?: string): Promise<Answer> {
  const answer = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(key === undefined ? {} : { "Idempotency-Key": key }) },
    body: JSON.stringify(content),
  });
  return (await answer.json()) as Answer;
}

/** Fetches a file with the token, which a plain link could not bring, and has the browser save it. */
export async function download(path: string, name: string): Promise<void> {
  const address = URL.createObjectURL(await (await ask(path)).blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
