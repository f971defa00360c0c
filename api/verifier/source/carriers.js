// What carries a bundle: a release note (PDF), the texts of QR codes, or JSON itself.

import { placesOf, utf8 } from "./bytes.js";
import { readPart, Parts } from "./parts.js";

const MOST_JSON = 1 << 20, MOST_PDF = 20 << 20;
const SEAL = utf8("piste-seal-v1 ");
const SEAL_STREAM = /stream\r?\n(piste-seal-v1 ([0-9a-f]{40}) ([0-9a-f]{130}) ([0-9]{10})\n)\r?\n?endstream/;
const BUNDLE_BEGINS = /stream\r?\n\{"changes":\[/g;
const BUNDLE_STREAM = /stream\r?\n(\{"changes":\[[^\r\n]*)\r?\nendstream/;
const ZERO = 0x30;

/** A carrier that cannot be read; the reason is one of docs/verification.md. */
export class Unreadable extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const begins = (bytes, text) => bytes.length >= text.length && utf8(text).every((byte, at) => bytes[at] === byte);

/** Tells what a file is by its first bytes: pdf, qr or json; null where it is none of them. */
export const kindOf = (bytes) =>
  begins(bytes, "%PDF-") ? "pdf" : begins(bytes, "PISTE1:") ? "qr" : begins(bytes, "{") ? "json" : null;

/** Takes the JSON out of what carries it: {kind, json, paper}, `paper` being the paper's seal and the bytes that it covers. */
export const unpack = (bytes) => {
  const kind = kindOf(bytes);
  if (bytes.length > (kind === "pdf" ? MOST_PDF : MOST_JSON)) throw new Unreadable("too-large");
  if (kind === null) throw new Unreadable("unknown-format");
  if (kind === "pdf") return { kind, ...fromPaper(bytes) };
  const json = kind === "qr" ? fromCodes(bytes) : bytes;
  if (json.length > MOST_JSON) throw new Unreadable("too-large");
  return { kind, json, paper: null };
};

const fromPaper = (bytes) => {
  // One character a byte: what a match says of the text holds of the bytes. (latin1 leaves no byte out.)
  const text = new TextDecoder("latin1").decode(bytes);
  const places = placesOf(SEAL, bytes), seal = places.length === 1 ? SEAL_STREAM.exec(text) : null;
  if (!seal) throw new Unreadable("paper-seal-missing");
  const bundle = (text.match(BUNDLE_BEGINS) ?? []).length === 1 ? BUNDLE_STREAM.exec(text) : null;
  if (!bundle) throw new Unreadable("bundle-missing");
  const begin = bundle.index + bundle[0].indexOf("{"), json = bytes.slice(begin, begin + bundle[1].length);
  if (json.length > MOST_JSON) throw new Unreadable("too-large");
  const covered = bytes.slice();
  const at = places[0] + SEAL.length + seal[2].length + 1;
  covered.fill(ZERO, at, at + seal[3].length);
  return { json, paper: { signer: `0x${seal[2]}`, signature: `0x${seal[3]}`, signedAt: Number(seal[4]), covered } };
};

const fromCodes = (bytes) => {
  try {
    const text = new TextDecoder("latin1").decode(bytes).replace(/\r\n/g, "\n");
    const parts = new Parts();
    for (const line of text.split("\n").filter((one) => one)) {
      const part = readPart(line);
      if (part === null || parts.take(part) === "other") throw new Unreadable("qr-unreadable");
    }
    return parts.bytes();
  } catch {
    throw new Unreadable("qr-unreadable");
  }
};

