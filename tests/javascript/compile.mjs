// Compiles the contracts of the tests, and prints each one's interface and code as JSON.
import { readFileSync } from "node:fs";
import solc from "solc";

const source = process.argv[2];
const input = {
  language: "Solidity",
  sources: { contracts: { content: readFileSync(source, "utf8") } },
  // An EVM that every chain has by now.
  settings: { evmVersion: "paris", outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const faults = (output.errors ?? []).filter(({ severity }) => severity === "error");
if (faults.length > 0) {
  console.error(faults.map(({ formattedMessage }) => formattedMessage).join("\n"));
  process.exit(1);
}
const contracts = Object.entries(output.contracts.contracts);
const compiled = contracts.map(([name, { abi, evm }]) => [name, { abi, bytecode: evm.bytecode.object }]);
console.log(JSON.stringify(Object.fromEntries(compiled)));
