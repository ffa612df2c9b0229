/** The styles of the pages of buyers and sellers name no side, so that a page from right to left is mirrored as a whole. */

import { expect, test } from "vitest";

const STYLES = import.meta.glob<string>("../src/styles/{base,line,own,pay,receipt,refunds}.css", {
  query: "?raw",
  import: "default",
  eager: true,
});
const SIDE = /(?:margin|padding|border|scroll-\w+)-(?:left|right)\b|(?:^|[\s;{])(?:left|right)\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right)/;

test.each(Object.entries(STYLES))("%s names none", (_path, style) => {
  expect(style.split("\n").filter((line) => SIDE.test(line))).toEqual([]);
});

test("all of them are looked at, and one that does would be found", () => {
  expect(Object.values(STYLES).map((style) => style.length > 500)).toEqual(Array(6).fill(true));
  expect(["  left: 0;", "  padding-right: 1rem;", "  text-align: left;"].every((line) => SIDE.test(line))).toBe(true);
  expect([".time-left .clock {", "  text-align: start;", "  inset-inline-start: 0;"].some((line) => SIDE.test(line))).toBe(false);
});
