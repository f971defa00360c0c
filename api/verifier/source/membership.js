// Who may sign what: founders, changes of the consortium, grants, roles and validity.

import { fromHex, hex, keccak } from "./bytes.js";
import { CHANGES } from "./forms.js";
import { digestOf } from "./typed_data.js";

const BROKER = 1n, COMMITTEE = 2n, DOCUMENTS = 4n, INSPECTOR = 8n, ANALYST = 16n, RELEASING = 32n, SUPERVISOR = 64n;
const GATE = 128n, INSTRUMENT = 256n, LOG = 512n, HOLDER = 2048n, SYSTEM = 4096n, WITNESS = 8192n;
const GREEN = 1, RED = 3, PARTY_COMMITTEE = 1, PARTY_CUSTOMS = 2;
export const ROLE_LOG = LOG, ROLE_WITNESS = WITNESS;

const ROLES = {
  CertificateSubmission: BROKER,
  CertificateReview: ({ party }) => (party === PARTY_COMMITTEE ? COMMITTEE : party === PARTY_CUSTOMS ? DOCUMENTS : 0n),
  CertificateRevocation: COMMITTEE | DOCUMENTS | SUPERVISOR,
  CertificateDelegation: HOLDER,
  DeclarationFiling: BROKER,
  DeclarationWithdrawal: BROKER,
  CheckNoteOpening: BROKER,
  CheckNoteApproval: DOCUMENTS | RELEASING,
  GatePassage: GATE,
  CheckNoteVoiding: BROKER,
  ExaminationReport: INSPECTOR,
  Disposition: DOCUMENTS | RELEASING | SUPERVISOR,
  ReleaseDecision: ({ channel }) => (channel === GREEN ? SYSTEM : RELEASING | SUPERVISOR),
  DecisionCorrection: RELEASING | SUPERVISOR,
  ReleaseRule: SUPERVISOR,
  ReleaseRuleRepeal: RELEASING | SUPERVISOR,
  Checkpoint: LOG,
  CheckpointWitness: WITNESS,
  Evidence: INSPECTOR | ANALYST | GATE | INSTRUMENT | LOG,
};

export const rolesFor = ({ primaryType, message }) =>
  typeof ROLES[primaryType] === "function" ? ROLES[primaryType](message) : ROLES[primaryType];

/** Tells how many different officers must have signed. */
export const officersFor = ({ primaryType, message }) =>
  primaryType === "DecisionCorrection" || (primaryType === "ReleaseDecision" && message.channel === RED) ? 2 : 1;

export const isFoundersMatter = (primaryType) => CHANGES.includes(primaryType);

export const keyId = (signer) => hex(keccak(fromHex(signer)));

/** Orders places on the chain: by block, then by the log's number. */
export const comparePlaces = (a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex;

const sequenceOf = (change) => BigInt(change.message.sequence);

/** All changes that the trust anchor and a bundle know, and the founders at each moment. */
export class Register {
  constructor(anchor, changes) {
    this.anchor = anchor;
    this.changes = [];
    this.fault = this.merge(changes) ?? this.replay();
  }

  /** Puts the changes in the order of their numbers; the trust anchor's word counts where both have one. */
  merge(changes) {
    const byNumber = new Map();
    for (const change of [...this.anchor.known.changes, ...changes]) {
      const digest = hex(digestOf(change.primaryType, change.message, this.anchor));
      const known = byNumber.get(change.message.sequence);
      if (known && known.digest !== digest) return "change-conflict";
      if (!known) byNumber.set(change.message.sequence, { ...change, digest });
    }
    this.changes = [...byNumber.values()].sort((a, b) => (sequenceOf(a) < sequenceOf(b) ? -1 : 1));
    return undefined;
  }

  replay() {
    const founders = this.firstFounders();
    const good = this.changes.every((change) => this.isSignedBy(founders, change.signatures) && this.apply(founders, change));
    return good ? undefined : "change-not-founders";
  }

  firstFounders() {
    return new Map(this.anchor.founders.map((founder) => [founder.signer, founder.organisation]));
  }

  isSignedBy(founders, signatures) {
    return signatures.every(({ signer }) => founders.has(signer)) && signatures.length >= this.anchor.threshold;
  }

  /** Puts a founder's new key in the place of the old one; tells whether that may be. */
  apply(founders, change) {
    if (change.primaryType !== "FounderReplacement") return true;
    const { organisation, signer } = change.message;
    const old = [...founders].find(([, owner]) => owner === organisation);
    if (!old || founders.has(signer)) return false;
    founders.delete(old[0]);
    founders.set(signer, organisation);
    return true;
  }

  /** Judges a key of a statement, by the changes before a place on the chain; by all where there is none. */
  standing(signer, needed, moment, before) {
    const found = this.lookUp(signer, ({ recorded }) => !before || comparePlaces(recorded, before) < 0);
    return standing(found, keyFault(found, needed, moment), found.revocations.length > 0);
  }

  /** Judges a key of the log or of a witness at the moment at which it signed. */
  standingOfLog(signer, needed, signedAt) {
    const found = this.lookUp(signer, () => true);
    const isRevoked = found.revocations.some(({ recorded }) => BigInt(recorded.blockTime) <= BigInt(signedAt));
    return standing(found, keyFault(found, needed, signedAt), isRevoked);
  }

  /** Gives the founders' keys, with their organisations, as the changes before a number left them. */
  foundersBefore(sequence) {
    const founders = this.firstFounders();
    this.changes.filter((change) => sequenceOf(change) < BigInt(sequence)).forEach((change) => this.apply(founders, change));
    return founders;
  }

  /** Gives what the changes that count say about a key: its last grant, its organisation's last entry, its revocation. */
  lookUp(signer, counts) {
    const changes = this.changes.filter((change) => change.primaryType === "ConsortiumChange" && counts(change));
    const grant = last(changes.flatMap(({ message }) => message.grants.filter((given) => given.signer === signer)));
    const organisation = grant && last(changes.flatMap(({ message }) =>
      message.organisations.filter((entry) => entry.organisation === grant.organisation)));
    const revocations = changes.filter(({ message }) => message.revocations.includes(keyId(signer)));
    return { grant, organisation, revocations };
  }
}

const standing = ({ grant }, fault, isRevoked) => ({
  organisation: grant ? grant.organisation : null, officer: grant ? grant.officer : null, fault, isRevoked,
});

const last = (items) => items[items.length - 1];

/** Tells what is wrong with a key at a moment (Unix seconds); null where nothing is. */
export const keyFault = ({ grant, organisation }, needed, moment) => {
  if (!grant || !organisation) return "key-unknown";
  if (!(BigInt(grant.roles) & BigInt(organisation.roles) & needed)) return "key-role";
  const at = BigInt(moment);
  const isValid = [grant, organisation].every((it) => BigInt(it.validFrom) <= at && at <= BigInt(it.validUntil));
  return isValid ? null : "key-validity";
};
