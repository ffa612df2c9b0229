import { describe, expect, it } from "vitest";
import { BEGINNING, type ConnectionState, type Heard, inWords, moved } from "../src/model/connection";

const after = (...heard: Heard[]): ConnectionState[] => {
  let connection = BEGINNING;
  return heard.map((one) => {
    connection = moved(connection, one);
    return connection.state;
  });
};

describe("the connection", () => {
  it("is live when what there is was looked up", () => {
    expect(after({ type: "connected", recovered: false }, { type: "caught-up" })).toEqual(["connecting", "live"]);
  });

  it("goes from live to offline, catches up, and is live again", () => {
    expect(
      after(
        { type: "connected", recovered: false },
        { type: "caught-up" },
        { type: "lost" },
        { type: "unreachable" },
        { type: "connected", recovered: false },
        { type: "caught-up" },
      ),
    ).toEqual(["connecting", "live", "offline", "offline", "catching-up", "live"]);
  });

  it("is live at once when the bridge brings what was missed", () => {
    expect(
      after({ type: "connected", recovered: false }, { type: "caught-up" }, { type: "lost" }, { type: "connected", recovered: true }),
    ).toEqual(["connecting", "live", "offline", "live"]);
  });

  it("does not call itself live while it is offline", () => {
    expect(after({ type: "lost" }, { type: "caught-up" })).toEqual(["offline", "offline"]);
  });

  it("says why it was refused, and keeps saying it when the socket closes", () => {
    const refused = moved(BEGINNING, { type: "refused", code: "token_expired", message: "it has expired" });
    expect(moved(refused, { type: "lost" })).toEqual(refused);
    expect(inWords(refused).sentence).toBe("it has expired");
  });

  it("has other words for a page that never was live", () => {
    const never = inWords(moved(BEGINNING, { type: "unreachable" })).sentence;
    const before = inWords({ ...BEGINNING, state: "offline", wasLive: true }).sentence;
    expect(never).toContain("cannot be reached");
    expect(before).toContain("from before");
  });
});
