// The verifier on the command line, for tests: `node judge.js < requests`, a JSON object {trust, file} (base64) a line.

import { createInterface } from "node:readline";

import { readTrust, verify } from "./verify.js";

const anchors = new Map();

const anchorOf = (trust) => {
  if (!anchors.has(trust)) anchors.set(trust, readTrust(new Uint8Array(Buffer.from(trust, "base64"))));
  return anchors.get(trust);
};

const judge = ({ trust, file }) => {
  let anchor;
  try {
    anchor = anchorOf(trust);
  } catch (fault) {
    return { refused: String(fault.message) };
  }
  return verify(new Uint8Array(Buffer.from(file, "base64")), anchor);
};

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(judge(JSON.parse(line)))}\n`);
}
