// The Merkle tree of RFC 6962 (SHA-256): does an audit path lead from a leaf to a root (RFC 9162 §2.1.3.2)?

import { equal, join, sha256 } from "./bytes.js";

export const leafHash = (data) => sha256(join(Uint8Array.of(0), data));
export const nodeHash = (left, right) => sha256(join(Uint8Array.of(1), left, right));

const half = (value) => Math.floor(value / 2); // shifts would cut at 32 bits

export const verifyInclusion = (leaf, index, size, proof, root) => {
  if (!(index >= 0 && index < size)) return false;
  let place = index, last = size - 1, current = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      current = nodeHash(sibling, current);
      while (place % 2 === 0 && place !== 0) {
        place = half(place);
        last = half(last);
      }
    } else {
      current = nodeHash(current, sibling);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && equal(current, root);
};
