/** Words of the pages, for tests. */

import { CODES, LANGUAGES } from "../src/words/languages";
import { Words, wordsIn } from "../src/words/words";

export const catalogues = new Map(
  await Promise.all(CODES.map(async (code) => [code, (await LANGUAGES[code].load()).default] as const)),
);
export const all: readonly Words[] = await Promise.all(CODES.map(wordsIn));
export const english = all.find(({ language }) => language === "en")!;
