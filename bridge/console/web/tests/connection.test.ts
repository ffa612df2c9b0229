import { describe, expect, it } from "vitest";
import { BEGINNING, type ConnectionState, type Heard, inWords, moved } from "../src/model/connection";
import { english } from "./spoken";

const [LIVE, CATCHING_UP, OFFLINE] = (["live", "catching up", "offline"] as const).map(
  (standing): Heard => ({ type: "stands", standing }),
) as [Heard, Heard, Heard];

const after = (...heard: Heard[]): ConnectionState[] => {
  let connection = BEGINNING;
  return heard.map((one) => {
    connection = moved(connection, one);
    return connection.state;
  });
};

describe("the connection", () => {
  it("is connecting until it is live for the first time", () => {
    expect(after(CATCHING_UP, LIVE)).toEqual(["connecting", "live"]);
  });

  it("goes from live to offline, catches up, and is live again", () => {
    expect(after(CATCHING_UP, LIVE, OFFLINE, { type: "unreachable" }, CATCHING_UP, LIVE)).toEqual([
      "connecting",
      "live",
      "offline",
      "offline",
      "catching-up",
      "live",
    ]);
  });

  it("is live at once when the bridge brings what was missed", () => {
    expect(after(CATCHING_UP, LIVE, OFFLINE, LIVE)).toEqual(["connecting", "live", "offline", "live"]);
  });

  it("says why it was refused, and keeps saying it when the socket closes", () => {
    const refused = moved(BEGINNING, { type: "refused", code: "token_expired", message: "it has expired" });
    expect(moved(refused, OFFLINE)).toEqual(refused);
    expect(inWords(english, refused).sentence).toBe("it has expired");
  });

  it("has other words for a page that never was live", () => {
    const never = inWords(english, moved(BEGINNING, { type: "unreachable" })).sentence;
    const before = inWords(english, { ...BEGINNING, state: "offline", wasLive: true }).sentence;
    expect(never).toContain("cannot be reached");
    expect(before).toContain("from before");
  });
});
