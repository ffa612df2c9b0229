/** The language of whoever looks: what the address asks for, and what they chose on a page, which is kept. */

import { chosenLanguage, type LanguageCode } from "../words/languages";

const KEY = "bridge.language";

export function ownLanguage(): LanguageCode {
  const asked = new URLSearchParams(location.search).get("lang");
  return chosenLanguage(asked, localStorage.getItem(KEY), navigator.languages);
}

/** Keeps what was chosen. An address that asks for another language asks for this one from now on. */
export function keepLanguage(language: LanguageCode): void {
  localStorage.setItem(KEY, language);
  const address = new URL(location.href);
  if (!address.searchParams.has("lang")) return;
  address.searchParams.set("lang", language);
  history.replaceState(history.state, "", address);
}
