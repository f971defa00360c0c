// Fields of a salted document, shown with one proof for all of them.

import { equal, fromHex, utf8 } from "./bytes.js";
import { canonical } from "./canonical.js";
import { leafHash, nodeHash } from "./merkle.js";

/** Tells whether the document behind a content hash holds the fields that are shown. */
export const disclosureHolds = ({ contentHash, fields, proof, size }) => {
  if (new Set(fields.map(({ path }) => canonical(path))).size !== fields.length) return false;
  const leaves = fields.map(({ path, salt, value }) => leafHash(utf8(canonical([path, salt.slice(2), value]))));
  let used = 0;

  // `from` and `to` bound the shown fields whose places lie within [start, end).
  const hash = (start, end, from, to) => {
    if (from === to) return used < proof.length ? fromHex(proof[used++]) : null;
    if (end - start === 1) return leaves[from];
    const middle = start + splitOf(end - start);
    let between = from;
    while (between < to && fields[between].index < middle) between += 1;
    const left = hash(start, middle, from, between);
    const right = left && hash(middle, end, between, to);
    return right && nodeHash(left, right);
  };

  const root = hash(0, size, 0, fields.length);
  return root !== null && used === proof.length && equal(root, fromHex(contentHash));
};

const splitOf = (count) => {
  let half = 1;
  while (half * 2 < count) half *= 2;
  return half;
};
