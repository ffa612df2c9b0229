/** Why somebody is not signed in, in words that say what to do. */

import type { Connection } from "./connection";

export interface Refusal {
  sentence: string;
  /** Whether another account may get in. */
  asSomebodyElse: boolean;
}

const BY_TOKEN: Record<string, string> = {
  token_expired: "That token has expired. Get a new one, and paste it here.",
  token_invalid: "The bridge does not accept that token. Was all of it pasted?",
  not_allowed: "That token is not one of staff: the console is for staff alone.",
};

export function tokenRefusal({ code, message }: Connection): string | null {
  return BY_TOKEN[code ?? ""] ?? message;
}

const BY_PROVIDER: Record<string, (provider: string) => string> = {
  begun_elsewhere: () =>
    "This sign-in was begun in another browser or tab, was used already, or took more than ten minutes. Begin again.",
  no_role: (provider) =>
    `${provider} knows you, but your account has no role for this console. Ask whoever manages accounts there for one, and then sign in again.`,
  not_signed_in: (provider) => `You did not sign in with ${provider}. Try again, or ask whoever manages accounts there.`,
  provider_away: (provider) =>
    `${provider} does not answer. Try again in a minute. If that does not help, tell whoever runs the bridge, who can see why with bridge doctor.`,
  provider_wrong: (provider) =>
    `What ${provider} answers cannot be trusted, so nobody is signed in. Tell whoever runs the bridge; its log says why.`,
  session_over: () => "Your session is over. Sign in again.",
  session_revoked: () => "Your session was ended by somebody, or you signed out elsewhere. If you still may, sign in again.",
};

export function refusalIn(code: string | null, provider: string): Refusal | null {
  if (code === null || !Object.hasOwn(BY_PROVIDER, code)) return null;
  return { sentence: BY_PROVIDER[code]?.(provider) ?? "", asSomebodyElse: code === "no_role" };
}
