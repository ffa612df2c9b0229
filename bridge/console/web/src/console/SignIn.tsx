/**
 * Where staff sign in: at the identity provider, if there is one, or by a token that they hand over, which is never part
 * of an address and stays in this tab.
 */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Connection } from "../model/connection";
import { refusalIn, type Refusal, tokenRefusal } from "../model/sign-in";
import { askForToken, bringToken, type SessionAnswer } from "../net/sign-in";
import { heldToken } from "../net/token";
import { Loading } from "../parts/Notice";
import { desk } from "./desk";
import { Heading } from "./Heading";
import { setQuery } from "./router";

const NO_PROVIDER: SessionAnswer = { provider: null, signInAt: null, token: null, renewAfterSeconds: null, refused: null };

export function SignIn({ connection }: { connection: Connection }): JSX.Element {
  const [answer, setAnswer] = useState<SessionAnswer | null>(null);
  const [refused] = useState(takeRefusal);
  useEffect(() => {
    const brought = heldToken();
    void askForToken()
      .catch(() => NO_PROVIDER)
      .then((found) => {
        // The same token again would be refused again.
        if (found.token !== null && found.token !== brought) desk.signedIn();
        else setAnswer(found);
      });
  }, []);
  if (answer === null) return <Loading>Signing in …</Loading>;
  const { provider, signInAt } = answer;
  const byToken = heldToken() === null ? null : tokenRefusal(connection);
  if (provider === null || signInAt === null) return <ByToken reason={byToken} isAlone />;
  const refusal = refusalIn(refused ?? answer.refused, provider);
  return (
    <div class="sign-in">
      <Heading title="Sign in">Sign in</Heading>
      <p>The console is for staff.</p>
      {refusal !== null && (
        <p class="fault" role="alert">
          {refusal.sentence}
        </p>
      )}
      <a class="button primary" href={addressOf(signInAt, refusal)}>
        {refusal?.asSomebodyElse === true ? `Sign in with ${provider} as somebody else` : `Sign in with ${provider}`}
      </a>
      <details open={byToken !== null && refusal === null}>
        <summary>Sign in with a token</summary>
        <ByToken reason={refusal === null ? byToken : null} isAlone={false} />
      </details>
    </div>
  );
}

/** Why the identity provider's sign-in came to nothing, as the address says; from then on it does not. */
function takeRefusal(): string | null {
  const query = new URLSearchParams(location.search);
  const refused = query.get("refused");
  if (refused !== null) {
    query.delete("refused");
    setQuery(query.size === 0 ? "" : `?${query}`);
  }
  return refused;
}

function addressOf(signInAt: string, refusal: Refusal | null): string {
  const query = new URLSearchParams({ to: location.pathname + location.search });
  if (refusal?.asSomebodyElse === true) query.set("somebodyElse", "true");
  return `${signInAt}?${query}`;
}

function ByToken({ reason, isAlone }: { reason: string | null; isAlone: boolean }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const signIn = (event: Event): void => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? "";
    if (token === "") {
      field.current?.focus();
      return;
    }
    bringToken(token);
    desk.signedIn();
  };
  return (
    <form class={isAlone ? "sign-in" : "sign-in-by-token"} onSubmit={signIn}>
      {isAlone && <Heading title="Sign in">Sign in</Heading>}
      <p>{isAlone && "The console is for staff. "}Paste the token that your company gave you.</p>
      {reason !== null && (
        <p class="fault" role="alert" id="sign-in-fault">
          {reason}
        </p>
      )}
      <label for="token">Token</label>
      <input
        ref={field}
        id="token"
        type="password"
        autoComplete="off"
        spellcheck={false}
        required
        {...(reason === null ? {} : { "aria-invalid": true, "aria-describedby": "sign-in-fault" })}
      />
      <button type="submit" class={isAlone ? "primary" : ""}>
        Sign in
      </button>
    </form>
  );
}
