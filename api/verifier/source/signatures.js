// Three kinds of signer (ERC-7913), judged exactly as the contracts judge them: an address (secp256k1), a key on
// P-256, a passkey (an ABI-encoded WebAuthn assertion whose challenge is the digest).

import { p256 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";

import { base64url, equal, fromHex, join, keccak, sha256, toNumber, utf8, word } from "./bytes.js";

const ADDRESS = 20, POINT = 64, WORD = 32, RECOVERABLE = 65, V_OFFSET = 27;
const SHORTEST_ASSERTION = 6 * WORD, SHORTEST_AUTHENTICATOR_DATA = 37, FLAGS_AT = 32;
const PRESENT = 1, VERIFIED = 4, BACKUP_ELIGIBLE = 8, BACKED_UP = 16;
const UNCOMPRESSED = Uint8Array.of(4);

/** Tells whether a signer signed a digest; `verifiers` are the addresses {p256, passkey} as 0x-strings. */
export const verifySignature = (signer, digest, signature, verifiers) => {
  try {
    if (signer.length === ADDRESS) return bySecp256k1(signer, digest, signature);
    if (signer.length !== ADDRESS + POINT) return false;
    const verifier = signer.subarray(0, ADDRESS), key = signer.subarray(ADDRESS);
    if (equal(verifier, fromHex(verifiers.p256)))
      return signature.length >= POINT && byP256(key, digest, toNumber(signature.subarray(0, WORD)), toNumber(signature.subarray(WORD, POINT)));
    return equal(verifier, fromHex(verifiers.passkey)) && byPasskey(key, digest, signature);
  } catch {
    return false; // a number out of range, or a point off the curve
  }
};

const bySecp256k1 = (address, digest, signature) => {
  if (signature.length !== RECOVERABLE) return false;
  const v = signature[POINT], r = toNumber(signature.subarray(0, WORD)), s = toNumber(signature.subarray(WORD, POINT));
  if ((v !== V_OFFSET && v !== V_OFFSET + 1) || s > secp256k1.Point.Fn.ORDER / 2n) return false;
  const key = new secp256k1.Signature(r, s, v - V_OFFSET).recoverPublicKey(digest);
  return equal(keccak(key.toBytes(false).subarray(1)).subarray(WORD - ADDRESS), address);
};

const byP256 = (key, digest, r, s) => {
  if (s > p256.Point.Fn.ORDER / 2n || r >= 1n << 256n) return false;
  return p256.verify(join(word(r), word(s)), digest, join(UNCOMPRESSED, key), { prehash: false, lowS: true });
};

const byPasskey = (key, digest, signature) => {
  if (signature.length < SHORTEST_ASSERTION) return false;
  const [r, s, challengeAt, typeAt, dataAt, clientAt] = [0, 1, 2, 3, 4, 5].map((place) =>
    toNumber(signature.subarray(place * WORD, (place + 1) * WORD)));
  const data = dynamic(signature, dataAt), client = dynamic(signature, clientAt);
  if (!data || !client || data.length < SHORTEST_AUTHENTICATOR_DATA) return false;
  const flags = data[FLAGS_AT];
  return (
    standsAt(client, typeAt, utf8('"type":"webauthn.get"')) &&
    standsAt(client, challengeAt, utf8(`"challenge":"${base64url(digest)}"`)) &&
    Boolean(flags & PRESENT) && Boolean(flags & VERIFIED) &&
    (Boolean(flags & BACKUP_ELIGIBLE) || !(flags & BACKED_UP)) &&
    byP256(key, sha256(join(data, sha256(client))), r, s)
  );
};

/** Reads a value with its length before it; null where it reaches beyond the end. */
const dynamic = (bytes, offset) => {
  if (offset > BigInt(bytes.length - WORD)) return null;
  const start = Number(offset) + WORD;
  const length = toNumber(bytes.subarray(start - WORD, start));
  return length > BigInt(bytes.length - start) ? null : bytes.subarray(start, start + Number(length));
};

const standsAt = (bytes, at, wanted) =>
  at <= BigInt(bytes.length) && equal(bytes.subarray(Number(at), Number(at) + wanted.length), wanted);
