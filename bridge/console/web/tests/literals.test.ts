/** No sentence stands in the pages of buyers and sellers, nor in what decides what they say: all are in the catalogue. */

import { expect, test } from "vitest";
import { parseSync } from "vite";

const SOURCES = import.meta.glob<string>(
  [
    "../src/pages/*",
    "../src/parts/*",
    "../src/model/{connection,disputes,own,payment-line,payment-steps,receipt,refunds,refusals}.ts",
  ],
  { query: "?raw", import: "default", eager: true },
);
/** Of the console, which speaks English alone. */
const OF_THE_CONSOLE = new Set(["poolName", "sentFault", "refundFault", "disputeWords"]);
/** What nobody reads. */
const UNREAD_ATTRIBUTES = new Set(["class", "rel", "d", "viewBox", "style", "key"]);
/** Two words, or one that begins a sentence. */
const SENTENCE = /\p{L}{2,}[ ,]+\p{L}|^\s*\p{Lu}\p{Ll}{2,}/u;

interface Node {
  type: string;
  [field: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;
const nameOf = (node: unknown): unknown => (isNode(node) ? node["name"] : null);

function isUnread(node: Node): boolean {
  switch (node.type) {
    case "ImportDeclaration":
    case "TSLiteralType":
    case "ThrowStatement":
      return true;
    case "JSXAttribute":
      return UNREAD_ATTRIBUTES.has(String(nameOf(node["name"])));
    case "FunctionDeclaration":
      return OF_THE_CONSOLE.has(String(nameOf(node["id"])));
    default:
      return false;
  }
}

function textOf(node: Node): string | null {
  if (node.type === "JSXText") return String(node["value"]);
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node.type === "TemplateElement") return (node["value"] as { raw: string }).raw;
  return null;
}

function sentencesIn(node: Node): string[] {
  if (isUnread(node)) return [];
  const text = textOf(node);
  const isRead = text !== null && (node.type === "JSXText" ? /\p{L}/u.test(text) : SENTENCE.test(text));
  const own = isRead ? [text.trim()] : [];
  // What a case compares with is a word of the wire.
  const parts = node.type === "SwitchCase" ? [node["consequent"]] : Object.values(node);
  return [...own, ...parts.flat().filter(isNode).flatMap(sentencesIn)];
}

const found = (path: string, source: string): string[] =>
  sentencesIn(parseSync(path, source).program as unknown as Node).map((text) => `${path}: ${text}`);

test("no sentence stands in the source of what buyers and sellers see", () => {
  expect(Object.keys(SOURCES).length).toBeGreaterThan(20);
  expect(Object.entries(SOURCES).flatMap(([path, source]) => found(path, source))).toEqual([]);
});

test.each([
  'const a = <p>Paid</p>;',
  'const a = <p aria-label="Where to pay" />;',
  'const a = <p>{isOver ? "The time is over" : null}</p>;',
  "const a = <p>{`Pay ${name}`}</p>;",
  'const WORDS = { paid: "Paid" };',
])("one that stood there would be found: %s", (source) => {
  expect(found("page.tsx", source)).toHaveLength(1);
});

test.each([
  'const a = <p class="field note" key={`a b ${name}`}>{words.say("paid")} + {amount}</p>;',
  'import a from "Some where"; throw new Error("This is no page");',
  'type Kind = "Of a type";',
])("what nobody reads is none: %s", (source) => {
  expect(found("page.tsx", source)).toEqual([]);
});
