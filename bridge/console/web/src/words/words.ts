/** The words of one language: its sentences, filled in, and how it writes numbers. */

import { type Catalogue, type Counted, type Forms, type Key, pieces, type Placeholders, type Plain } from "./catalogue";
import { type LanguageCode, LANGUAGES } from "./languages";

type Value = string | number;
type Filled<Name extends Key> = [Placeholders<Name>] extends [never] ? [] : [values: Record<Placeholders<Name>, Value>];

const WRITTEN_FROM_THE_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const [ISOLATE, END] = ["\u2068", "\u2069"];

export class Words {
  readonly locale: string;
  readonly direction: "ltr" | "rtl";
  private readonly between: string;
  private readonly numbers: Intl.NumberFormat;
  private readonly plurals: Intl.PluralRules;

  constructor(
    readonly language: LanguageCode,
    private readonly sentences: Catalogue,
  ) {
    const { locale, direction, between } = LANGUAGES[language];
    [this.locale, this.direction, this.between] = [locale, direction, between];
    this.numbers = new Intl.NumberFormat(locale);
    this.plurals = new Intl.PluralRules(locale);
  }

  say<Name extends Plain>(name: Name, ...[values]: Filled<Name>): string {
    return this.filled(this.sentences[name] as string, values ?? {});
  }

  /** A sentence about so many of something. */
  count<Name extends Counted>(name: Name, count: number, ...[values]: Filled<Name>): string {
    const forms = this.sentences[name] as Forms;
    return this.filled(forms[this.plurals.select(count)] ?? forms.other, { ...values, count });
  }

  /** A sentence around what is no text, in the order of the language. */
  around<Name extends Plain, Values extends Record<Placeholders<Name>, unknown>>(
    name: Name,
    values: Values,
  ): (string | Values[Placeholders<Name>])[] {
    return pieces(this.sentences[name] as string, (placeholder) => {
      const value = values[placeholder as Placeholders<Name>];
      return typeof value === "string" ? this.apart(value) : value;
    });
  }

  /** Sentences one after the other. */
  together(...sentences: readonly (string | null)[]): string {
    return sentences.filter((one) => one !== null).join(this.between);
  }

  /** What the bridge says in English, for whoever reads the page in English; null for all others. */
  ofTheBridge(text: string | null): string | null {
    return this.language === "en" ? text : null;
  }

  private filled(sentence: string, values: Readonly<Record<string, Value>>): string {
    return pieces(sentence, (placeholder) => this.apart(values[placeholder] ?? "")).join("");
  }

  /** A value that keeps its own direction, so that neither tears the other apart. */
  private apart(value: Value): string {
    const text = typeof value === "number" ? this.numbers.format(value) : value;
    return this.direction === "rtl" || WRITTEN_FROM_THE_RIGHT.test(text) ? `${ISOLATE}${text}${END}` : text;
  }
}

/** Loads the sentences of a language. */
export async function wordsIn(language: LanguageCode): Promise<Words> {
  return new Words(language, (await LANGUAGES[language].load()).default);
}
