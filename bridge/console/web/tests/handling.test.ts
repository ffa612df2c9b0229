import { describe, expect, test } from "vitest";
import { type Handling, handles, OPEN_TO_ALL, queryOf, SNOOZES } from "../src/model/handling";

const OPEN: Handling = { severity: "critical", state: "open", staysListed: false };

describe("what can be done about something that needs a person", () => {
  test("is to take it on, or to leave it to others", () => {
    expect(handles(OPEN, "Ada")).toEqual(["assign", "note", "snooze", "close"]);
    expect(handles({ ...OPEN, assignedTo: "Ada" }, "Ada")).toEqual(["unassign", "note", "snooze", "close"]);
    expect(handles({ ...OPEN, assignedTo: "Bob" }, "Ada").slice(0, 2)).toEqual(["assign", "unassign"]);
    expect(handles({ ...OPEN, assignedTo: "Bob" }, null).slice(0, 2)).toEqual(["assign", "unassign"]);
  });

  test("is to have it open again where it is snoozed or closed", () => {
    expect(handles({ ...OPEN, state: "snoozed" }, null)).toEqual(["assign", "note", "reopen", "close"]);
    expect(handles({ ...OPEN, state: "closed" }, null)).toEqual(["assign", "note", "reopen"]);
    expect(handles({ ...OPEN, staysListed: true }, null)).toEqual(["assign", "note"]);
  });
});

test("a snooze until tomorrow ends in the morning, also when clocks are put on that night", () => {
  const evening = new Date(2026, 2, 28, 23, 30);
  const [, , tomorrow, week] = SNOOZES.map(({ until }) => until(evening));
  expect([tomorrow?.getDate(), tomorrow?.getHours(), week?.getDate()]).toEqual([29, 9, 4]);
});

test("what is asked for names a person as an address can hold it", () => {
  expect(queryOf(OPEN_TO_ALL)).toBe("&state=open");
  expect(queryOf({ state: "closed", assignedTo: "A & B" })).toBe("&state=closed&assignedTo=A%20%26%20B");
});
