/** Where staff hand over their token. It is never part of an address, and stays in this tab. */

import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { Connection } from "../model/connection";
import { heldToken, keepToken } from "../net/token";
import { desk } from "./desk";
import { Heading } from "./Heading";

const REASONS: Record<string, string> = {
  token_expired: "That token has expired. Get a new one, and paste it here.",
  token_invalid: "The bridge does not accept that token. Was all of it pasted?",
  not_allowed: "That token is not one of staff: the console is for staff alone.",
};

export function SignIn({ connection }: { connection: Connection }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const reason = heldToken() === null ? null : (REASONS[connection.code ?? ""] ?? connection.message);
  const signIn = (event: Event): void => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? "";
    if (token === "") {
      field.current?.focus();
      return;
    }
    keepToken(token);
    desk.live.restart();
  };
  return (
    <form class="sign-in" onSubmit={signIn}>
      <Heading title="Sign in">Sign in</Heading>
      <p>The console is for staff. Paste the token that your company gave you.</p>
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
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  );
}
