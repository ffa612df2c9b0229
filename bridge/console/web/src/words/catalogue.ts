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

// No text has these, so that the compiler complains of the one sentence that would need to.
type Differ = { wrong: "its placeholders are not those of the English sentence" };
type WithNames<Own, Text> = [Exclude<Names<Own>, "count">] extends [Names<Text>]
  ? [Exclude<Names<Text>, "count">] extends [Names<Own>]
    ? Own
    : Differ
  : Differ;
type Checked<Own, Name extends Key> = English[Name] extends string
  ? Own extends string
    ? WithNames<Own, English[Name]>
    : { wrong: "it counts nothing in English" }
  : Own extends Forms
    ? { [Form in keyof Own]: WithNames<Own[Form], Source<Name>> }
    : { wrong: "it has forms for numbers in English" };

/** A language's sentences, held to the English ones. */
export function translation<const Own extends Readonly<Record<string, Entry>>>(
  own: Own & { [Name in Key]: Name extends keyof Own ? Checked<Own[Name], Name> : Entry },
): Catalogue {
  return own as Catalogue;
}

/** A sentence with its placeholders filled, piece by piece. */
export function pieces<Part>(sentence: string, fill: (placeholder: string) => Part): (string | Part)[] {
  return sentence.split(/\{(\w+)\}/).map((piece, place) => (place % 2 === 0 ? piece : fill(piece)));
}
