// The exact form of a trust anchor, a bundle and a redacted copy: members, types and ranges.

import { has, isHex } from "./bytes.js";
import { Malformed } from "./canonical.js";
import { checkMessage, isStatementType } from "./typed_data.js";

export const TRUST = "piste-trust-v1", BUNDLE = "piste-bundle-v1", REDACTED = "piste-redacted-v1";
export const CONTRACTS = ["CheckNotes", "Consortium", "EvidenceLog", "MaterialCertificates", "ReleaseDecisions"];
export const CHANGES = ["ConsortiumChange", "FounderReplacement"];
const MOST = {
  signed: 32, statement: 8, checkpoint: 8, witnesses: 32, changes: 1000, proof: 64, fields: 500, path: 16,
  size: 100_000, fieldProof: 20_000, founders: 64, known: 100_000,
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const VIEW = /^[a-z0-9-]{1,40}$/;

const need = (good, what) => {
  if (!good) throw new Malformed(what);
};

const number = (value) => need(Number.isSafeInteger(value) && value >= 0, "number");
const text = (value) => need(typeof value === "string", "string");
const bytes32 = (value) => need(isHex(value, 32), "bytes32");
const address = (value) => need(isHex(value, 20), "address");
const signer = (value) => need(isHex(value, 20) || isHex(value, 84), "signer");
const signature = (value) => need(isHex(value) && value.length >= 4 && value.length <= 2 + 4096, "signature");
const uuid = (value) => need(typeof value === "string" && UUID.test(value), "uuid");
const exactly = (wanted) => (value) => need(value === wanted, `"${wanted}"`);
const oneOf = (wanted) => (value) => need(wanted.includes(value), wanted.join(" or "));

const object = (members) => (value) => {
  need(typeof value === "object" && value !== null && !Array.isArray(value), "object");
  need(Object.keys(value).length === Object.keys(members).length, "members");
  for (const [name, form] of Object.entries(members)) {
    need(has(value, name), name);
    form(value[name]);
  }
};

const list = (form, least, most) => (value) => {
  need(Array.isArray(value) && value.length >= least && value.length <= most, "list");
  value.forEach((item) => form(item));
};

const orNull = (form) => (value) => {
  if (value !== null) form(value);
};

const different = (values, what) => need(new Set(values).size === values.length, what);

const signatures = (most) => (value) => {
  list(object({ signature, signer }), 1, most)(value);
  different(value.map((one) => one.signer), "signers");
};

const contracts = object(Object.fromEntries(CONTRACTS.map((name) => [name, address])));
const name = object({ en: text, zh: text });

const message = (type) => (value) => checkMessage(type, value);

const signedAs = (types, more) => (value) => {
  object({ message: () => {}, primaryType: oneOf(types), signatures: signatures(MOST.signed), ...more })(value);
  checkMessage(value.primaryType, value.message);
};

const change = signedAs(CHANGES, { recorded: object({ blockNumber: number, blockTime: number, logIndex: number }) });
const seal = object({ signature, signedAt: number, signer: address });

const pathPart = (value) => (typeof value === "string" ? undefined : number(value));
const fieldValue = (value) => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return;
  if (typeof value === "number") need(Number.isSafeInteger(value), "number");
  else need(Object.keys(value).length === 0, "value");
};

const disclosed = (value) => {
  object({
    contentHash: bytes32,
    fields: list(object({ index: number, path: list(pathPart, 1, MOST.path), salt: bytes32, value: fieldValue }), 1, MOST.fields),
    proof: list(bytes32, 0, MOST.fieldProof),
    size: number,
  })(value);
  need(value.size >= 1 && value.size <= MOST.size, "size");
  value.fields.forEach(({ index }, at) => {
    need(index < value.size, "index");
    need(at === 0 || index > value.fields[at - 1].index, "index");
  });
};

const statement = (value) => {
  object({ message: () => {}, primaryType: (type) => need(isStatementType(type), "type") })(value);
  checkMessage(value.primaryType, value.message);
};

export const checkBundle = (value) => {
  object({
    changes: list(change, 0, MOST.changes),
    checkpoint: orNull(object({ message: message("Checkpoint"), signatures: signatures(MOST.checkpoint) })),
    disclosed: orNull(disclosed),
    format: exactly(BUNDLE),
    inclusion: orNull(object({ index: number, proof: list(bytes32, 0, MOST.proof), size: number })),
    leaf: orNull(object({ at: number, kind: exactly("record"), subject: uuid })),
    network: object({ chainId: number, contracts }),
    record: orNull(object({
      blockHash: bytes32, blockNumber: number, blockTime: number, contract: text, logIndex: number,
      transactionHash: bytes32, transactionIndex: number,
    })),
    seal,
    signatures: signatures(MOST.statement),
    statement,
    witnesses: list(object({ message: message("CheckpointWitness"), signatures: signatures(1) }), 0, MOST.witnesses),
  })(value);
  const { leaf, record, inclusion, checkpoint, witnesses } = value;
  need((leaf === null) === (record === null), "leaf");
  need((inclusion === null) === (checkpoint === null) && (leaf !== null || inclusion === null), "inclusion");
  need(checkpoint !== null || witnesses.length === 0, "witnesses");
};

export const checkRedacted = (value) => {
  object({
    bundle: checkBundle, disclosed, format: exactly(REDACTED), seal,
    view: (given) => need(typeof given === "string" && VIEW.test(given), "view"),
  })(value);
  need(value.bundle.disclosed === null, "disclosed");
};

/** Checks a trust anchor; the signatures of what it knows are checked where they are used. */
export const checkTrust = (value) => {
  object({
    chainId: number,
    contracts,
    format: exactly(TRUST),
    founders: list(object({ name, organisation: bytes32, signer }), 1, MOST.founders),
    known: object({
      changes: list(change, 0, MOST.known), checkpoint: number,
      corrections: list(signedAs(["DecisionCorrection"]), 0, MOST.known),
    }),
    name,
    threshold: number,
    verifiers: object({ p256: address, passkey: address }),
    witnesses: number,
  })(value);
  need(value.threshold >= 1 && value.threshold <= value.founders.length, "threshold");
  different(value.founders.map((founder) => founder.signer), "founders' keys");
  different(value.founders.map((founder) => founder.organisation), "founders");
};
