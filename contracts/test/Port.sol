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
import {Consortium, ConsortiumChange, KeyGrant} from "../Consortium.sol";
import {
    CarriedLine,
    CertificateReview,
    CertificateRevocation,
    CertificateSubmission,
    DeclarationFiling,
    DeclarationWithdrawal,
    Draw,
    MaterialCertificates
} from "../MaterialCertificates.sol";
import {ExaminationReport, ReleaseDecision, ReleaseDecisions} from "../ReleaseDecisions.sol";
import {Roles} from "../Roles.sol";
import {Signed} from "../StatementRegister.sol";
import {goodsList} from "./Lists.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

// How many of each thing there are; two of them at a time are dealt with, so that actions meet.
uint256 constant THINGS = 30;
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
    /// @notice The decision as it stood when it was accepted.
    mapping(bytes32 declaration => bytes32) public decided;
    /// @notice Who confirmed what: party to hash over certificate, version and content.
    mapping(uint8 party => mapping(bytes32 what => bool)) public confirmed;
    /// @notice The notes that were voided.
    mapping(bytes32 note => bool) public voided;

    Officer[] private _crowd;
    mapping(bytes32 keyId => bool) private _intruder;
    mapping(bytes32 keyId => uint256) private _heldRoles;
    uint256 private _random;
    uint256 private _today;
    bool private _entitled = true;

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
        if (_below(3) == 0 && _today + 2 < THINGS) ++_today;
        vm.warp(block.timestamp + seed % 1 days);
        vm.roll(block.number + 1);
    }

    function submitCertificate(uint256 seed) external {
        _random = seed;
        bytes32 id = certificateId(_one());
        CertificateSubmission memory statement = submission(id, certificates.certificate(id).lastVersion + _step());
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
        if (
            _send(address(certificates), digest, abi.encodeCall(MaterialCertificates.review, (statement, new CarriedLine[](0), by)))
                && verdict == CONFIRM
        ) {
            confirmed[party][keccak256(abi.encode(id, statement.version, statement.contentHash))] = true;
        }
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
        DeclarationFiling memory statement = filing(id, _versionOf(id) + _step(), list);
        bytes32 digest = certificates.hashDeclarationFiling(statement);
        Signed memory by = _signedBy(broker, digest, Roles.BROKER);
        _send(address(certificates), digest, abi.encodeCall(MaterialCertificates.file, (statement, proofsOf(list), by)));
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
        CheckNoteOpening memory statement = opening(noteId(_one()), uint8(1 + _below(2)), items);
        bytes32 digest = notes.hashCheckNoteOpening(statement);
        Signed memory by = _signedBy(broker, digest, Roles.BROKER);
        _send(address(notes), digest, abi.encodeCall(CheckNotes.open, (statement, by)));
    }

    function approveNote(uint256 seed) external {
        _random = seed;
        bytes32 id = noteId(_one());
        CheckNoteApproval memory statement = CheckNoteApproval(id, contentOf(id, 1), uint64(block.timestamp));
        bytes32 digest = notes.hashCheckNoteApproval(statement);
        Signed memory by = _signedBy(documents, digest, Roles.DOCUMENTS_OFFICER | Roles.RELEASING_OFFICER);
        _send(address(notes), digest, abi.encodeCall(CheckNotes.approve, (statement, by)));
    }

    function passGate(uint256 seed) external {
        _random = seed;
        bytes32 id = noteId(_one());
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
        bytes32 id = noteId(_one());
        CheckNoteVoiding memory statement = CheckNoteVoiding(id, "no vehicle", uint64(block.timestamp));
        bytes32 digest = notes.hashCheckNoteVoiding(statement);
        Signed memory by = _signedBy(broker, digest, Roles.BROKER);
        if (_send(address(notes), digest, abi.encodeCall(CheckNotes.void_, (statement, by)))) voided[id] = true;
    }

    function examine(uint256 seed) external {
        _random = seed;
        bytes32 id = declarationId(_one());
        ExaminationReport memory statement = reportOf(
            id,
            _versionOf(id) + _slip(),
            decisions.caseOf(id).reports + _step(),
            uint8(1 + _below(2))
        );
        bytes32 digest = decisions.hashExaminationReport(statement);
        Signed memory by = _signedBy(inspector, digest, Roles.INSPECTOR);
        _send(address(decisions), digest, abi.encodeCall(ReleaseDecisions.report, (statement, by)));
    }

    function decideCase(uint256 seed) external {
        _random = seed;
        bytes32 id = declarationId(_one());
        uint8[4] memory outcomes = [RELEASE, RELEASE, RETURN_SHIPMENT, DESTROY];
        uint8 channel = decisions.caseOf(id).reports == 0 ? YELLOW : RED;
        if (_below(8) == 0) channel = uint8(1 + _below(3));
        ReleaseDecision memory statement =
            decisionOf(id, _versionOf(id) + _slip(), channel, outcomes[_below(4)]);
        if (_below(8) == 0) statement.contentHash ^= bytes32(uint256(1));
        bytes32 digest = decisions.hashReleaseDecision(statement);
        Signed[] memory signatures = alone(_signedBy(releasing, digest, Roles.RELEASING_OFFICER));
        if (channel == RED) {
            signatures = pair(signatures[0], _signedBy(supervisor, digest, Roles.SUPERVISOR | Roles.RELEASING_OFFICER));
        }
        if (_send(address(decisions), digest, abi.encodeCall(ReleaseDecisions.decide, (statement, signatures)))) {
            if (decided[id] != 0) ++breaches;
            decided[id] = stateOfDecision(id);
        }
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

    /// @dev Things from here on were never dealt with.
    function reach() external view returns (uint256) {
        return _today + 2;
    }

    function stateOfDecision(bytes32 declaration) public view returns (bytes32) {
        return keccak256(abi.encode(decisions.decision(declaration)));
    }

    function contracts() external view returns (MaterialCertificates, CheckNotes, ReleaseDecisions) {
        return (certificates, notes, decisions);
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
        if (!taken) {
            ++refused[bytes4(reason)];
            return false;
        }
        ++accepted[bytes4(data)];
        if (++times[digest] > mostTimes) mostTimes = times[digest];
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
