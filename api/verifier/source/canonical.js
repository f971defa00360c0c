// Canonical JSON (RFC 8785) with whole numbers alone: written, and read only where the bytes are what would be written.

import { utf8 } from "./bytes.js";

const DEEPEST = 32;

export class Malformed extends Error {}

const isWellFormed = (text) => {
  try {
    encodeURIComponent(text); // throws at half a surrogate pair; old browsers know nothing shorter
    return true;
  } catch {
    return false;
  }
};

const isAscii = (text) => /^[\x00-\x7f]*$/.test(text);

export const canonical = (value, level = 1) => {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Malformed("no whole number");
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (!isWellFormed(value)) throw new Malformed("half a character");
    return JSON.stringify(value);
  }
  if (level > DEEPEST) throw new Malformed("too deep");
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, level + 1)).join(",")}]`;
  const names = Object.keys(value).sort();
  if (!names.every(isAscii)) throw new Malformed("a name beyond ASCII");
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name], level + 1)}`).join(",")}}`;
};

export const canonicalBytes = (value) => utf8(canonical(value));

/** Reads canonical JSON; anything that is not written exactly so is refused. */
export const readCanonical = (bytes) => {
  let value, text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Malformed("no JSON");
  }
  if (canonical(value) !== text) throw new Malformed("not canonical");
  return value;
};
