// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CheckNotes, NoteItem} from "../CheckNotes.sol";
import {Consortium} from "../Consortium.sol";
import {MaterialCertificates} from "../MaterialCertificates.sol";
import {ReleaseDecisions} from "../ReleaseDecisions.sol";
import {StatementRegister} from "../StatementRegister.sol";
import {EvidenceLog} from "../EvidenceLog.sol";
import {Checks} from "./Checks.sol";
import {certificateId, declarationId, FIRST_CERTIFICATE, LINES, listOf, noteId, Port} from "./Port.sol";

/// @notice Which functions of a contract the fuzzer calls; both tools read it under this name.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// @title What must always hold, whatever anybody sends in whatever order
contract InvariantsTest is Checks {
    Port private _port;
    MaterialCertificates private _certificates;
    CheckNotes private _notes;
    ReleaseDecisions private _decisions;
    EvidenceLog private _log;

    error NeverAccepted(bytes4 selector);
    error NeverRefused(bytes4[] selectors);

    function setUp() public {
        _port = new Port();
        (_certificates, _notes, _decisions, _log) = _port.contracts();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(_port);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(_port), _actions());
    }

    /// @dev The invariants would hold in a port where nothing happens, and where nobody tries anything wrong: every action
    /// must get through at times, and every guard that the invariants rest on must have stood in somebody's way.
    function test_ThePortIsBusy() external {
        bytes4[] memory actions = _actions();
        for (uint256 i = 0; i < 3000; ++i) {
            bytes32 seed = keccak256(abi.encode(i));
            (bool done,) =
                address(_port).call(abi.encodePacked(actions[uint256(seed) % actions.length], uint256(seed) >> 8));
            assertTrue(done, "an action reverts");
        }
        bytes4[21] memory functions = [
            MaterialCertificates.submit.selector,
            MaterialCertificates.review.selector,
            MaterialCertificates.revoke.selector,
            MaterialCertificates.file.selector,
            MaterialCertificates.withdraw.selector,
            CheckNotes.open.selector,
            CheckNotes.approve.selector,
            CheckNotes.pass.selector,
            CheckNotes.void_.selector,
            ReleaseDecisions.report.selector,
            ReleaseDecisions.decide.selector,
            Consortium.change.selector,
            Consortium.replaceFounder.selector,
            MaterialCertificates.carry.selector,
            MaterialCertificates.delegate.selector,
            ReleaseDecisions.dispose.selector,
            ReleaseDecisions.correct.selector,
            ReleaseDecisions.enact.selector,
            ReleaseDecisions.repeal.selector,
            EvidenceLog.anchor.selector,
            EvidenceLog.witness.selector
        ];
        for (uint256 i = 0; i < functions.length; ++i) {
            if (_port.accepted(functions[i]) == 0) revert NeverAccepted(functions[i]);
        }
        bytes4[29] memory guards = [
            Consortium.ConsortiumKeyUnknown.selector,
            Consortium.ConsortiumKeyRevoked.selector,
            Consortium.ConsortiumKeyNotValid.selector,
            Consortium.ConsortiumRoleMissing.selector,
            Consortium.ConsortiumSignatureWrong.selector,
            Consortium.ConsortiumFounderUnknown.selector,
            MaterialCertificates.MaterialCertificatesContentDiffers.selector,
            MaterialCertificates.MaterialCertificatesLineOverdrawn.selector,
            MaterialCertificates.MaterialCertificatesDeclarationStateWrong.selector,
            CheckNotes.CheckNotesQuantityExceeded.selector,
            CheckNotes.CheckNotesGateRepeated.selector,
            CheckNotes.CheckNotesGateWrong.selector,
            CheckNotes.CheckNotesUnderWay.selector,
            ReleaseDecisions.ReleaseDecisionsNotFiled.selector,
            ReleaseDecisions.ReleaseDecisionsNotConform.selector,
            StatementRegister.StatementRegisterAlreadyRecorded.selector,
            MaterialCertificates.MaterialCertificatesLinesNotCarried.selector,
            MaterialCertificates.MaterialCertificatesCeilingTooLow.selector,
            MaterialCertificates.MaterialCertificatesLineUnproven.selector,
            MaterialCertificates.MaterialCertificatesBrokerDiffers.selector,
            MaterialCertificates.MaterialCertificatesDelegationSequenceWrong.selector,
            ReleaseDecisions.ReleaseDecisionsTooLate.selector,
            ReleaseDecisions.ReleaseDecisionsGreenRuleMissing.selector,
            ReleaseDecisions.ReleaseDecisionsCorrectsOther.selector,
            ReleaseDecisions.ReleaseDecisionsCannotRevive.selector,
            ReleaseDecisions.ReleaseDecisionsOfficerRepeated.selector,
            ReleaseDecisions.ReleaseDecisionsSignaturesWrong.selector,
            EvidenceLog.EvidenceLogInconsistent.selector,
            EvidenceLog.EvidenceLogWitnessRepeated.selector
        ];
        bytes4[] memory idle = new bytes4[](guards.length);
        uint256 count = 0;
        for (uint256 i = 0; i < guards.length; ++i) {
            if (_port.refused(guards[i]) == 0) idle[count++] = guards[i];
        }
        assembly ("memory-safe") {
            mstore(idle, count)
        }
        if (count != 0) revert NeverRefused(idle);
        assertTrue(_port.amended() != 0, "no amendment ever became active");
        assertTrue(_port.greenReleases() != 0, "no rule ever released");
        this.invariant_WhatMustAlwaysHold();
    }

    /// @dev 1: nothing takes effect without a signature of somebody who holds the role at that moment. 5 and 6: nothing
    /// is recorded twice. 3, 4, 5: see below. One campaign for all, because each costs its own.
    function invariant_WhatMustAlwaysHold() external view {
        assertEq(_port.breaches(), 0);
        assertAtMost("records of one statement", _port.mostTimes(), 1);
        uint256 things = _port.reach();
        for (uint256 i = 0; i < things; ++i) {
            _checkCertificate(certificateId(i));
            _checkDecision(declarationId(i));
            _checkPassages(noteId(i));
        }
        _checkLines(things);
        _checkLoads(things);
        for (uint64 size = 0; size <= _log.checkpoint().size; ++size) {
            assertEq(_log.witnesses(size), _port.vouchers(size));
        }
    }

    /// @dev Active means: committee and customs confirmed what the broker signed, in this version.
    function _checkCertificate(bytes32 id) private view {
        MaterialCertificates.CertificateRecord memory record = _certificates.certificate(id);
        bytes32 what = keccak256(abi.encode(id, record.current.version, record.current.contentHash));
        if (
            record.state == MaterialCertificates.CertificateState.Active
                || record.state == MaterialCertificates.CertificateState.Revoked
        ) {
            assertTrue(_port.confirmed(1, what) && _port.confirmed(2, what), "active unconfirmed");
        }
    }

    /// @dev 3: 0 <= reserved + committed <= ceiling, and both are the sum over declarations.
    function _checkLines(uint256 things) private view {
        uint256[] memory reserved = new uint256[](things * LINES);
        uint256[] memory committed = new uint256[](things * LINES);
        for (uint256 i = 0; i < things; ++i) {
            bytes32 declaration = declarationId(i);
            bool open = _stateOf(declaration) == MaterialCertificates.DeclarationState.Filed;
            MaterialCertificates.DrawRecord[] memory held = _certificates.drawsOf(declaration);
            for (uint256 j = 0; j < held.length; ++j) {
                uint256 certificate = uint256(held[j].certificate) - FIRST_CERTIFICATE;
                uint256 place = certificate * LINES + held[j].line - 1;
                if (open) reserved[place] += held[j].quantity;
                else committed[place] += held[j].quantity;
            }
        }
        for (uint256 place = 0; place < reserved.length; ++place) {
            uint32 line = uint32(place % LINES) + 1;
            (uint128 reserved_, uint128 committed_) = _certificates.line(certificateId(place / LINES), line);
            assertEq(reserved_, reserved[place]);
            assertEq(committed_, committed[place]);
            // Of the version that counts, whatever was drawn under the ones before.
            bytes32 id = certificateId(place / LINES);
            uint128 ceiling = listOf(id, _certificates.certificate(id).current.version)[line - 1].ceiling;
            assertAtMost("reserved and committed", uint256(reserved_) + committed_, ceiling);
        }
    }

    /// @dev 4: a note passes each gate at most once, in order, and is not voided after that.
    function _checkPassages(bytes32 note) private view {
        assertEq(_port.passages(note, 0) + _port.passages(note, 3), 0);
        assertAtMost("passages of gate 1", _port.passages(note, 1), 1);
        assertAtMost("passages of gate 2", _port.passages(note, 2), _port.passages(note, 1));
        uint8 passed = _notes.note(note).passed;
        assertEq(passed, _port.passages(note, 1) + _port.passages(note, 2));
        assertTrue(!_port.voided(note) || passed == 0, "voided after a passage");
    }

    /// @dev What notes carry is the sum over those that are not voided.
    function _checkLoads(uint256 things) private view {
        NoteItem[][] memory loads = new NoteItem[][](things);
        for (uint256 i = 0; i < things; ++i) {
            bytes32 note = noteId(i);
            if (!_port.voided(note)) loads[i] = _notes.itemsOf(note);
        }
        for (uint256 i = 0; i < things; ++i) {
            for (uint256 j = 0; j < loads[i].length; ++j) {
                NoteItem memory item = loads[i][j];
                assertEq(_notes.noted(item.declaration, item.certificate, item.line), _sum(loads, item));
            }
        }
    }

    function _sum(NoteItem[][] memory loads, NoteItem memory item) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < loads.length; ++i) {
            for (uint256 j = 0; j < loads[i].length; ++j) {
                NoteItem memory other = loads[i][j];
                bool same = other.declaration == item.declaration && other.certificate == item.certificate
                    && other.line == item.line;
                if (same) sum += other.quantity;
            }
        }
    }

    /// @dev 5: a recorded decision is never altered; a correction names the one before; the declaration stays as the last
    /// of them says.
    function _checkDecision(bytes32 declaration) private view {
        MaterialCertificates.DeclarationState state = _stateOf(declaration);
        bool final_ = state == MaterialCertificates.DeclarationState.Released
            || state == MaterialCertificates.DeclarationState.Denied;
        bytes32[] memory statements = _port.decisionsOn(declaration);
        assertTrue(final_ == (statements.length != 0), "decided but not final, or final but not decided");
        if (!final_) return;
        bytes32 before = 0;
        for (uint256 i = 0; i < statements.length; ++i) {
            assertEq(_port.stateOfDecision(statements[i]), _port.decided(statements[i]));
            assertEq(_decisions.decisionOf(statements[i]).corrects, before);
            before = statements[i];
        }
        assertEq(_decisions.decisionStatement(declaration), before);
        bool released = _decisions.decision(declaration).outcome == 1;
        assertTrue(released == (state == MaterialCertificates.DeclarationState.Released), "outcome and state differ");
    }

    function _stateOf(bytes32 declaration) private view returns (MaterialCertificates.DeclarationState state) {
        (state,) = _certificates.versionOf(declaration);
    }

    function _actions() private pure returns (bytes4[] memory list) {
        list = new bytes4[](21);
        list[0] = Port.wait.selector;
        list[1] = Port.submitCertificate.selector;
        list[2] = Port.reviewCertificate.selector;
        list[3] = Port.revokeCertificate.selector;
        list[4] = Port.fileDeclaration.selector;
        list[5] = Port.withdrawDeclaration.selector;
        list[6] = Port.openNote.selector;
        list[7] = Port.approveNote.selector;
        list[8] = Port.passGate.selector;
        list[9] = Port.voidNote.selector;
        list[10] = Port.examine.selector;
        list[11] = Port.decideCase.selector;
        list[12] = Port.changeConsortium.selector;
        list[13] = Port.carryLines.selector;
        list[14] = Port.delegateDrawing.selector;
        list[15] = Port.correctDecision.selector;
        list[16] = Port.holdGoods.selector;
        list[17] = Port.changeRule.selector;
        list[18] = Port.anchorLog.selector;
        list[19] = Port.witnessLog.selector;
        list[20] = Port.replaceAFounder.selector;
    }
}
