// The procedure of docs/verification.md, step by step; the first check that fails decides.

import words from "../../../ledger/verifier/words.json" with { type: "json" };

import { fromHex, has, hex, keccak, sha256, utf8 } from "./bytes.js";
import { canonicalBytes, Malformed, readCanonical } from "./canonical.js";
import { Unreadable, unpack } from "./carriers.js";
import { disclosureHolds } from "./disclosed.js";
import { BUNDLE, checkBundle, checkRedacted, checkTrust, CONTRACTS, REDACTED } from "./forms.js";
import {
  comparePlaces, isFoundersMatter, keyId, officersFor, Register, ROLE_LOG, ROLE_WITNESS, rolesFor,
} from "./membership.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import { verifySignature } from "./signatures.js";
import { contractOf, digestOf, subjectOf } from "./typed_data.js";

const LEAF_FORMAT = "piste-evidence-v1";

class Failed extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const check = (good, reason) => {
  if (!good) throw new Failed(reason);
};

/** Reads a trust anchor; refuses one that breaks a rule. */
export const readTrust = (bytes) => {
  const anchor = readCanonical(bytes);
  checkTrust(anchor);
  const signed = [...anchor.known.changes, ...anchor.known.corrections];
  if (!signed.every((one) => signaturesHold(one.signatures, digestOf(one.primaryType, one.message, anchor), anchor)))
    throw new Malformed("known");
  if (!anchor.known.changes.every((change, at, all) => at === 0 || risesFrom(all[at - 1], change))) throw new Malformed("order");
  if (new Register(anchor, []).fault) throw new Malformed("changes");
  return anchor;
};

/** Gives the fingerprint of a trust anchor: the SHA-256 of its canonical bytes. */
export const fingerprintOf = (anchor) => hex(sha256(canonicalBytes(anchor))).slice(2);

/** Judges a file. */
export const verify = (bytes, anchor) => {
  let examination = null;
  try {
    examination = new Examination(bytes, anchor);
    examination.run();
    return result("valid", examination);
  } catch (fault) {
    if (fault instanceof Unreadable || fault instanceof Failed) return result(fault.reason, examination);
    throw fault;
  }
};

const result = (reason, examination) => {
  const { outcome, words: said, next } = words[reason];
  const facts = outcome === "altered" ? {} : examination.facts();
  const figures = examination ? examination.figures() : {};
  const fill = ({ en, zh }) => ({ en: filled(en, figures), zh: filled(zh, figures) });
  return { outcome, reason, words: fill(said), next: fill(next), facts };
};

const filled = (text, figures) =>
  text.replace(/\{(checkpoint|demanded|witnesses)\}/g, (_, name) => String(figures[name]));

const signaturesHold = (signatures, digest, anchor) =>
  signatures.every(({ signer, signature }) => verifySignature(fromHex(signer), digest, fromHex(signature), anchor.verifiers));

const risesFrom = (before, change) =>
  BigInt(change.message.sequence) > BigInt(before.message.sequence) && comparePlaces(change.recorded, before.recorded) > 0;

class Examination {
  constructor(bytes, anchor) {
    this.anchor = anchor;
    this.standings = null;
    const { kind, json, paper } = unpack(bytes);
    this.kind = kind;
    this.paper = paper;
    const value = read(json);
    const format = has(value, "format") ? value.format : undefined;
    check(format === BUNDLE || (format === REDACTED && kind === "json"), "unknown-format");
    this.copy = format === REDACTED ? value : null;
    try {
      (this.copy ? checkRedacted : checkBundle)(value);
    } catch (fault) {
      check(!(fault instanceof Malformed), "malformed");
      throw fault;
    }
    this.bundle = this.copy ? value.bundle : value;
  }

  run() {
    this.checkSeals();
    this.checkNetwork();
    this.checkStatement();
    this.checkChanges();
    this.checkEvidence();
    this.checkDisclosed();
    this.judgeKeys();
    this.checkIssuer();
    this.checkRevocations();
    this.checkRecording();
  }

  /** Step 6: every byte is covered by a seal. */
  checkSeals() {
    const { bundle, copy, paper } = this;
    const subject = bundle.leaf ? uuidWord(bundle.leaf.subject) : subjectOf(bundle.statement.primaryType, bundle.statement.message);
    const holds = (seal, kind, covered) => {
      const message = { subject, kind: hex(keccak(utf8(kind))), contentHash: hex(sha256(covered)), signedAt: String(seal.signedAt) };
      return this.holds([seal], "Evidence", message);
    };
    if (copy) check(holds(copy.seal, "piste.redacted", withoutSeal(copy)), "copy-seal");
    if (paper) check(holds(paper, "piste.paper", paper.covered), "paper-seal");
    check(holds(bundle.seal, "piste.bundle", withoutSeal(bundle)), "seal");
  }

  /** Step 7. */
  checkNetwork() {
    const { network } = this.bundle, { anchor } = this;
    const same = network.chainId === anchor.chainId && CONTRACTS.every((name) => network.contracts[name] === anchor.contracts[name]);
    check(same, "other-network");
  }

  /** Step 8. */
  checkStatement() {
    const { statement, signatures } = this.bundle;
    check(this.holds(signatures, statement.primaryType, statement.message), "signature");
  }

  /** Step 9: the bundle's own changes, one after the other. */
  checkChanges() {
    this.bundle.changes.forEach((change, at, all) => {
      check(at === 0 || risesFrom(all[at - 1], change), "change-order");
      check(this.holds(change.signatures, change.primaryType, change.message), "change-signature");
    });
  }

  /** Steps 10 to 13: record, place in the evidence log, checkpoint and its witnesses. */
  checkEvidence() {
    const { statement, record, leaf, inclusion, checkpoint, witnesses } = this.bundle;
    check(!record || record.contract === contractOf(statement.primaryType), "record");
    if (!checkpoint) return;
    const contentHash = sha256(canonicalBytes({ statement: this.digest, ...record }));
    const data = canonicalBytes([LEAF_FORMAT, leaf.kind, leaf.subject, hex(contentHash).slice(2), leaf.at]);
    const { size, root } = checkpoint.message;
    const stands = BigInt(inclusion.size) === BigInt(size) &&
      verifyInclusion(leafHash(data), inclusion.index, inclusion.size, inclusion.proof.map(fromHex), fromHex(root));
    check(stands, "inclusion");
    check(this.holds(checkpoint.signatures, "Checkpoint", checkpoint.message), "checkpoint-signature");
    for (const { message, signatures } of witnesses) {
      check(message.size === size && message.root === root, "witness");
      check(this.holds(signatures, "CheckpointWitness", message), "witness-signature");
    }
  }

  /** Step 14. */
  checkDisclosed() {
    const { message } = this.bundle.statement;
    for (const disclosed of [this.bundle.disclosed, this.copy && this.copy.disclosed]) {
      if (disclosed) check(has(message, "contentHash") && message.contentHash === disclosed.contentHash && disclosureHolds(disclosed), "disclosed");
    }
  }

  /** Step 15: applies the changes and judges every key. */
  judgeKeys() {
    const { statement, signatures, record, seal, checkpoint, witnesses } = this.bundle;
    const register = new Register(this.anchor, this.bundle.changes);
    check(!register.fault, register.fault);
    const needed = rolesFor(statement), moment = record ? record.blockTime : seal.signedAt;
    const founders = isFoundersMatter(statement.primaryType) ? register.foundersBefore(statement.message.sequence) : null;
    const seals = [this.copy && this.copy.seal, this.paper, seal].filter(Boolean);
    const ofLog = ({ message, signatures: given }, role) =>
      given.map(({ signer }) => register.standingOfLog(signer, role, message.signedAt));
    this.standings = {
      signers: signatures.map(({ signer }) => founders ? founderStanding(founders, signer) : register.standing(signer, needed, moment, record)),
      log: [
        ...seals.map(({ signer, signedAt }) => register.standingOfLog(signer, ROLE_LOG, signedAt)),
        ...(checkpoint ? ofLog(checkpoint, ROLE_LOG) : []),
      ],
      witnesses: witnesses.flatMap((witness) => ofLog(witness, ROLE_WITNESS)),
    };
  }

  /** Steps 16 and 17: who stands behind the keys. */
  checkIssuer() {
    const { statement } = this.bundle, { signers, log, witnesses } = this.standings;
    const faulty = signers.find(({ fault }) => fault);
    check(!faulty, faulty && faulty.fault);
    const needed = isFoundersMatter(statement.primaryType) ? this.anchor.threshold : officersFor(statement);
    const officers = new Set(signers.map(({ organisation, officer }) => `${organisation} ${officer}`));
    check(officers.size >= needed, "signers-missing");
    check(!log.some(({ fault }) => fault), "log-key");
    check(!witnesses.some(({ fault }) => fault), "witness-key");
  }

  /** Steps 18 to 20. */
  checkRevocations() {
    const { signers, log } = this.standings;
    check(!signers.some(({ isRevoked }) => isRevoked), "key-revoked");
    check(!log.some(({ isRevoked }) => isRevoked), "log-key-revoked");
    check(!this.anchor.known.corrections.some(({ message }) => message.corrects === this.digest), "corrected");
  }

  /** Steps 21 to 23. */
  checkRecording() {
    check(this.bundle.record, "not-recorded");
    check(this.bundle.checkpoint, "no-checkpoint");
    check(this.witnessing().length >= this.anchor.witnesses, "witnesses-missing");
  }

  get digest() {
    const { primaryType, message } = this.bundle.statement;
    return hex(digestOf(primaryType, message, this.bundle.network));
  }

  /** Tells whether all signatures over a message hold. */
  holds(signatures, type, message) {
    return signaturesHold(signatures, digestOf(type, message, this.bundle.network), this.anchor);
  }

  /** Gives the organisations that have witnessed the checkpoint with keys that count. */
  witnessing() {
    const counted = this.standings.witnesses.filter(({ fault, isRevoked }) => !fault && !isRevoked);
    return [...new Set(counted.map(({ organisation }) => organisation))];
  }

  figures() {
    const witnesses = this.standings ? this.witnessing().length : 0;
    return { checkpoint: this.anchor.known.checkpoint, demanded: this.anchor.witnesses, witnesses };
  }

  /** Gives what the file says, for people; nothing before its keys could be judged. */
  facts() {
    if (!this.standings) return {};
    const { statement, record, seal, checkpoint, inclusion } = this.bundle;
    const disclosed = this.copy ? this.copy.disclosed : this.bundle.disclosed;
    return {
      asOf: this.anchor.known.checkpoint,
      checkpoint: checkpoint && {
        index: inclusion.index, root: checkpoint.message.root, signedAt: Number(checkpoint.message.signedAt),
        size: Number(checkpoint.message.size),
      },
      digest: this.digest,
      disclosed: disclosed && {
        fields: disclosed.fields.map(({ path, value }) => ({ path, value })),
        hidden: disclosed.size - disclosed.fields.length,
      },
      message: statement.message,
      paper: this.kind === "pdf",
      record,
      sealedAt: seal.signedAt,
      signers: this.bundle.signatures.map(({ signer }, at) => {
        const { officer, organisation } = this.standings.signers[at];
        return { keyId: keyId(signer), officer, organisation };
      }),
      subject: subjectOf(statement.primaryType, statement.message),
      type: statement.primaryType,
      view: this.copy ? this.copy.view : null,
      witnesses: this.witnessing(),
    };
  }
}

const founderStanding = (founders, signer) => {
  const organisation = founders.get(signer) ?? null;
  return { organisation, officer: null, fault: organisation ? null : "key-unknown", isRevoked: false };
};

const read = (json) => {
  let value;
  try {
    value = readCanonical(json);
  } catch (fault) {
    check(!(fault instanceof Malformed), "not-canonical-json");
    throw fault;
  }
  check(typeof value === "object" && value !== null && !Array.isArray(value), "not-canonical-json");
  return value;
};

const withoutSeal = (value) => {
  const { seal, ...rest } = value;
  return canonicalBytes(rest);
};

const uuidWord = (uuid) => `0x${uuid.replace(/-/g, "").padEnd(64, "0")}`;
