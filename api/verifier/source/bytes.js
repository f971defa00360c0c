// Bytes, hexadecimal and big whole numbers.

import { keccak_256 } from "@noble/hashes/sha3.js";
import { sha256 as sha256Of } from "@noble/hashes/sha2.js";

export const keccak = (bytes) => keccak_256(bytes);
export const sha256 = (bytes) => sha256Of(bytes);
export const utf8 = (text) => new TextEncoder().encode(text);

export const hex = (bytes) => "0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Reads lower-case hexadecimal digits after 0x; the caller has checked their form. */
export const fromHex = (text) => {
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = parseInt(text.slice(2 + 2 * at, 4 + 2 * at), 16);
  return bytes;
};

export const isHex = (value, length) =>
  typeof value === "string" && (length === undefined ? /^0x([0-9a-f]{2})*$/.test(value) : value.length === 2 + 2 * length && /^0x[0-9a-f]*$/.test(value));

export const join = (...parts) => joinAll(parts);

export const joinAll = (parts) => {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
};

export const equal = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

export const toNumber = (bytes) => (bytes.length ? BigInt(hex(bytes)) : 0n);

export const word = (value) => fromHex("0x" + BigInt(value).toString(16).padStart(64, "0"));

export const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** Gives every place at which some bytes stand in others. */
export const placesOf = (wanted, bytes) => {
  const places = [];
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    let same = 1;
    while (same < wanted.length && bytes[at + same] === wanted[same]) same += 1;
    if (same === wanted.length) places.push(at);
  }
  return places;
};

/** Tells whether an object has a member of its own. */
export const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
