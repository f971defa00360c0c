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
import {Consortium, ConsortiumChange, KeyGrant, Organisation} from "../Consortium.sol";
import {Checkpoint, EvidenceLog} from "../EvidenceLog.sol";
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
import {Disposition, ExaminationReport, ReleaseDecision, ReleaseDecisions} from "../ReleaseDecisions.sol";
import {Roles} from "../Roles.sol";
import {Signed} from "../StatementRegister.sol";
import {HashTree} from "./HashTree.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title What each kind of statement costs with cold storage, and the limits that a relay may give it
/// @notice `forge test --match-contract Gas -vv` prints the costs, each that of the call to the contract alone. They are
/// for a node that has the precompile for P-256 (osaka); without it each such signature costs 250,000 more.
contract GasTest is World {
    bytes32 private constant EVERYBODY = "everybody";

    Kind private _kind;
    Officer private _first;
    Officer private _second;
    Officer private _third;

    // Forge and Hardhat print events of this name.
    event log_named_uint(string key, uint256 val);

    function test_CostsWithSecp256k1() public {
        _measureAll(Kind.Secp256k1);
    }

    function test_CostsWithPasskeys() public {
        _measureAll(Kind.Passkey);
    }

    function _measureAll(Kind kind) private {
        _kind = kind;
        ConsortiumChange memory change = admission(EVERYBODY, Roles.ALL);
        change.grants = new KeyGrant[](3);
        _first = newOfficer(kind, "first", EVERYBODY, Roles.ALL);
        _second = newOfficer(kind, "second", EVERYBODY, Roles.ALL);
        _third = newOfficer(kind, "third", EVERYBODY, Roles.ALL);
        (change.grants[0], change.grants[1], change.grants[2]) = (grantOf(_first), grantOf(_second), grantOf(_third));
        apply_(change);
        _measureConsortium();
        _measureCertificates();
        _measureDeclarations();
        _measureNotes();
        _measureDecisions();
        _measureLog();
    }

    function _measureConsortium() private {
        Officer memory clerk = newOfficer(_kind, "clerk", EVERYBODY, Roles.BROKER);
        ConsortiumChange memory change = granting(clerk);
        change.organisations = new Organisation[](1);
        change.organisations[0] = Organisation("newcomer", Roles.BROKER, START, END);
        change.revocations = new bytes32[](1);
        change.revocations[0] = keyOf(clerk);
        bytes memory data = abi.encodeCall(Consortium.change, (change, signedByFounders(change)));
        _measure("ConsortiumChange, one of each, two founders", address(consortium), data, 400_000);
    }

    function _measureCertificates() private {
        CertificateSubmission memory submitted = submission(LETTER, 1);
        Signed memory by = sign(_first, certificates.hashCertificateSubmission(submitted));
        bytes memory data = abi.encodeCall(MaterialCertificates.submit, (submitted, by));
        _measure("CertificateSubmission", address(certificates), data, 380_000);
        for (uint8 party = 1; party <= 2; ++party) {
            CertificateReview memory reviewed = reviewOf(LETTER, 1, party, CONFIRM);
            by = sign(_first, certificates.hashCertificateReview(reviewed));
            data = abi.encodeCall(MaterialCertificates.review, (reviewed, new CarriedLine[](0), by));
            _measure("CertificateReview", address(certificates), data, 150_000);
        }
        activate("another", _first);
        CertificateRevocation memory revoked = revocation("another", 1);
        by = sign(_first, certificates.hashCertificateRevocation(revoked));
        data = abi.encodeCall(MaterialCertificates.revoke, (revoked, by));
        _measure("CertificateRevocation", address(certificates), data, 150_000);
    }

    function _measureDeclarations() private {
        _measureFiling("declaration 0", 1, new Draw[](0), "DeclarationFiling, no draw", 250_000);
        _measureFiling(ENTRY, 1, draws(drawOf(LETTER, 1, 1e6)), "DeclarationFiling, 1 draw", 250_000 + 250_000);
        Draw[] memory four = new Draw[](4);
        for (uint32 line = 1; line <= 4; ++line) {
            four[line - 1] = drawOf(LETTER, line, 1);
        }
        _measureFiling("declaration 4", 1, four, "DeclarationFiling, 4 draws", 250_000 + 4 * 250_000);
        _measureFiling("declaration 4", 2, four, "DeclarationFiling, 4 draws for 4", 250_000 + 4 * 250_000);
        DeclarationWithdrawal memory withdrawn = withdrawal("declaration 4", 2);
        Signed memory by = sign(_first, certificates.hashDeclarationWithdrawal(withdrawn));
        _measure(
            "DeclarationWithdrawal, 4 draws",
            address(certificates),
            abi.encodeCall(MaterialCertificates.withdraw, (withdrawn, by)),
            150_000 + 4 * 60_000
        );
    }

    function _measureFiling(bytes32 id, uint32 version, Draw[] memory list, string memory what, uint256 limit) private {
        DeclarationFiling memory filed = filing(id, version, list);
        Signed memory by = sign(_first, certificates.hashDeclarationFiling(filed));
        bytes memory data = abi.encodeCall(MaterialCertificates.file, (filed, proofsOf(list), by));
        _measure(what, address(certificates), data, limit);
    }

    function _measureNotes() private {
        _measureOpening("empty vehicle", new NoteItem[](0), "CheckNoteOpening, no item", 250_000);
        NoteItem[] memory items = itemsOf(NoteItem(ENTRY, LETTER, 1, 5));
        _measureOpening(NOTE, items, "CheckNoteOpening, 1 item", 250_000 + 250_000);

        CheckNoteApproval memory approved = CheckNoteApproval(NOTE, contentOf(NOTE, 1), START);
        Signed memory by = sign(_first, notes.hashCheckNoteApproval(approved));
        bytes memory data = abi.encodeCall(CheckNotes.approve, (approved, by));
        _measure("CheckNoteApproval", address(notes), data, 150_000);
        for (uint8 number = 1; number <= 2; ++number) {
            GatePassage memory passage = GatePassage(NOTE, number, "event", START);
            by = sign(_first, notes.hashGatePassage(passage));
            data = abi.encodeCall(CheckNotes.pass, (passage, by));
            _measure("GatePassage, 1 item", address(notes), data, 150_000 + 50_000);
        }
        open(opening("note 2", 2, items), _first);
        CheckNoteVoiding memory voided = CheckNoteVoiding("note 2", "reason", START);
        by = sign(_first, notes.hashCheckNoteVoiding(voided));
        data = abi.encodeCall(CheckNotes.void_, (voided, by));
        _measure("CheckNoteVoiding, 1 item", address(notes), data, 150_000 + 50_000);
    }

    function _measureOpening(bytes32 id, NoteItem[] memory items, string memory what, uint256 limit) private {
        CheckNoteOpening memory opened = opening(id, 2, items);
        Signed memory by = sign(_first, notes.hashCheckNoteOpening(opened));
        _measure(what, address(notes), abi.encodeCall(CheckNotes.open, (opened, by)), limit);
    }

    function _measureDecisions() private {
        file(filing("yellow", 1, draws(drawOf(LETTER, 2, 1e6))), _first);
        ReleaseDecision memory decided = decisionOf("yellow", 1, YELLOW, RELEASE);
        bytes32 digest = decisions.hashReleaseDecision(decided);
        bytes memory data = abi.encodeCall(ReleaseDecisions.decide, (decided, alone(sign(_first, digest))));
        _measure("ReleaseDecision, yellow, 1 draw", address(decisions), data, 350_000 + 60_000);

        ExaminationReport memory examined = reportOf(ENTRY, 1, 1, CONFORM);
        Signed memory by = sign(_third, decisions.hashExaminationReport(examined));
        data = abi.encodeCall(ReleaseDecisions.report, (examined, by));
        _measure("ExaminationReport", address(decisions), data, 220_000);

        Disposition memory disposed = dispositionOf(ENTRY, 1, 1, 2);
        by = sign(_first, decisions.hashDisposition(disposed));
        data = abi.encodeCall(ReleaseDecisions.dispose, (disposed, by));
        _measure("Disposition", address(decisions), data, 150_000);

        decided = decisionOf(ENTRY, 1, RED, RELEASE);
        digest = decisions.hashReleaseDecision(decided);
        Signed[] memory signatures = pair(sign(_first, digest), sign(_second, digest));
        data = abi.encodeCall(ReleaseDecisions.decide, (decided, signatures));
        _measure("ReleaseDecision, red, 1 draw", address(decisions), data, 350_000 + 60_000);
    }

    function _measureLog() private {
        _measureCheckpoint(0, 200, "Checkpoint, the first", 200_000);
        _measureCheckpoint(200, 333, "Checkpoint, proof of 9", 200_000 + 9 * 5_000);
    }

    function _measureCheckpoint(uint64 from, uint64 to, string memory what, uint256 limit) private {
        Checkpoint memory point = Checkpoint(to, HashTree.root(1, 0, to), START);
        bytes32[] memory proof = HashTree.consistency(1, from, to);
        Signed memory by = sign(_first, log.hashCheckpoint(point));
        _measure(what, address(log), abi.encodeCall(EvidenceLog.anchor, (point, proof, by)), limit);
    }

    function _measure(string memory what, address target, bytes memory data, uint256 limit) private {
        vm.cool(address(consortium));
        vm.cool(address(certificates));
        vm.cool(address(notes));
        vm.cool(address(decisions));
        vm.cool(address(log));
        vm.cool(address(passkeyVerifier));
        vm.cool(address(p256Verifier));
        // The account of the target is warmed for the Inbox by looking at its code; only its storage is cold.
        assertTrue(target.code.length != 0, "deployed");
        uint256 before = gasleft();
        (bool done,) = target.call(data);
        uint256 used = before - gasleft();
        assertTrue(done, what);
        emit log_named_uint(what, used);
        // Half as much again for what this leaves out: slots count as new in a transaction of their own.
        assertAtMost(what, used * 3 / 2, limit);
    }
}
