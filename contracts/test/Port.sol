// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    CheckNoteApproval,
    CheckNoteOpening,
    CheckNotes,
    CheckNoteVoiding,
    GatePassage,
    NoteItem
} from "../CheckNotes.sol";
import {Consortium, ConsortiumChange, FounderReplacement, KeyGrant} from "../Consortium.sol";
import {Checkpoint, CheckpointWitness, EvidenceLog} from "../EvidenceLog.sol";
import {
    CarriedLine,
    CertificateDelegation,
    CertificateReview,
    CertificateRevocation,
    CertificateSubmission,
    DeclarationFiling,
    DeclarationWithdrawal,
    Draw,
    LineProof,
    MaterialCertificates
} from "../MaterialCertificates.sol";
import {
    DecisionCorrection,
    Disposition,
    ExaminationReport,
    ReleaseDecision,
    ReleaseDecisions,
    ReleaseRule,
    ReleaseRuleRepeal
} from "../ReleaseDecisions.sol";
import {Roles} from "../Roles.sol";
import {Signed} from "../StatementRegister.sol";
import {HashTree} from "./HashTree.sol";
import {GoodsLine, goodsList, Lists} from "./Lists.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

// How many of each thing there are; two of them at a time are dealt with, so that actions meet.
uint256 constant THINGS = 30;
// Notes dealt with at a time: several of one declaration, so that their bindings meet.
uint256 constant NOTES = 4;
// Lines drawn from; the fifth is as wide as the type and would never fill up.
uint32 constant LINES = 4;
uint256 constant FIRST_CERTIFICATE = 0x100;

function certificateId(uint256 index) pure returns (bytes32) {
    return bytes32(FIRST_CERTIFICATE + index);
}

function declarationId(uint256 index) pure returns (bytes32) {
    return bytes32(0x200 + index);
}

function noteId(uint256 index) pure returns (bytes32) {
    return bytes32(0x300 + index);
}

/// @dev Every version of a certificate has another list: the first that of all tests, later ones with ceilings from a
/// half to one and a half of it.
function listOf(bytes32 certificate, uint32 version) pure returns (GoodsLine[] memory list) {
    list = goodsList();
    if (version < 2) return list;
    for (uint256 i = 0; i < LINES; ++i) {
        uint256 share = 4 + uint256(keccak256(abi.encode(certificate, version, i))) % 9;
        list[i].ceiling = uint128(list[i].ceiling * share / 8);
    }
}

/// @title A port on a busy day: right and wrong people send right and wrong statements in any order
/// @notice Every action is tried and may be refused. What was accepted is written down here on its own account, so that
/// the invariants compare two books. Nothing here reads the contracts' verdict on who may do what.
contract Port is World {
    /// @notice Accepted statements without an entitled signer.
    uint256 public breaches;
    /// @notice How many actions were accepted, by the function that took them.
    mapping(bytes4 selector => uint256) public accepted;
    /// @notice How many actions were refused, by the error that they were refused with.
    mapping(bytes4 selector => uint256) public refused;
    /// @notice How often a statement was accepted.
    mapping(bytes32 digest => uint256) public times;
    /// @notice The most times that any statement was accepted.
    uint256 public mostTimes;
    /// @notice How often a note went through a gate.
    mapping(bytes32 note => mapping(uint8 gate => uint256)) public passages;
    /// @notice Decisions and corrections of a declaration in the order in which they were accepted.
    mapping(bytes32 declaration => bytes32[]) public decidedBy;
    /// @notice A decision or correction as it stood when it was accepted.
    mapping(bytes32 statement => bytes32) public decided;
    /// @notice Members that vouched for a checkpoint.
    mapping(uint64 size => mapping(bytes32 organisation => uint256)) public vouched;
    /// @notice How many vouched for a checkpoint.
    mapping(uint64 size => uint256) public vouchers;
    /// @notice How many green releases each version of the rule was allowed, less those that happened.
    mapping(uint32 version => uint256) public greenLeft;
    /// @notice Who confirmed what: party to hash over certificate, version and content.
    mapping(uint8 party => mapping(bytes32 what => bool)) public confirmed;
    /// @notice How many declarations a rule released.
    uint256 public greenReleases;
    /// @notice Confirmations after which an amendment counted.
    uint256 public amended;
    /// @notice The notes that were voided.
    mapping(bytes32 note => bool) public voided;

    Officer[] private _crowd;
    mapping(bytes32 keyId => bool) private _intruder;
    mapping(bytes32 keyId => uint256) private _heldRoles;
    uint256 private _random;
    uint256 private _today;
    bool private _entitled = true;
    mapping(bytes32 certificate => uint64) private _delegatedFrom;
    mapping(bytes32 certificate => uint64) private _delegatedUntil;
    uint64 private _ruleFrom;
    uint64 private _ruleUntil;
    uint256 private _salt = 1;

    constructor() {
        setUp();
        _enter(broker);
        _enter(rival);
        _enter(committee);
        _enter(documents);
        _enter(inspector);
        _enter(releasing);
        _enter(releasing2);
        _enter(supervisor);
        _enter(gate);
        _enter(holder);
        _enter(system);
        _enter(sequencer);
        _enter(witness1);
        _enter(witness2);
        _intrude(newOfficer(Kind.Secp256k1, "stranger", CUSTOMS, Roles.ALL));
        Officer memory former = newOfficer(Kind.P256, "former officer", CUSTOMS, documents.roles | gate.roles);
        apply_(granting(former));
        apply_(revoking(former));
        _intrude(former);
        Officer memory expired = newOfficer(Kind.Secp256k1, "expired", CUSTOMS, releasing.roles | inspector.roles);
        ConsortiumChange memory change = granting(expired);
        change.grants[0].validUntil = START;
        apply_(change);
        vm.warp(START + 1);
        _intrude(expired);
        for (uint256 i = 0; i < THINGS; i += 2) {
            _activate(certificateId(i));
        }
    }

    // ----------------------------------------------------------------------------------------------------- actions

    /// @dev Time goes by, and with it what people deal with.
    function wait(uint256 seed) external {
        _random = seed;
        if (_below(8) == 0 && _today + NOTES < THINGS) ++_today;
        vm.warp(block.timestamp + seed % 1 days);
        vm.roll(block.number + 1);
    }

    function submitCertificate(uint256 seed) external {
        _random = seed;
        bytes32 id = certificateId(_one());
        uint32 version = certificates.certificate(id).lastVersion + _step();
        CertificateSubmission memory statement = amending(id, version, listOf(id, version));
        bytes32 digest = certificates.hashCertificateSubmission(statement);
        Signed memory by = _signedBy(broker, digest, Roles.BROKER);
        _send(address(certificates), digest, abi.encodeCall(MaterialCertificates.submit, (statement, by)));
    }

    function reviewCertificate(uint256 seed) external {
        _random = seed;
        bytes32 id = certificateId(_one());
        uint8 party = uint8(1 + _below(2));
        uint8 verdict = _below(8) == 0 ? uint8(1 + _below(4)) : CONFIRM;
        CertificateReview memory statement =
            reviewOf(id, certificates.certificate(id).lastVersion + _slip(), party, verdict);
        if (_below(8) == 0) statement.contentHash ^= bytes32(uint256(1));
        bytes32 digest = certificates.hashCertificateReview(statement);
        Signed memory by = party == 1
            ? _signedBy(committee, digest, Roles.COMMITTEE)
            : _signedBy(documents, digest, Roles.DOCUMENTS_OFFICER);
        bytes memory data = abi.encodeCall(MaterialCertificates.review, (statement, _carriedLines(id), by));
        if (_send(address(certificates), digest, data) && verdict == CONFIRM) {
            confirmed[party][keccak256(abi.encode(id, statement.version, statement.contentHash))] = true;
            if (certificates.certificate(id).current.version > 1) ++amended;
        }
    }

    /// @dev Needs no signature: the proofs alone must keep anybody from doing harm.
    function carryLines(uint256 seed) external {
        _random = seed;
        bytes32 id = certificateId(_one());
        CarriedLine[] memory carried = _carriedLines(id);
        if (carried.length != 0 && _below(6) == 0) carried[0].ceiling += 1;
        uint32 version = certificates.certificate(id).lastVersion + _slip();
        bytes memory data = abi.encodeCall(MaterialCertificates.carry, (id, version, carried));
        (bool done, bytes memory reason) = address(certificates).call(data);
        _count(done, data, reason);
    }

    function delegateDrawing(uint256 seed) external {
        _random = seed;
        bytes32 id = certificateId(_one());
        uint32 sequence = certificates.delegation(id, RIVAL).sequence + _step();
        uint64 from = uint64(block.timestamp - _below(2 days));
        uint64 until = uint64(block.timestamp + _below(8 days));
        if (_below(4) == 0) (from, until) = (0, 0);
        CertificateDelegation memory statement =
            CertificateDelegation(id, RIVAL, sequence, from, until, uint64(block.timestamp));
        bytes32 digest = certificates.hashCertificateDelegation(statement);
        Signed memory by = _signedBy(holder, digest, Roles.HOLDER);
        if (!_send(address(certificates), digest, abi.encodeCall(MaterialCertificates.delegate, (statement, by)))) {
            return;
        }
        (_delegatedFrom[id], _delegatedUntil[id]) = (from, until);
    }

    function revokeCertificate(uint256 seed) external {
        _random = seed;
        if (_below(6) != 0) return;
        bytes32 id = certificateId(_one());
        CertificateRevocation memory statement = revocation(id, certificates.certificate(id).current.version);
        bytes32 digest = certificates.hashCertificateRevocation(statement);
        Signed memory by = _signedBy(committee, digest, Roles.COMMITTEE | Roles.DOCUMENTS_OFFICER | Roles.SUPERVISOR);
        _send(address(certificates), digest, abi.encodeCall(MaterialCertificates.revoke, (statement, by)));
    }

    function fileDeclaration(uint256 seed) external {
        _random = seed;
        bytes32 id = declarationId(_one());
        Draw[] memory list = new Draw[](1 + _below(3));
        for (uint256 i = 0; i < list.length; ++i) {
            uint32 line = uint32(1 + _below(LINES));
            uint128 ceiling = goodsList()[line - 1].ceiling;
            uint128 quantity = uint128(1 + _below(ceiling + ceiling / 8 + 1) / (1 + _below(3)));
            list[i] = drawOf(_activeCertificate(), line, quantity);
        }
        Officer memory firm = _below(5) == 0 ? rival : broker;
        DeclarationFiling memory statement = filing(id, _versionOf(id) + _step(), list);
        bytes32 digest = certificates.hashDeclarationFiling(statement);
        Signed memory by = _signedBy(firm, digest, Roles.BROKER);
        bytes memory data = abi.encodeCall(MaterialCertificates.file, (statement, _proofsOf(list), by));
        if (!_send(address(certificates), digest, data)) return;
        if (keccak256(by.signer) == keyOf(broker)) return;
        for (uint256 i = 0; i < list.length; ++i) {
            if (!_isDelegated(list[i].certificate)) ++breaches;
        }
    }

    function withdrawDeclaration(uint256 seed) external {
        _random = seed;
        if (_below(4) != 0) return;
        bytes32 id = declarationId(_one());
        DeclarationWithdrawal memory statement = withdrawal(id, _versionOf(id) + _slip());
        bytes32 digest = certificates.hashDeclarationWithdrawal(statement);
        Signed memory by = _signedBy(broker, digest, Roles.BROKER);
        _send(address(certificates), digest, abi.encodeCall(MaterialCertificates.withdraw, (statement, by)));
    }

    function openNote(uint256 seed) external {
        _random = seed;
        bytes32 declaration = declarationId(_one());
        if (certificates.drawsOf(declaration).length == 0) declaration = declarationId(_one());
        MaterialCertificates.DrawRecord[] memory held = certificates.drawsOf(declaration);
        NoteItem[] memory items = new NoteItem[](held.length == 0 ? 0 : _below(3));
        for (uint256 i = 0; i < items.length; ++i) {
            MaterialCertificates.DrawRecord memory record = held[_below(held.length)];
            uint128 quantity = uint128(1 + _below(uint256(record.quantity) * 3 / 2));
            items[i] = NoteItem(declaration, record.certificate, record.line, quantity);
        }
        uint8 binding = _below(2) == 0 ? MANY_VEHICLES : uint8(_below(5));
        CheckNoteOpening memory statement =
            opening(noteId(_today + _below(NOTES)), uint8(1 + _below(2)), binding, items);
        bytes32 digest = notes.hashCheckNoteOpening(statement);
        Signed memory by = _signedBy(broker, digest, Roles.BROKER);
        _send(address(notes), digest, abi.encodeCall(CheckNotes.open, (statement, by)));
    }

    function approveNote(uint256 seed) external {
        _random = seed;
        bytes32 id = noteId(_today + _below(NOTES));
        CheckNoteApproval memory statement = CheckNoteApproval(id, contentOf(id, 1), uint64(block.timestamp));
        bytes32 digest = notes.hashCheckNoteApproval(statement);
        Signed memory by = _signedBy(documents, digest, Roles.DOCUMENTS_OFFICER | Roles.RELEASING_OFFICER);
        _send(address(notes), digest, abi.encodeCall(CheckNotes.approve, (statement, by)));
    }

    function passGate(uint256 seed) external {
        _random = seed;
        bytes32 id = noteId(_today + _below(NOTES));
        uint8 passed = notes.note(id).passed;
        uint8[4] memory numbers = [passed + 1, passed + 1, passed, uint8(_below(4))];
        uint8 number = numbers[_below(4)];
        GatePassage memory statement = GatePassage(id, number, bytes32(_below(3)), uint64(block.timestamp));
        bytes32 digest = notes.hashGatePassage(statement);
        Signed memory by = _signedBy(gate, digest, Roles.GATE);
        if (_send(address(notes), digest, abi.encodeCall(CheckNotes.pass, (statement, by)))) {
            ++passages[id][number];
        }
    }

    function voidNote(uint256 seed) external {
        _random = seed;
        if (_below(3) != 0) return;
        bytes32 id = noteId(_today + _below(NOTES));
        CheckNoteVoiding memory statement = CheckNoteVoiding(id, "no vehicle", uint64(block.timestamp));
        bytes32 digest = notes.hashCheckNoteVoiding(statement);
        Signed memory by = _signedBy(broker, digest, Roles.BROKER);
        if (_send(address(notes), digest, abi.encodeCall(CheckNotes.void_, (statement, by)))) voided[id] = true;
    }

    function examine(uint256 seed) external {
        _random = seed;
        bytes32 id = declarationId(_one());
        ExaminationReport memory statement =
            reportOf(id, _versionOf(id) + _slip(), decisions.caseOf(id).reports + _step(), uint8(1 + _below(2)));
        bytes32 digest = decisions.hashExaminationReport(statement);
        Signed memory by = _signedBy(inspector, digest, Roles.INSPECTOR);
        _send(address(decisions), digest, abi.encodeCall(ReleaseDecisions.report, (statement, by)));
    }

    function decideCase(uint256 seed) external {
        _random = seed;
        bytes32 id = declarationId(_one());
        uint8[4] memory outcomes = [RELEASE, RELEASE, RETURN_SHIPMENT, DESTROY];
        uint8 channel = decisions.caseOf(id).reports == 0 ? (_below(2) == 0 ? GREEN : YELLOW) : RED;
        if (_below(8) == 0) channel = uint8(1 + _below(3));
        ReleaseDecision memory statement =
            decisionOf(id, _versionOf(id) + _slip(), channel, channel == GREEN ? RELEASE : outcomes[_below(4)]);
        if (_below(8) == 0) statement.contentHash ^= bytes32(uint256(1));
        if (_below(8) == 0) statement.decideBy = uint64(block.timestamp - 1);
        bytes32 digest = decisions.hashReleaseDecision(statement);
        Signed[] memory signatures = channel == GREEN
            ? alone(_signedBy(system, digest, Roles.SYSTEM))
            : alone(_signedBy(releasing, digest, Roles.RELEASING_OFFICER));
        if (channel == RED) {
            signatures = pair(signatures[0], _signedBy(supervisor, digest, Roles.SUPERVISOR | Roles.RELEASING_OFFICER));
        }
        bytes memory data = abi.encodeCall(ReleaseDecisions.decide, (statement, signatures));
        if (!_send(address(decisions), digest, data)) return;
        if (decidedBy[id].length != 0 || block.timestamp > statement.decideBy) ++breaches;
        if (channel == GREEN) {
            bool allowed = _ruleFrom <= block.timestamp && block.timestamp <= _ruleUntil
                && greenLeft[_ruleVersion()] != 0 && keccak256(signatures[0].signer) == keyOf(system);
            ++greenReleases;
            if (allowed) --greenLeft[_ruleVersion()];
            else ++breaches;
        }
        _keepDecision(id, digest);
    }

    /// @dev Two officers, or one, or one twice, correct what counts or something else.
    function correctDecision(uint256 seed) external {
        _random = seed;
        bytes32 id = declarationId(_one());
        uint8[4] memory outcomes = [RELEASE, RELEASE, RETURN_SHIPMENT, DESTROY];
        DecisionCorrection memory statement = correctionOf(id, _versionOf(id) + _slip(), outcomes[_below(4)]);
        statement.evidenceHash = bytes32(seed);
        if (_below(8) == 0) statement.corrects ^= bytes32(uint256(1));
        bytes32 digest = decisions.hashDecisionCorrection(statement);
        uint256 either = Roles.SUPERVISOR | Roles.RELEASING_OFFICER;
        Signed[] memory signatures = alone(_signedBy(releasing, digest, either));
        uint256 chance = _below(6);
        if (chance > 1) signatures = pair(signatures[0], _signedBy(supervisor, digest, either));
        else if (chance == 1) signatures = pair(signatures[0], signatures[0]);
        bytes memory data = abi.encodeCall(ReleaseDecisions.correct, (statement, signatures));
        if (!_send(address(decisions), digest, data)) return;
        bool two = signatures.length == 2 && keccak256(signatures[0].signer) != keccak256(signatures[1].signer);
        uint256 count = decidedBy[id].length;
        if (!two || count == 0 || statement.corrects != decidedBy[id][count - 1]) ++breaches;
        _keepDecision(id, digest);
    }

    function holdGoods(uint256 seed) external {
        _random = seed;
        if (_below(8) != 0) return;
        bytes32 id = declarationId(_one());
        Disposition memory statement =
            dispositionOf(id, _versionOf(id), decisions.caseOf(id).dispositions + 1, uint8(_below(11)));
        bytes32 digest = decisions.hashDisposition(statement);
        Signed memory by =
            _signedBy(documents, digest, Roles.RELEASING_OFFICER | Roles.SUPERVISOR | Roles.DOCUMENTS_OFFICER);
        _send(address(decisions), digest, abi.encodeCall(ReleaseDecisions.dispose, (statement, by)));
    }

    function changeRule(uint256 seed) external {
        _random = seed;
        uint32 version = decisions.rule(RULE).version;
        if (_below(3) == 0) {
            ReleaseRuleRepeal memory repealed =
                ReleaseRuleRepeal(RULE, version + _slip(), "end", uint64(block.timestamp));
            bytes32 ended = decisions.hashReleaseRuleRepeal(repealed);
            Signed memory who = _signedBy(supervisor, ended, Roles.SUPERVISOR | Roles.RELEASING_OFFICER);
            if (_send(address(decisions), ended, abi.encodeCall(ReleaseDecisions.repeal, (repealed, who)))) {
                (_ruleFrom, _ruleUntil) = (1, 0);
            }
            return;
        }
        ReleaseRule memory statement = ruleOf(RULE, version + _step(), uint32(_below(4)));
        statement.validFrom = uint64(block.timestamp - _below(2) * 1 days);
        statement.validUntil = uint64(block.timestamp + _below(6 days));
        bytes32 digest = decisions.hashReleaseRule(statement);
        Signed memory by = _signedBy(supervisor, digest, Roles.SUPERVISOR);
        if (!_send(address(decisions), digest, abi.encodeCall(ReleaseDecisions.enact, (statement, by)))) return;
        (_ruleFrom, _ruleUntil) = (statement.validFrom, statement.validUntil);
        greenLeft[statement.version] = statement.mostReleases;
    }

    // -------------------------------------------------------------------------------------------------- evidence log

    function anchorLog(uint256 seed) external {
        _random = seed;
        uint256 last = log.checkpoint().size;
        uint256 size = last + _below(6);
        if (size > 60) return;
        // One in four is a checkpoint of a log with another past.
        uint256 salt = _below(4) == 0 ? 2 : 1;
        Checkpoint memory statement = Checkpoint(uint64(size), HashTree.root(salt, 0, size), uint64(block.timestamp));
        bytes32 digest = log.hashCheckpoint(statement);
        Signed memory by = _signedBy(sequencer, digest, Roles.LOG);
        bytes32[] memory proof = last == 0 ? new bytes32[](0) : HashTree.consistency(salt, last, size);
        if (!_send(address(log), digest, abi.encodeCall(EvidenceLog.anchor, (statement, proof, by)))) return;
        if (last == 0) _salt = salt;
        if (salt != _salt) ++breaches;
    }

    function witnessLog(uint256 seed) external {
        _random = seed;
        Checkpoint memory last = log.checkpoint();
        CheckpointWitness memory statement = CheckpointWitness(last.size + _slip(), last.root, uint64(block.timestamp));
        bytes32 digest = log.hashCheckpointWitness(statement);
        Signed memory by = _signedBy(_below(2) == 0 ? witness1 : witness2, digest, Roles.WITNESS);
        if (!_send(address(log), digest, abi.encodeCall(EvidenceLog.witness, (statement, by)))) return;
        bytes32 organisation = consortium.key(keccak256(by.signer)).organisation;
        if (++vouched[statement.size][organisation] > 1) ++breaches;
        ++vouchers[statement.size];
    }

    // ---------------------------------------------------------------------------------------------------- consortium

    /// @dev Founders or others replace the key of the third founder.
    function replaceAFounder(uint256 seed) external {
        _random = seed;
        Officer memory successor = newOfficer(Kind.Secp256k1, string(abi.encode(seed)), founder3.organisation, 0);
        FounderReplacement memory statement = replacementOf(founder3, successor);
        bytes32 digest = consortium.hashFounderReplacement(statement);
        Officer memory second = _below(2) == 0 ? founder2 : _crowd[_below(_crowd.length)];
        Signed[] memory signatures = pair(sign(founder1, digest), sign(second, digest));
        bytes memory data = abi.encodeCall(Consortium.replaceFounder, (statement, signatures));
        if (!_call(address(consortium), digest, data)) return;
        if (keyOf(second) != keyOf(founder2)) ++breaches;
        founder3 = successor;
    }

    /// @dev Founders or others try to give a key every role, or to take a key away.
    function changeConsortium(uint256 seed) external {
        _random = seed;
        ConsortiumChange memory change = emptyChange();
        Officer memory whose = _crowd[_below(_crowd.length)];
        change.grants = new KeyGrant[](1);
        change.grants[0] = grantOf(whose);
        change.grants[0].roles = _below(2) == 0 ? whose.roles : Roles.BROKER;
        bytes32 digest = consortium.hashConsortiumChange(change);
        Officer memory second = _below(2) == 0 ? founder2 : _crowd[_below(_crowd.length)];
        Signed[] memory signatures = pair(sign(founder1, digest), sign(second, digest));
        if (!_call(address(consortium), digest, abi.encodeCall(Consortium.change, (change, signatures)))) return;
        if (keyOf(second) != keyOf(founder2)) ++breaches;
        _heldRoles[keyOf(whose)] = change.grants[0].roles;
        _intruder[keyOf(whose)] = false;
    }

    // -------------------------------------------------------------------------------------------------- what exists

    function decisionsOn(bytes32 declaration) external view returns (bytes32[] memory) {
        return decidedBy[declaration];
    }

    /// @dev Things from here on were never dealt with.
    function reach() external view returns (uint256) {
        return _today + NOTES;
    }

    function stateOfDecision(bytes32 statement) public view returns (bytes32) {
        return keccak256(abi.encode(decisions.decisionOf(statement)));
    }

    function contracts() external view returns (MaterialCertificates, CheckNotes, ReleaseDecisions, EvidenceLog) {
        return (certificates, notes, decisions, log);
    }

    // ------------------------------------------------------------------------------------------------------ chances

    function _below(uint256 limit) private returns (uint256) {
        _random = uint256(keccak256(abi.encode(_random)));
        return _random % limit;
    }

    /// @dev One of the two that is active, mostly.
    function _activeCertificate() private returns (bytes32) {
        uint256 one = _one();
        bool active = certificates.certificate(certificateId(one)).state == MaterialCertificates.CertificateState.Active;
        bool other = !active && _below(8) != 0;
        return certificateId(other ? 2 * _today + 1 - one : one);
    }

    function _one() private returns (uint256) {
        return _today + _below(2);
    }

    /// @dev Mostly the next number, sometimes the same or the one after.
    function _step() private returns (uint32) {
        return _below(8) == 0 ? uint32(_below(3)) : 1;
    }

    /// @dev Mostly right, sometimes one too many.
    function _slip() private returns (uint32) {
        return _below(8) == 0 ? 1 : 0;
    }

    /// @dev Mostly the right officer; sometimes anybody; sometimes the right officer's key with somebody's signature.
    function _signedBy(Officer memory right, bytes32 digest, uint256 needed) private returns (Signed memory by) {
        uint256 chance = _below(10);
        Officer memory signer = chance == 0 ? _crowd[_below(_crowd.length)] : right;
        by = sign(signer, digest);
        bool forged = chance == 1;
        if (forged) by.signature = sign(_crowd[_below(_crowd.length)], digest).signature;
        bytes32 id = keyOf(signer);
        bool same = !forged || keccak256(by.signature) == keccak256(sign(signer, digest).signature);
        _entitled = _entitled && same && !_intruder[id] && _heldRoles[id] & needed != 0;
    }

    function _versionOf(bytes32 declaration) private view returns (uint32 version) {
        (, version) = certificates.versionOf(declaration);
    }

    function _send(address target, bytes32 digest, bytes memory data) private returns (bool taken) {
        taken = _call(target, digest, data);
        if (taken && !_entitled) ++breaches;
        _entitled = true;
    }

    function _call(address target, bytes32 digest, bytes memory data) private returns (bool taken) {
        bytes memory reason;
        (taken, reason) = target.call(data);
        _count(taken, data, reason);
        if (!taken) return false;
        if (++times[digest] > mostTimes) mostTimes = times[digest];
        // The relay sends it once more at times: it must have no effect.
        if (_below(6) != 0) return true;
        (bool again, bytes memory why) = target.call(data);
        if (again) ++mostTimes;
        _count(again, data, why);
    }

    function _count(bool taken, bytes memory data, bytes memory reason) private {
        if (taken) ++accepted[bytes4(data)];
        else ++refused[bytes4(reason)];
    }

    function _keepDecision(bytes32 id, bytes32 digest) private {
        decidedBy[id].push(digest);
        decided[digest] = stateOfDecision(digest);
    }

    function _ruleVersion() private view returns (uint32) {
        return decisions.rule(RULE).version;
    }

    function _isDelegated(bytes32 id) private view returns (bool) {
        return _delegatedFrom[id] <= block.timestamp && block.timestamp <= _delegatedUntil[id];
    }

    /// @dev Proofs from the lists of the active versions.
    function _proofsOf(Draw[] memory list) private view returns (LineProof[] memory proofs) {
        proofs = new LineProof[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            bytes32 id = list[i].certificate;
            GoodsLine[] memory goods = listOf(id, certificates.certificate(id).current.version);
            uint256 index = list[i].line - 1;
            proofs[i] = LineProof(goods[index].ceiling, Lists.proof(id, goods, index));
        }
    }

    /// @dev The lines drawn from, mostly all of them; none while no amendment waits, mostly.
    function _carriedLines(bytes32 id) private returns (CarriedLine[] memory carried) {
        MaterialCertificates.CertificateRecord memory record = certificates.certificate(id);
        if (!record.amending && _below(8) != 0) return carried;
        GoodsLine[] memory goods = listOf(id, record.lastVersion);
        carried = new CarriedLine[](LINES);
        uint256 count = 0;
        for (uint32 line = 1; line <= LINES; ++line) {
            (, bool used) = certificates.unitOf(id, line);
            if (!used && _below(16) != 0) continue;
            if (used && _below(3) == 0) continue;
            carried[count++] = carriedFrom(id, goods, line);
        }
        assembly ("memory-safe") {
            mstore(carried, count)
        }
    }

    function _activate(bytes32 id) private {
        activate(id, broker);
        bytes32 what = keccak256(abi.encode(id, uint32(1), contentOf(id, 1)));
        (confirmed[COMMITTEE_PARTY][what], confirmed[CUSTOMS_PARTY][what]) = (true, true);
    }

    function _enter(Officer memory officer) private {
        _crowd.push(officer);
        _heldRoles[keyOf(officer)] = officer.roles;
    }

    function _intrude(Officer memory officer) private {
        _crowd.push(officer);
        _intruder[keyOf(officer)] = true;
    }
}
