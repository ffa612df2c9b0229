import { describe, expect, test } from "vitest";
import { howMany, leftOutWords } from "../src/model/attention";
import type { AttentionItem } from "../src/model/documents";

const ITEM: AttentionItem = { kind: "payment-short", id: "a", title: "", detail: "", advice: "", since: "2026-11-24T10:00:00Z", actions: [] };

describe("what needs a person and is not listed", () => {
  test("is counted with what is, as far as it was counted", () => {
    expect(howMany([ITEM], [])).toBe("1");
    expect(howMany([ITEM], [{ kind: "payment-short", count: 13 }])).toBe("14");
    expect(howMany([ITEM, ITEM], [{ kind: "payment-short", count: 1 }, { kind: "webhook-unmatched", count: null }])).toBe("3+");
  });

  test("is named by its kind", () => {
    expect(leftOutWords({ kind: "payment-short", count: 13 })).toBe("13 more: Too little");
    expect(leftOutWords({ kind: "webhook-unmatched", count: null })).toBe("Maybe more: Unmatched webhook");
  });
});
