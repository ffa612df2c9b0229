/** The languages of the pages that buyers and sellers see, and which of them one is shown in. */

import type { Catalogue } from "./catalogue";

interface Language {
  /** In the language itself. */
  name: string;
  /** How `<html lang>` says it, and by which its dates and numbers are written. */
  locale: string;
  direction: "ltr" | "rtl";
  /** What stands between two sentences. */
  between: " " | "";
  load: () => Promise<{ default: Catalogue }>;
}

const LATIN = { direction: "ltr", between: " " } as const;

/** Each is a file of the build of its own, of which a page loads the one that it speaks. */
export const LANGUAGES = {
  en: { ...LATIN, name: "English", locale: "en-GB", load: () => import("./en") },
  es: { ...LATIN, name: "Español", locale: "es", load: () => import("./es") },
  pt: { ...LATIN, name: "Português", locale: "pt-BR", load: () => import("./pt") },
  tr: { ...LATIN, name: "Türkçe", locale: "tr", load: () => import("./tr") },
  fa: { direction: "rtl", between: " ", name: "فارسی", locale: "fa", load: () => import("./fa") },
  ru: { ...LATIN, name: "Русский", locale: "ru", load: () => import("./ru") },
  zh: { direction: "ltr", between: "", name: "中文", locale: "zh-Hans", load: () => import("./zh") },
} as const satisfies Record<string, Language>;

export type LanguageCode = keyof typeof LANGUAGES;
export const CODES = Object.keys(LANGUAGES) as LanguageCode[];

/** The language of a tag such as `pt-BR`; null if there are no sentences in it. */
export function languageOf(tag: string | null): LanguageCode | null {
  const primary = tag?.toLowerCase().split("-", 1)[0];
  return CODES.find((code) => code === primary) ?? null;
}

/** The one that the address asks for; else the one that was chosen on a page; else what the browser would rather have. */
export function chosenLanguage(asked: string | null, kept: string | null, preferred: readonly string[]): LanguageCode {
  return [asked, kept, ...preferred].map(languageOf).find((code) => code !== null) ?? "en";
}

/** A page of the bridge's own, in the language that the address of this one asks for. */
export function inTheSameLanguage(path: string, query: string): string {
  const asked = languageOf(new URLSearchParams(query).get("lang"));
  return asked === null ? path : `${path}${path.includes("?") ? "&" : "?"}lang=${asked}`;
}
