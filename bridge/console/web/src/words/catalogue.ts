/**
 * What a catalogue of sentences is. English is the source: every other language has each of its sentences, with the same
 * placeholders, or does not compile. What is counted has a form for each of the language's plurals.
 */

import type english from "./en";

/** A sentence as it changes with a number, by the rules of its language. */
export type Forms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;
export type Entry = string | Forms;

type English = typeof english;
export type Key = keyof English;
export type Catalogue = Readonly<Record<Key, Entry>>;

/** Sentences that need no number to be said. */
export type Plain = { [Name in Key]: English[Name] extends string ? Name : never }[Key];
export type Counted = Exclude<Key, Plain>;
/** Sentences that can be said as they are. */
export type Fixed = { [Name in Plain]: [Placeholders<Name>] extends [never] ? Name : never }[Plain];

type Names<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Source<Name extends Key> = English[Name] extends Forms ? English[Name]["other"] : English[Name];
/** What has to be filled into a sentence, beside the number that it may count. */
export type Placeholders<Name extends Key> = Exclude<Names<Source<Name>>, "count">;

type Differ = "its placeholders are not those of the English sentence";
type WithNames<Own, Text> = [Exclude<Names<Own>, "count">] extends [Names<Text>]
  ? [Exclude<Names<Text>, "count">] extends [Names<Own>]
    ? Own
    : Differ
  : Differ;
type Checked<Own, Name extends Key> = English[Name] extends string
  ? Own extends string
    ? WithNames<Own, English[Name]>
    : "it counts nothing in English"
  : Own extends Forms
    ? { [Form in keyof Own]: WithNames<Own[Form], Source<Name>> }
    : "it has forms for numbers in English";

/** A language's sentences, held to the English ones. */
export function translation<const Own extends Catalogue>(
  own: Own & { [Name in keyof Own]: Name extends Key ? Checked<Own[Name], Name> : never },
): Catalogue {
  return own;
}
