import { describe, expect, it } from "vitest";
import { endedBy, isComparing, missingIn } from "../src/model/holds";
import type { HoldItem } from "../src/model/ops-documents";

const ofAda: HoldItem = { holdId: "hold_1", heldAt: "2026-05-01T00:00:00Z", heldBy: "Ada", note: null, comparison: null };
const comparing: HoldItem = { ...ofAda, holdId: "hold_2", heldBy: "the bridge", comparison: "open", missingDecisions: 0 };
const over: HoldItem = { ...comparing, holdId: "hold_3", comparison: "over", missingDecisions: 2 };

describe("holds", () => {
  it("of the bridge stay while the books are compared, unless somebody goes on without", () => {
    expect(endedBy("resume", [ofAda, comparing])).toEqual([ofAda]);
    expect(endedBy("resume-without-comparison", [ofAda, comparing])).toEqual([ofAda, comparing]);
    expect(endedBy("resume", [ofAda, over])).toEqual([ofAda, over]);
  });

  it("say whether the books are being compared", () => {
    expect(isComparing([ofAda, over])).toBe(false);
    expect(isComparing([ofAda, comparing])).toBe(true);
  });

  it("say what a restored journal lacks", () => {
    expect(missingIn(ofAda)).toBeNull();
    expect(missingIn(comparing)).toBeNull();
    expect(missingIn(over)).toBe("2 decisions of people are missing.");
    expect(missingIn({ ...over, missingDecisions: 1 })).toBe("1 decision of people is missing.");
    expect(missingIn({ ...over, missingDecisions: null })).toBe("No mark shows whether decisions of people are missing.");
  });
});
