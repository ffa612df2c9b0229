/**
 * Whoever signed in at the identity provider. The session is in a cookie that no script reads; this page asks with it for
 * the token that it brings, and for the next one before that expires.
 */

import { post } from "./rest";
import { forgetToken, keepToken } from "./token";

export interface SessionAnswer {
  /** What the identity provider is called; null where there is none. */
  provider: string | null;
  signInAt: string | null;
  token: string | null;
  renewAfterSeconds: number | null;
  /** Why there is no token, in one word. */
  refused: string | null;
}

/** When this tab asks for its next token, in milliseconds since 1970; empty where there is none to come. */
const RENEWED_AT = "bridge.renewed-at";
const TRIED_AGAIN_AFTER_MS = 30_000;

/** What a provider has given to renew a session may serve once: so one tab after the other asks. */
export async function askForToken(): Promise<SessionAnswer> {
  return "locks" in navigator ? navigator.locks.request("bridge.session", ask) : ask();
}

async function ask(): Promise<SessionAnswer> {
  const answer = await post<SessionAnswer>("/ops/sign-in/session", {});
  if (answer.token !== null) {
    keepToken(answer.token);
    const after = answer.renewAfterSeconds;
    sessionStorage.setItem(RENEWED_AT, after === null ? "" : (Date.now() + 1_000 * after).toString());
  } else if (hasSession() && answer.refused !== "provider_away") {
    forget();
    return { ...answer, refused: answer.refused ?? "session_over" };
  }
  return answer;
}

/** Whether the token of this tab is that of a session. */
function hasSession(): boolean {
  return sessionStorage.getItem(RENEWED_AT) !== null;
}

/** Brings a token that somebody has pasted, which is renewed by nobody. */
export function bringToken(token: string): void {
  keepToken(token);
  sessionStorage.removeItem(RENEWED_AT);
}

/** Signs out, and says where that is to be done as well. Rejects where the bridge does not say that it is done. */
export async function signOut(): Promise<string> {
  const ended = hasSession() ? await post<{ next: string | null }>("/ops/sign-in/end", {}) : null;
  forget();
  return ended?.next ?? "/ops";
}

function forget(): void {
  forgetToken();
  sessionStorage.removeItem(RENEWED_AT);
}

/** Has a page bring a new token before the one that it has expires. */
export class Renewal {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly renewed: (token: string) => void,
    private readonly ended: (refused: string) => void,
  ) {}

  /** From now on, or anew after somebody signed in; nothing is waited for where their token is renewed by nobody. */
  start(): void {
    const at = sessionStorage.getItem(RENEWED_AT);
    if (at === null || at === "") clearTimeout(this.timer);
    else this.renewIn(Number(at) - Date.now());
  }

  private renewIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.renew(), Math.max(0, ms));
  }

  private async renew(): Promise<void> {
    const answer = await askForToken().catch(() => null);
    if (answer === null || answer.refused === "provider_away") {
      this.renewIn(TRIED_AGAIN_AFTER_MS);
    } else if (answer.token === null) {
      this.ended(answer.refused ?? "session_over");
    } else {
      this.renewed(answer.token);
      this.start();
    }
  }
}
