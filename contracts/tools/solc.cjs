#!/usr/bin/env node
// The npm compiler in the guise of the solc program, for tools that start one (forge, py-solc-x, static analysis).
// Knows `--version` and `--standard-json` over stdin; other arguments (paths, above all) do not matter, because the
// input carries every source. It ends in .cjs because package.json says "module".
"use strict";

const solc = require("solc");

async function compile() {
  process.stdin.setEncoding("utf8");
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  process.stdout.write(solc.compile(chunks.join("")));
}

if (process.argv.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (process.argv.includes("--standard-json")) {
  compile();
} else {
  process.stderr.write("usage: solc.cjs --version | --standard-json < input.json\n");
  process.exitCode = 2;
}
