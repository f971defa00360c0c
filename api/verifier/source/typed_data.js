// EIP-712: every kind of statement, and how its message becomes the 32 bytes that are signed.

import { fromHex, has, isHex, join, joinAll, keccak, utf8, word } from "./bytes.js";
import { Malformed } from "./canonical.js";

export const TYPES = {
  ConsortiumChange: "uint64 sequence,Organisation[] organisations,KeyGrant[] grants,bytes32[] revocations",
  FounderReplacement: "uint64 sequence,bytes32 organisation,bytes signer",
  CertificateSubmission: "bytes32 certificate,uint32 version,bytes32 contentHash,bytes32 linesRoot,bytes32 holder,uint64 validFrom,uint64 validUntil,uint64 signedAt",
  CertificateReview: "bytes32 certificate,uint32 version,bytes32 contentHash,uint8 party,uint8 verdict,bytes32 reasonHash,uint64 signedAt",
  CertificateRevocation: "bytes32 certificate,uint32 version,bytes32 reasonHash,uint64 signedAt",
  CertificateDelegation: "bytes32 certificate,bytes32 broker,uint32 sequence,uint64 validFrom,uint64 validUntil,uint64 signedAt",
  DeclarationFiling: "bytes32 declaration,uint32 version,bytes32 contentHash,Draw[] draws,uint64 signedAt",
  DeclarationWithdrawal: "bytes32 declaration,uint32 version,bytes32 reasonHash,uint64 signedAt",
  CheckNoteOpening: "bytes32 note,bytes32 contentHash,uint8 gates,uint8 binding,NoteItem[] items,uint64 signedAt",
  CheckNoteApproval: "bytes32 note,bytes32 contentHash,uint64 signedAt",
  GatePassage: "bytes32 note,uint8 gate,bytes32 eventHash,uint64 signedAt",
  CheckNoteVoiding: "bytes32 note,bytes32 reasonHash,uint64 signedAt",
  ExaminationReport: "bytes32 declaration,uint32 version,uint32 sequence,uint8 result,bytes32 evidenceHash,uint64 signedAt",
  Disposition: "bytes32 declaration,uint32 version,uint32 sequence,uint8 outcome,bytes32 evidenceHash,uint64 signedAt",
  ReleaseRule: "bytes32 rule,uint32 version,bytes32 contentHash,bytes32 system,uint32 mostReleases,uint64 validFrom,uint64 validUntil,uint64 signedAt",
  ReleaseRuleRepeal: "bytes32 rule,uint32 version,bytes32 reasonHash,uint64 signedAt",
  ReleaseDecision: "bytes32 declaration,uint32 version,bytes32 contentHash,uint8 channel,uint8 outcome,bytes32 rule,bytes32 evidenceHash,uint64 decideBy,uint64 signedAt",
  DecisionCorrection: "bytes32 declaration,uint32 version,bytes32 corrects,uint8 outcome,bytes32 reasonHash,bytes32 evidenceHash,uint64 decideBy,uint64 signedAt",
  Checkpoint: "uint64 size,bytes32 root,uint64 signedAt",
  CheckpointWitness: "uint64 size,bytes32 root,uint64 signedAt",
  Evidence: "bytes32 subject,bytes32 kind,bytes32 contentHash,uint64 signedAt",
};
const PARTS = {
  Organisation: "bytes32 organisation,uint256 roles,uint64 validFrom,uint64 validUntil",
  KeyGrant: "bytes32 organisation,bytes32 officer,bytes signer,uint256 roles,uint64 validFrom,uint64 validUntil",
  Draw: "bytes32 certificate,uint32 line,bytes3 unit,uint128 quantity",
  NoteItem: "bytes32 declaration,bytes32 certificate,uint32 line,uint128 quantity",
};
const CONTRACTS = {
  Consortium: ["ConsortiumChange", "FounderReplacement"],
  MaterialCertificates: ["CertificateSubmission", "CertificateReview", "CertificateRevocation", "CertificateDelegation", "DeclarationFiling", "DeclarationWithdrawal"],
  CheckNotes: ["CheckNoteOpening", "CheckNoteApproval", "GatePassage", "CheckNoteVoiding"],
  ReleaseDecisions: ["ExaminationReport", "Disposition", "ReleaseRule", "ReleaseRuleRepeal", "ReleaseDecision", "DecisionCorrection"],
  EvidenceLog: ["Checkpoint", "CheckpointWitness", "Evidence"],
};
const DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const EXACT_BITS = 32; // wider whole numbers are decimal strings in JSON

const contractsByType = Object.fromEntries(
  Object.entries(CONTRACTS).flatMap(([contract, types]) => types.map((type) => [type, contract])));

export const isStatementType = (type) => typeof type === "string" && has(TYPES, type);
export const contractOf = (type) => contractsByType[type];

const fieldsOf = (type) =>
  (TYPES[type] ?? PARTS[type]).split(",").map((field) => {
    const [solidity, name] = field.split(" ");
    const isArray = solidity.endsWith("[]");
    return { name, isArray, item: isArray ? solidity.slice(0, -2) : solidity };
  });

const typeString = (type) => {
  const used = new Set();
  const visit = (name) => fieldsOf(name).forEach(({ item }) => {
    if (PARTS[item] && !used.has(item)) {
      used.add(item);
      visit(item);
    }
  });
  visit(type);
  return [type, ...[...used].sort()].map((name) => `${name}(${TYPES[name] ?? PARTS[name]})`).join("");
};

const typeHash = (type) => keccak(utf8(typeString(type)));

const LONGEST_BYTES = 2048, MOST_ITEMS = 10_000;

/** Refuses a message that does not have exactly the fields of its type, each in its exact form. */
export const checkMessage = (type, message) => {
  const fields = fieldsOf(type);
  if (typeof message !== "object" || message === null || Array.isArray(message)) throw new Malformed(type);
  if (Object.keys(message).length !== fields.length) throw new Malformed(type);
  for (const { name, isArray, item } of fields) {
    if (!has(message, name)) throw new Malformed(`${type}.${name}`);
    if (!isArray) checkOne(item, message[name]);
    else if (Array.isArray(message[name]) && message[name].length <= MOST_ITEMS) message[name].forEach((one) => checkOne(item, one));
    else throw new Malformed(`${type}.${name}`);
  }
};

const checkOne = (solidity, value) => {
  if (PARTS[solidity]) return checkMessage(solidity, value);
  const bits = bitsOf(solidity);
  const good = bits
    ? isWhole(value, bits)
    : solidity === "bytes" ? isHex(value) && value.length <= 2 + 2 * LONGEST_BYTES : isHex(value, lengthOf(solidity));
  if (!good) throw new Malformed(solidity);
  return undefined;
};

const bitsOf = (solidity) => Number(/^uint(\d+)$/.exec(solidity)?.[1] ?? 0);
const lengthOf = (solidity) => Number(solidity.slice(5));

const isWhole = (value, bits) => {
  const good = bits <= EXACT_BITS
    ? typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    : typeof value === "string" && value.length <= 78 && /^(0|[1-9][0-9]*)$/.test(value);
  return good && BigInt(value) < 1n << BigInt(bits);
};

const encode = (solidity, value) => {
  if (PARTS[solidity]) return structHash(solidity, value);
  if (bitsOf(solidity)) return word(value);
  const bytes = fromHex(value);
  return solidity === "bytes" ? keccak(bytes) : join(bytes, new Uint8Array(32 - bytes.length));
};

/** Gives hashStruct of a message whose form was checked. */
export const structHash = (type, message) =>
  keccak(joinAll([typeHash(type), ...fieldsOf(type).map(({ name, isArray, item }) =>
    isArray ? keccak(joinAll(message[name].map((one) => encode(item, one)))) : encode(item, message[name]))]));

/** Gives the digest that is signed; `network` is {chainId, contracts}. */
export const digestOf = (type, message, network) => {
  const separator = keccak(join(
    keccak(utf8(DOMAIN)), keccak(utf8("Piste")), keccak(utf8("1")), word(network.chainId),
    new Uint8Array(12), fromHex(network.contracts[contractOf(type)])));
  return keccak(join(Uint8Array.of(0x19, 0x01), separator, structHash(type, message)));
};

/** Gives what a statement is about, 32 bytes as an 0x-string: its first field. */
export const subjectOf = (type, message) => {
  const [first] = fieldsOf(type);
  const value = message[first.name];
  return first.item === "bytes32" ? value : "0x" + BigInt(value).toString(16).padStart(64, "0");
};
