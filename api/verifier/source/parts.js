// A bundle in several QR codes: PISTE1:<tag>:<i>/<n>:<chunk>; the chunks together are base45 of the deflated bundle.

import { Inflate, inflateSync } from "fflate";

import { hex, joinAll, sha256 } from "./bytes.js";
import { Malformed } from "./canonical.js";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const PART = /^PISTE1:([0-9A-F]{8}):([1-9][0-9]?)\/([1-9][0-9]?):([0-9A-Z $%*+\-./:]*)$/;
const LARGEST = 1 << 20;
const HEADER = 2, CHECK_SUM = 4;
const STEP = 1024; // deflate grows a thousandfold at most, so that a step makes a megabyte at most

/** Reads one code; null where it is none of ours. */
export const readPart = (text) => {
  const found = PART.exec(text);
  if (!found) return null;
  const [tag, place, count] = [found[1], Number(found[2]), Number(found[3])];
  return place <= count ? { tag, place, count, chunk: found[4] } : null;
};

/** Collects the codes of one paper in any order. */
export class Parts {
  constructor() {
    this.tag = null;
    this.count = 0;
    this.chunks = new Map();
  }

  /** Takes a code: "new", "known", or "other" where it belongs to another paper and collecting began anew. */
  take(part) {
    const held = this.chunks.get(part.place);
    const other = this.tag !== null &&
      (part.tag !== this.tag || part.count !== this.count || (held !== undefined && held !== part.chunk));
    if (other || this.tag === null) {
      this.tag = part.tag;
      this.count = part.count;
      this.chunks = new Map();
    }
    this.chunks.set(part.place, part.chunk);
    return other ? "other" : held === undefined ? "new" : "known";
  }

  get isWhole() {
    return this.count > 0 && this.chunks.size === this.count;
  }

  /** Puts the bundle together. */
  bytes() {
    if (!this.isWhole) throw new Malformed("a code is missing");
    const text = Array.from({ length: this.count }, (_, at) => this.chunks.get(at + 1)).join("");
    const deflated = decodeBase45(text);
    if (hex(sha256(deflated)).slice(2, 10).toUpperCase() !== this.tag) throw new Malformed("codes do not belong together");
    return inflate(deflated);
  }
}

/** Reads base45 (RFC 9285). */
export const decodeBase45 = (text) => {
  const bytes = [];
  for (let at = 0; at < text.length; at += 3) {
    const digits = Array.from(text.slice(at, at + 3), (letter) => ALPHABET.indexOf(letter));
    const value = digits.reduce((sum, digit, place) => sum + digit * 45 ** place, 0);
    const isShort = digits.length === 2;
    if (digits.length === 1 || digits.includes(-1) || value > (isShort ? 0xff : 0xffff)) throw new Malformed("no base45");
    if (!isShort) bytes.push(value >> 8);
    bytes.push(value & 0xff);
  }
  return Uint8Array.from(bytes);
};

/** Undoes zlib (RFC 1950): header, deflated data that end where the check sum begins, check sum. */
const inflate = (deflated) => {
  const [method, flags] = deflated, data = deflated.subarray(HEADER, deflated.length - CHECK_SUM);
  const isHeader = (method & 15) === 8 && method >> 4 <= 7 && !(flags & 32) && (method * 256 + flags) % 31 === 0;
  if (deflated.length < HEADER + 1 + CHECK_SUM || !isHeader) throw new Malformed("not deflated");
  const bytes = inflateWithin(data), sum = deflated.subarray(-CHECK_SUM).reduce((value, byte) => value * 256 + byte, 0);
  if (adler32(bytes) !== sum || !isCutShort(data.subarray(0, -1))) throw new Malformed("not deflated");
  return bytes;
};

/** Inflates step by step, so that little data cannot become very much. */
const inflateWithin = (data) => {
  const pieces = [];
  let size = 0;
  const stream = new Inflate((piece) => {
    size += piece.length;
    pieces.push(piece);
  });
  try {
    for (let at = 0; at < data.length && size <= LARGEST; at += STEP) stream.push(data.subarray(at, at + STEP), at + STEP >= data.length);
  } catch {
    throw new Malformed("not deflated");
  }
  if (size > LARGEST) throw new Malformed("too large");
  return joinAll(pieces);
};

/** Tells whether deflated data break off; fflate itself takes what stands behind their end in silence. */
const isCutShort = (data) => {
  try {
    inflateSync(data);
    return false;
  } catch {
    return true;
  }
};

/** Gives the check sum of zlib, which fflate does not look at. */
const adler32 = (bytes) => {
  let low = 1, high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
};
