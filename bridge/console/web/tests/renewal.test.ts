/** A token of a session is renewed for as long as it is the one that the tab holds. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bringToken, Renewal } from "../src/net/sign-in";

const asked = vi.fn(() => Promise.reject(new TypeError("nothing answers")));

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.useFakeTimers();
  vi.stubGlobal("fetch", asked);
  vi.stubGlobal("navigator", {});
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  sessionStorage.setItem("bridge.renewed-at", (Date.now() + 60_000).toString());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  asked.mockClear();
});

test("the next token is asked for when it is time", async () => {
  new Renewal(vi.fn(), vi.fn()).start();
  await vi.advanceTimersByTimeAsync(59_000);
  expect(asked).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveBeenCalledOnce();
});

test("of a session that somebody has left for a token of their own, nothing is asked for any more", async () => {
  const renewal = new Renewal(vi.fn(), vi.fn());
  renewal.start();
  bringToken("a token");
  renewal.start();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).not.toHaveBeenCalled();
});
