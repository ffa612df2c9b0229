// Reads AsyncAPI documents with the official parser, and prints what it finds: one JSON list for each.
//
// node asyncapi.mjs FILE…
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const parser = new Parser();
const found = [];
for (const path of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(await readFile(path, "utf8"));
  found.push({
    isDocument: document !== undefined,
    diagnostics: diagnostics.map(({ code, severity, path, message }) => ({ code, severity, path: path.join("."), message })),
  });
}
process.stdout.write(JSON.stringify(found));
