/** The language that a page speaks: its words for all parts, and the chooser of another one. */

import { createContext, type ComponentChildren, type JSX } from "preact";
import { useContext, useLayoutEffect, useState } from "preact/hooks";
import { keepLanguage } from "../net/language";
import { CODES, type LanguageCode, LANGUAGES } from "../words/languages";
import { type Words, wordsIn } from "../words/words";

interface Speech {
  words: Words;
  speak: (language: LanguageCode) => Promise<void>;
}

const Spoken = createContext<Speech | null>(null);

/** Gives a page its words. */
export function Speaking({ words: first, children }: { words: Words; children: ComponentChildren }): JSX.Element {
  const [words, setWords] = useState(first);
  useLayoutEffect(() => {
    document.documentElement.lang = words.locale;
    document.documentElement.dir = words.direction;
  }, [words]);
  async function speak(language: LanguageCode): Promise<void> {
    setWords(await wordsIn(language));
    keepLanguage(language);
  }
  return <Spoken.Provider value={{ words, speak }}>{children}</Spoken.Provider>;
}

function useSpeech(): Speech {
  const speech = useContext(Spoken);
  if (speech === null) throw new Error("nothing gives this part its words");
  return speech;
}

export function useWords(): Words {
  return useSpeech().words;
}

export function LanguageChooser(): JSX.Element {
  const { words, speak } = useSpeech();
  // Where its sentences cannot be had at the moment, the page goes on in the language that it has.
  const choose = (select: HTMLSelectElement): void =>
    void speak(select.value as LanguageCode).catch(() => {
      select.value = words.language;
    });
  return (
    <footer class="language">
      <label>
        <span>{words.say("language")}</span>
        <select value={words.language} onChange={({ currentTarget }) => choose(currentTarget)}>
          {CODES.map((code) => (
            <option key={code} value={code} lang={LANGUAGES[code].locale}>
              {LANGUAGES[code].name}
            </option>
          ))}
        </select>
      </label>
    </footer>
  );
}
