/** The languages of the pages: every sentence in each, with the same placeholders, and which language one is shown. */

import { describe, expect, it, test } from "vitest";
import { refusalWords } from "../src/model/refusals";
import type { Sighting } from "../src/model/documents";
import { paymentLine } from "../src/model/payment-line";
import { span, timeLeft, when } from "../src/model/times";
import english from "../src/words/en";
import { type Entry, type Key, translation } from "../src/words/catalogue";
import { chosenLanguage, CODES, inTheSameLanguage, LANGUAGES, languageOf } from "../src/words/languages";
import { Words } from "../src/words/words";
import { payment, sighting } from "./documents";
import { all, catalogues } from "./spoken";

const KEYS = Object.keys(english) as Key[];
const forms = (entry: Entry): string[] => (typeof entry === "string" ? [entry] : Object.values(entry));
const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort();
const apart = (entry: Entry): string[] => placeholders(forms(entry).at(-1)!).filter((name) => name !== "count");
const words = (code: string): Words => all.find(({ language }) => language === code)!;

describe.each(CODES)("the sentences in %s", (code) => {
  const catalogue = catalogues.get(code)!;

  it("are those of English, with the same placeholders", () => {
    expect(Object.keys(catalogue)).toEqual(KEYS);
    for (const key of KEYS) {
      expect(typeof catalogue[key], key).toBe(typeof english[key]);
      for (const form of forms(catalogue[key])) {
        expect(placeholders(form).filter((name) => name !== "count"), key).toEqual(apart(english[key]));
        expect(form.replaceAll(/\{\w+\}/g, ""), `${key}: a brace that fills nothing`).not.toMatch(/[{}]/);
        expect(form, key).toBe(form.trim());
        expect(form, key).not.toBe("");
      }
    }
  });

  it("have a form for each number that the language tells apart", () => {
    const told = new Intl.PluralRules(LANGUAGES[code].locale).resolvedOptions().pluralCategories;
    for (const key of KEYS) {
      const entry: Entry = catalogue[key];
      if (typeof entry !== "string") expect(Object.keys(entry).sort(), key).toEqual([...told].sort());
    }
  });

  it("are translated, but for what is the same in both", () => {
    const same = KEYS.filter((key) => code !== "en" && JSON.stringify(catalogue[key]) === JSON.stringify(english[key]));
    expect(same.filter((key) => !["theBridge", "readOut", "ofAll", "confirmingOf"].includes(key))).toEqual([]);
  });
});

test("a form for the number is taken, and the number is written as the language does", () => {
  const forNumber = (code: string, count: number): string => words(code).count("toPayForPurchases", count);
  expect([1, 2].map((count) => forNumber("en", count))).toEqual(["To pay for 1 purchase", "To pay for 2 purchases"]);
  expect([1, 3, 5, 21].map((count) => forNumber("ru", count).split(" ").at(-1))).toEqual(["покупку", "покупки", "покупок", "покупку"]);
  expect(forNumber("fa", 12)).toContain("۱۲");
  expect(forNumber("zh", 2)).toBe("2 项购买应付");
});

test("what is filled in keeps its direction among letters from the right, and is not changed", () => {
  const amount = "1\u202f249.90\u00a0USD";
  expect(words("fa").say("stillToPay", { amount })).toBe(`\u2068${amount}\u2069 مانده است`);
  expect(words("en").say("stillToPay", { amount })).toBe(`${amount} still to pay`);
  expect(words("en").say("payBy", { name: "شاپرک" })).toBe("Pay \u2068شاپرک\u2069");
  for (const one of all) expect(one.say("sendRest", { missing: amount })).toContain(amount);
});

test("a sentence is said around what is no text, wherever its language has that", () => {
  const network = { code: "TRC-20" };
  expect(words("en").around("onlyOver", { network })[1]).toBe(network);
  expect(words("zh").around("leftToPay", { clock: network })).toEqual(["付款剩余时间 ", network, ""]);
});

test("times are written as the language does", () => {
  const tokens = ["en", "es", "pt", "tr", "fa", "ru", "zh"].map((code) => span(5 * 3_600_000 + 120_000, words(code).locale));
  expect(tokens).toEqual([
    "5 hours 2 minutes",
    "5 horas 2 minutos",
    "5 horas 2 minutos",
    "5 saat 2 dakika",
    "۵ ساعت ۲ دقیقه",
    "5 часов 2 минуты",
    "5小时2分钟",
  ]);
  const left = timeLeft("2026-11-24T10:00:00Z", "2026-11-24T10:09:05Z", Date.parse("2026-11-24T10:00:00Z"), "fa");
  expect(left).toMatchObject({ clock: "۰۹:۰۵", span: "۱۰ دقیقه" });
  const told = when("2026-11-24T12:00:00Z", Date.parse("2026-11-26T12:00:00Z"), "ru");
  expect(told).toMatch(/^24 нояб\. 2026 г\., \d\d:00:00$/);
});

test("each status is told in each language", () => {
  const told = ["pending", "confirming", "partially_paid", "completed", "expired", "failed", "cancelled", "refunded"] as const;
  for (const one of all) {
    const headlines = told.map((status) => paymentLine(one, payment({ status }), "buyer").headline);
    expect(new Set(headlines).size, one.language).toBe(told.length);
  }
});

test("why a transaction does not count is told in the bridge's words to who reads English, and to nobody else", () => {
  const failed = payment({ sightings: [sighting({ stage: "failed", reason: "it carries USDC" })] });
  for (const one of all) {
    const { sentence } = paymentLine(one, failed, "buyer");
    expect(sentence.includes("USDC"), one.language).toBe(one.language === "en");
  }
});

test("each cause for which a transaction does not count is told in each language, whatever the bridge says of it", () => {
  const causes = ["failed", "other-sender", "other-coin", "other-address", "too-early", "counted-elsewhere", "undecided", "replaced"] as const;
  for (const one of all) {
    const told = causes.map((cause) => {
      const failed = payment({ sightings: [sighting({ stage: "failed", reason: "it carries USDC", cause })] });
      return paymentLine(one, failed, "buyer").sentence;
    });
    expect(new Set(told).size, one.language).toBe(causes.length);
    expect(told.join(" "), one.language).not.toContain("USDC");
    const newer = { ...sighting({ stage: "failed" }), cause: "of another day" } as unknown as Sighting;
    expect(paymentLine(one, payment({ sightings: [newer] }), "buyer").sentence).toContain(one.say("failedOnChain"));
  }
});

test("a refusal is told by its code where it is not told in English", () => {
  const refusal = (status: number, code: string | null = null) => ({
    status,
    detail: "The bridge's own words.",
    of: () => (code === null ? null : "Its own words of the field."),
    codeOf: () => code,
  });
  expect(refusalWords(words("en"), refusal(400, "mistyped"), "destination")).toBe("Its own words of the field.");
  expect(refusalWords(words("en"), refusal(503))).toBe("The bridge's own words.");
  const spanish = words("es");
  expect(refusalWords(spanish, refusal(400, "mistyped"), "destination")).toBe(spanish.say("mistyped"));
  expect(refusalWords(spanish, refusal(400, "of another day"), "destination")).toBe(spanish.say("noAddress"));
  expect([0, 429, 500, 403, 404, 409, 418].map((status) => refusalWords(spanish, refusal(status)))).toEqual(
    (["noAnswer", "tooMany", "bridgeFailed", "notAllowed", "noSuchPayment", "notNow", "notAccepted"] as const).map((key) =>
      spanish.say(key),
    ),
  );
});

describe("the language of a page", () => {
  it("is the address's, or else the chosen one, or else the browser's, or else English", () => {
    expect(chosenLanguage("fa", "ru", ["es"])).toBe("fa");
    expect(chosenLanguage("xx", "ru", ["es"])).toBe("ru");
    expect(chosenLanguage(null, null, ["de-DE", "pt-PT", "es"])).toBe("pt");
    expect(chosenLanguage(null, "constructor", ["de", "zh-Hant-TW"])).toBe("zh");
    expect(chosenLanguage("", "", [])).toBe("en");
    expect([languageOf("FA-IR"), languageOf("toString"), languageOf(null)]).toEqual(["fa", null, null]);
  });

  it("goes along to the next page where the address has it", () => {
    expect(inTheSameLanguage("/pay/pay_1?as=seller", "?sellerId=s&lang=fa-IR")).toBe("/pay/pay_1?as=seller&lang=fa");
    expect(inTheSameLanguage("/sales", "?lang=ru")).toBe("/sales?lang=ru");
    expect(inTheSameLanguage("/sales", "?lang=xx")).toBe("/sales");
    expect(inTheSameLanguage("/sales", "")).toBe("/sales");
  });
});

test("the compiler refuses a sentence without its values, and a language without its sentences", () => {
  const one = words("en");
  // @ts-expect-error: it has a placeholder
  const unfilled = () => one.say("stillToPay");
  // @ts-expect-error: it has another placeholder
  const other = () => one.say("stillToPay", { missing: "1" });
  // @ts-expect-error: it has none
  const none = () => one.say("paid", { amount: "1" });
  // @ts-expect-error: it is counted
  const uncounted = () => one.say("transactions");
  // @ts-expect-error: there is no such sentence
  const unknown = () => one.say("sayNothing");
  // @ts-expect-error: its placeholder is mistyped
  const mistyped = () => translation({ ...english, stillToPay: "{amont} still to pay" });
  // @ts-expect-error: one of its forms has a placeholder that nothing fills
  const form = () => translation({ ...english, transactions: { one: "{what}", other: "Transactions" } });
  // @ts-expect-error: it has no forms in English
  const forms = () => translation({ ...english, paid: { other: "Paid" } });
  const { paid, ...without } = english;
  // @ts-expect-error: a sentence is missing
  const incomplete = () => translation(without);
  expect([unfilled, other, none, uncounted, unknown, mistyped, form, forms, incomplete]).toHaveLength(9);
  expect(paid).toBe("Paid");
});
