/** Times for people: how long something lasts still, how old it is, when it was. The clock is an argument. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** By which times are written for who reads English; the console does. */
const ENGLISH = "en-GB";

export interface TimeLeft {
  /** As a clock: `23:59:08`, `04:10`. */
  clock: string;
  /** As a person says it, coarse enough to be read aloud now and then; null when it is over. */
  span: string | null;
  /** The last minutes. */
  isShort: boolean;
  /** How much of the whole time is left, between 0 and 1: for drawing. */
  share: number;
}

export function timeLeft(createdAt: string, expiresAt: string, now: number, locale = ENGLISH): TimeLeft {
  const end = Date.parse(expiresAt);
  const whole = Math.max(end - Date.parse(createdAt), SECOND);
  const left = Math.max(end - now, 0);
  const seconds = Math.ceil(left / SECOND);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const digits = (number: number, least = 2): string =>
    number.toLocaleString(locale, { minimumIntegerDigits: least, useGrouping: false });
  const short = `${digits(minutes)}:${digits(rest)}`;
  return {
    clock: hours > 0 ? `${digits(hours, 1)}:${short}` : short,
    span: left === 0 ? null : span(left, locale),
    isShort: left > 0 && left < 5 * MINUTE && left < whole / 4,
    share: Math.min(left / whole, 1),
  };
}

/** A length of time in its largest units: `2 hours 5 minutes`, `40 seconds`. */
export function span(milliseconds: number, locale = ENGLISH): string {
  const counted = (number: number, unit: "day" | "hour" | "minute" | "second"): string =>
    number.toLocaleString(locale, { style: "unit", unit, unitDisplay: "long" });
  const both = (large: string, number: number, unit: "hour" | "minute"): string =>
    number === 0 ? large : new Intl.ListFormat(locale, { type: "unit", style: "narrow" }).format([large, counted(number, unit)]);
  if (milliseconds >= DAY) {
    return both(counted(Math.floor(milliseconds / DAY), "day"), Math.floor((milliseconds % DAY) / HOUR), "hour");
  }
  if (milliseconds >= HOUR) {
    return both(counted(Math.floor(milliseconds / HOUR), "hour"), Math.floor((milliseconds % HOUR) / MINUTE), "minute");
  }
  if (milliseconds >= MINUTE) return counted(Math.ceil(milliseconds / MINUTE), "minute");
  return counted(Math.ceil(milliseconds / SECOND), "second");
}

/** How old something is, for a narrow column: `12 s`, `4 min`, `3 h`, `9 d`. */
export function age(since: string, now: number): string {
  const passed = Math.max(now - Date.parse(since), 0);
  if (passed < MINUTE) return `${Math.floor(passed / SECOND)}\u00a0s`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)}\u00a0min`;
  if (passed < 2 * DAY) return `${Math.floor(passed / HOUR)}\u00a0h`;
  return `${Math.floor(passed / DAY)}\u00a0d`;
}

/** When something happened: the time of the day, and the day too unless it is today's. */
export function when(at: string, now: number, locale = ENGLISH): string {
  const [then, today] = [new Date(at), new Date(now)];
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
  if (then.toDateString() === today.toDateString()) return then.toLocaleTimeString(locale, time);
  return then.toLocaleString(locale, { day: "numeric", month: "short", year: "numeric", ...time });
}

/** A whole moment, with its zone, for whoever looks closer. */
export function moment(at: string, locale = ENGLISH): string {
  return new Date(at).toLocaleString(locale, { dateStyle: "medium", timeStyle: "long" });
}

/** The time zone of whoever looks, in which all times are shown and all days are meant. */
export const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The day on which something happened, as `2026-11-24`. */
export function dayOf(at: string | number, timeZone = OWN_ZONE): string {
  return new Date(at).toLocaleDateString("sv-SE", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
}

/** A day of a chart, `2026-11-24`, as `24 Nov`. */
export function day(date: string): string {
  return new Date(`${date}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}
