import { expect, test } from "vitest";
import { refusalIn } from "../src/model/sign-in";

/** `SignInRefusal` of the bridge. */
const CODES = ["begun_elsewhere", "no_role", "not_signed_in", "provider_away", "provider_wrong", "session_over", "session_revoked"];

test("each refusal says what to do, and whoever has no role may be somebody else", () => {
  for (const code of CODES) {
    const refusal = refusalIn(code, "Example ID");
    expect(refusal?.sentence).toMatch(/again|[Tt]ell whoever/);
    expect(refusal?.asSomebodyElse).toBe(code === "no_role");
  }
});

test("what an address makes up is not shown", () => {
  for (const code of [null, "", "toString", "constructor", "Call this number"]) expect(refusalIn(code, "Example ID")).toBeNull();
});
