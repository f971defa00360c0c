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
import {
    Consortium,
    ConsortiumChange,
    FounderReplacement,
    FoundingMember,
    KeyGrant,
    Organisation
} from "../Consortium.sol";
import {Checkpoint, CheckpointWitness, EvidenceLog} from "../EvidenceLog.sol";
import {Inbox} from "../Inbox.sol";
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
import {GoodsLine, goodsList, Lists} from "./Lists.sol";
import {Kind, Officer, Officers} from "./Officers.sol";

/// @title A consortium at work: everything deployed, officers of every role, statements with valid defaults
abstract contract World is Officers {
    bytes32 internal constant FIRM = "firm";
    bytes32 internal constant RIVAL = "rival firm";
    bytes32 internal constant OCOG = "organising committee";
    bytes32 internal constant CUSTOMS = "customs";
    bytes32 internal constant OPERATOR = "operator";
    bytes32 internal constant HOLDER = "team";
    bytes32 internal constant LETTER = "certificate 1";
    bytes32 internal constant ENTRY = "declaration 1";
    bytes32 internal constant NOTE = "note 1";
    bytes32 internal constant RULE = "rule 1";
    uint8 internal constant MANY_DECLARATIONS = 1;
    uint8 internal constant ONE_FOR_ONE = 2;
    uint8 internal constant MANY_VEHICLES = 3;
    uint64 internal constant START = 1_700_000_000;
    uint64 internal constant END = START + 365 days;
    uint8 internal constant COMMITTEE_PARTY = 1;
    uint8 internal constant CUSTOMS_PARTY = 2;
    uint8 internal constant CONFIRM = 1;
    uint8 internal constant GREEN = 1;
    uint8 internal constant YELLOW = 2;
    uint8 internal constant RED = 3;
    uint8 internal constant RELEASE = 1;
    uint8 internal constant RETURN_SHIPMENT = 7;
    uint8 internal constant DESTROY = 9;
    uint8 internal constant CONFORM = 1;
    uint8 internal constant NOT_CONFORM = 2;

    Consortium internal consortium;
    MaterialCertificates internal certificates;
    ReleaseDecisions internal decisions;
    CheckNotes internal notes;
    EvidenceLog internal log;
    Inbox internal inbox;

    Officer internal founder1;
    Officer internal founder2;
    Officer internal founder3;
    Officer internal broker;
    Officer internal rival;
    Officer internal committee;
    Officer internal documents;
    Officer internal inspector;
    Officer internal releasing;
    Officer internal releasing2;
    Officer internal supervisor;
    Officer internal gate;
    Officer internal sequencer;
    Officer internal auditor;
    Officer internal holder;
    Officer internal system;
    Officer internal witness1;
    Officer internal witness2;

    bytes private _refusal;

    function setUp() public virtual {
        vm.warp(START);
        deployVerifiers();
        _found();
        uint256 nonce = vm.getNonce(address(this));
        address expected = vm.computeCreateAddress(address(this), nonce + 1);
        certificates = MaterialCertificates(deploy("MaterialCertificates", abi.encode(consortium, expected)));
        decisions = ReleaseDecisions(deploy("ReleaseDecisions", abi.encode(consortium, certificates)));
        notes = CheckNotes(deploy("CheckNotes", abi.encode(consortium, certificates)));
        log = EvidenceLog(deploy("EvidenceLog", abi.encode(consortium)));
        inbox = Inbox(deploy("Inbox", ""));
        _populate();
    }

    /// @dev The next statement that is sent must be refused for this reason.
    function refuse(bytes memory reason) internal {
        _refusal = reason;
    }

    /// @dev Stands right before a statement is sent: `expectRevert` means the next call, and hashing is one.
    function _send() private {
        if (_refusal.length == 0) return;
        vm.expectRevert(_refusal);
        delete _refusal;
    }

    // ------------------------------------------------------------------------------------------------- consortium

    function changeOf(Organisation[] memory organisations, KeyGrant[] memory grants, bytes32[] memory revocations)
        internal
        view
        returns (ConsortiumChange memory)
    {
        return ConsortiumChange(consortium.sequence() + 1, organisations, grants, revocations);
    }

    function emptyChange() internal view returns (ConsortiumChange memory) {
        return changeOf(new Organisation[](0), new KeyGrant[](0), new bytes32[](0));
    }

    function admission(bytes32 organisation, uint256 roles) internal view returns (ConsortiumChange memory change) {
        change = emptyChange();
        change.organisations = new Organisation[](1);
        change.organisations[0] = Organisation(organisation, roles, START, END);
    }

    function grantOf(Officer memory officer) internal pure returns (KeyGrant memory) {
        return KeyGrant(officer.organisation, officer.id, officer.signer, officer.roles, START, END);
    }

    function granting(Officer memory officer) internal view returns (ConsortiumChange memory change) {
        change = emptyChange();
        change.grants = new KeyGrant[](1);
        change.grants[0] = grantOf(officer);
    }

    function revoking(Officer memory officer) internal view returns (ConsortiumChange memory change) {
        change = emptyChange();
        change.revocations = new bytes32[](1);
        change.revocations[0] = keyOf(officer);
    }

    function apply_(ConsortiumChange memory change) internal {
        Signed[] memory signatures = signedByFounders(change);
        _send();
        consortium.change(change, signatures);
    }

    function replacementOf(Officer memory founder, Officer memory successor)
        internal
        view
        returns (FounderReplacement memory)
    {
        return FounderReplacement(consortium.sequence() + 1, founder.organisation, successor.signer);
    }

    function replace(FounderReplacement memory statement, Officer memory first, Officer memory second) internal {
        bytes32 digest = consortium.hashFounderReplacement(statement);
        Signed[] memory signatures = pair(sign(first, digest), sign(second, digest));
        _send();
        consortium.replaceFounder(statement, signatures);
    }

    function signedByFounders(ConsortiumChange memory change) internal view returns (Signed[] memory) {
        bytes32 digest = consortium.hashConsortiumChange(change);
        return pair(sign(founder1, digest), sign(founder2, digest));
    }

    function keyOf(Officer memory officer) internal pure returns (bytes32) {
        return keccak256(officer.signer);
    }

    function pair(Signed memory first, Signed memory second) internal pure returns (Signed[] memory both) {
        both = new Signed[](2);
        (both[0], both[1]) = (first, second);
    }

    function alone(Signed memory only) internal pure returns (Signed[] memory one) {
        one = new Signed[](1);
        one[0] = only;
    }

    function domainOf(address verifyingContract) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Piste"),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
    }

    // ----------------------------------------------------------------------------------------------- certificates

    function contentOf(bytes32 subject, uint32 version) internal pure returns (bytes32) {
        return keccak256(abi.encode("content", subject, version));
    }

    function submission(bytes32 certificate, uint32 version) internal view returns (CertificateSubmission memory) {
        return CertificateSubmission({
            certificate: certificate,
            version: version,
            contentHash: contentOf(certificate, version),
            linesRoot: Lists.root(certificate, goodsList()),
            holder: HOLDER,
            validFrom: START,
            validUntil: START + 180 days,
            signedAt: uint64(block.timestamp)
        });
    }

    function submit(CertificateSubmission memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, certificates.hashCertificateSubmission(statement));
        _send();
        certificates.submit(statement, signed);
    }

    function reviewOf(bytes32 certificate, uint32 version, uint8 party, uint8 verdict)
        internal
        view
        returns (CertificateReview memory)
    {
        return CertificateReview({
            certificate: certificate,
            version: version,
            contentHash: contentOf(certificate, version),
            party: party,
            verdict: verdict,
            reasonHash: "in order",
            signedAt: uint64(block.timestamp)
        });
    }

    function review(CertificateReview memory statement, Officer memory by) internal {
        review(statement, new CarriedLine[](0), by);
    }

    function review(CertificateReview memory statement, CarriedLine[] memory carried, Officer memory by) internal {
        Signed memory signed = sign(by, certificates.hashCertificateReview(statement));
        _send();
        certificates.review(statement, carried, signed);
    }

    function carry(bytes32 certificate, uint32 version, CarriedLine[] memory entries) internal {
        _send();
        certificates.carry(certificate, version, entries);
    }

    /// @dev An amendment with this list of goods.
    function amending(bytes32 certificate, uint32 version, GoodsLine[] memory list)
        internal
        view
        returns (CertificateSubmission memory statement)
    {
        statement = submission(certificate, version);
        statement.linesRoot = Lists.root(certificate, list);
    }

    function carriedFrom(bytes32 certificate, GoodsLine[] memory list, uint32 line)
        internal
        pure
        returns (CarriedLine memory)
    {
        return CarriedLine(line, list[line - 1].ceiling, Lists.proof(certificate, list, line - 1));
    }

    function lines(CarriedLine memory only) internal pure returns (CarriedLine[] memory list) {
        list = new CarriedLine[](1);
        list[0] = only;
    }

    function lines(CarriedLine memory first, CarriedLine memory second)
        internal
        pure
        returns (CarriedLine[] memory list)
    {
        list = new CarriedLine[](2);
        (list[0], list[1]) = (first, second);
    }

    function delegationTo(Officer memory to, bytes32 certificate, uint32 sequence)
        internal
        view
        returns (CertificateDelegation memory)
    {
        return CertificateDelegation(
            certificate, to.organisation, sequence, START, START + 90 days, uint64(block.timestamp)
        );
    }

    function delegate(CertificateDelegation memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, certificates.hashCertificateDelegation(statement));
        _send();
        certificates.delegate(statement, signed);
    }

    function revocation(bytes32 certificate, uint32 version) internal view returns (CertificateRevocation memory) {
        return CertificateRevocation(certificate, version, "misused", uint64(block.timestamp));
    }

    function revoke(CertificateRevocation memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, certificates.hashCertificateRevocation(statement));
        _send();
        certificates.revoke(statement, signed);
    }

    function activate(bytes32 certificate, Officer memory by) internal {
        submit(submission(certificate, 1), by);
        review(reviewOf(certificate, 1, COMMITTEE_PARTY, CONFIRM), committee);
        review(reviewOf(certificate, 1, CUSTOMS_PARTY, CONFIRM), documents);
    }

    // ----------------------------------------------------------------------------------------------- declarations

    function drawOf(bytes32 certificate, uint32 line, uint128 quantity) internal pure returns (Draw memory) {
        return Draw(certificate, line, goodsList()[line - 1].unit, quantity);
    }

    function draws(Draw memory only) internal pure returns (Draw[] memory list) {
        list = new Draw[](1);
        list[0] = only;
    }

    function draws(Draw memory first, Draw memory second) internal pure returns (Draw[] memory list) {
        list = new Draw[](2);
        (list[0], list[1]) = (first, second);
    }

    function proofsOf(Draw[] memory list) internal pure returns (LineProof[] memory proofs) {
        GoodsLine[] memory entries = goodsList();
        proofs = new LineProof[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 index = list[i].line - 1;
            proofs[i] = LineProof(entries[index].ceiling, Lists.proof(list[i].certificate, entries, index));
        }
    }

    function filing(bytes32 declaration, uint32 version, Draw[] memory list)
        internal
        view
        returns (DeclarationFiling memory)
    {
        return DeclarationFiling(declaration, version, contentOf(declaration, version), list, uint64(block.timestamp));
    }

    function file(DeclarationFiling memory statement, Officer memory by) internal {
        fileWith(statement, proofsOf(statement.draws), by);
    }

    function fileWith(DeclarationFiling memory statement, LineProof[] memory proofs, Officer memory by) internal {
        Signed memory signed = sign(by, certificates.hashDeclarationFiling(statement));
        _send();
        certificates.file(statement, proofs, signed);
    }

    function withdrawal(bytes32 declaration, uint32 version) internal view returns (DeclarationWithdrawal memory) {
        return DeclarationWithdrawal(declaration, version, "not shipped", uint64(block.timestamp));
    }

    function withdraw(DeclarationWithdrawal memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, certificates.hashDeclarationWithdrawal(statement));
        _send();
        certificates.withdraw(statement, signed);
    }

    function assertLine(bytes32 certificate, uint32 line, uint128 reserved, uint128 committed) internal view {
        (uint128 reserved_, uint128 committed_) = certificates.line(certificate, line);
        assertEq(reserved_, reserved);
        assertEq(committed_, committed);
    }

    // ------------------------------------------------------------------------------------------------ check notes

    function itemsOf(NoteItem memory only) internal pure returns (NoteItem[] memory list) {
        list = new NoteItem[](1);
        list[0] = only;
    }

    function opening(bytes32 note, uint8 gates, NoteItem[] memory items)
        internal
        view
        returns (CheckNoteOpening memory)
    {
        return opening(note, gates, MANY_VEHICLES, items);
    }

    function opening(bytes32 note, uint8 gates, uint8 binding, NoteItem[] memory items)
        internal
        view
        returns (CheckNoteOpening memory)
    {
        return CheckNoteOpening(note, contentOf(note, 1), gates, binding, items, uint64(block.timestamp));
    }

    function open(CheckNoteOpening memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, notes.hashCheckNoteOpening(statement));
        _send();
        notes.open(statement, signed);
    }

    function approve(bytes32 note, Officer memory by) internal {
        CheckNoteApproval memory statement = CheckNoteApproval(note, contentOf(note, 1), uint64(block.timestamp));
        Signed memory signed = sign(by, notes.hashCheckNoteApproval(statement));
        _send();
        notes.approve(statement, signed);
    }

    function pass(bytes32 note, uint8 number, Officer memory by) internal {
        GatePassage memory statement = GatePassage(note, number, "barrier up", uint64(block.timestamp));
        Signed memory signed = sign(by, notes.hashGatePassage(statement));
        _send();
        notes.pass(statement, signed);
    }

    function void_(bytes32 note, Officer memory by) internal {
        CheckNoteVoiding memory statement = CheckNoteVoiding(note, "no vehicle", uint64(block.timestamp));
        Signed memory signed = sign(by, notes.hashCheckNoteVoiding(statement));
        _send();
        notes.void_(statement, signed);
    }

    // -------------------------------------------------------------------------------------------------- decisions

    function reportOf(bytes32 declaration, uint32 version, uint32 sequence, uint8 result)
        internal
        view
        returns (ExaminationReport memory)
    {
        return ExaminationReport(declaration, version, sequence, result, "pictures", uint64(block.timestamp));
    }

    function report(ExaminationReport memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, decisions.hashExaminationReport(statement));
        _send();
        decisions.report(statement, signed);
    }

    function dispositionOf(bytes32 declaration, uint32 version, uint32 sequence, uint8 outcome)
        internal
        view
        returns (Disposition memory)
    {
        return Disposition(declaration, version, sequence, outcome, "findings", uint64(block.timestamp));
    }

    function dispose(Disposition memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, decisions.hashDisposition(statement));
        _send();
        decisions.dispose(statement, signed);
    }

    function decisionOf(bytes32 declaration, uint32 version, uint8 channel, uint8 outcome)
        internal
        view
        returns (ReleaseDecision memory)
    {
        return ReleaseDecision({
            declaration: declaration,
            version: version,
            contentHash: contentOf(declaration, version),
            channel: channel,
            outcome: outcome,
            rule: channel == GREEN ? RULE : bytes32(0),
            evidenceHash: "file",
            decideBy: uint64(block.timestamp) + 1 hours,
            signedAt: uint64(block.timestamp)
        });
    }

    function correctionOf(bytes32 declaration, uint32 version, uint8 outcome)
        internal
        view
        returns (DecisionCorrection memory)
    {
        return DecisionCorrection({
            declaration: declaration,
            version: version,
            corrects: decisions.decisionStatement(declaration),
            outcome: outcome,
            reasonHash: "found out later",
            evidenceHash: "second file",
            decideBy: uint64(block.timestamp) + 1 hours,
            signedAt: uint64(block.timestamp)
        });
    }

    function correct(DecisionCorrection memory statement, Officer memory first, Officer memory second) internal {
        bytes32 digest = decisions.hashDecisionCorrection(statement);
        Signed[] memory signatures = pair(sign(first, digest), sign(second, digest));
        _send();
        decisions.correct(statement, signatures);
    }

    function ruleOf(bytes32 rule, uint32 version, uint32 mostReleases) internal view returns (ReleaseRule memory) {
        return ReleaseRule({
            rule: rule,
            version: version,
            contentHash: contentOf(rule, version),
            system: system.id,
            mostReleases: mostReleases,
            validFrom: START,
            validUntil: START + 30 days,
            signedAt: uint64(block.timestamp)
        });
    }

    function enact(ReleaseRule memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, decisions.hashReleaseRule(statement));
        _send();
        decisions.enact(statement, signed);
    }

    function repeal(bytes32 rule, uint32 version, Officer memory by) internal {
        ReleaseRuleRepeal memory statement =
            ReleaseRuleRepeal(rule, version, "too many seals broken", uint64(block.timestamp));
        Signed memory signed = sign(by, decisions.hashReleaseRuleRepeal(statement));
        _send();
        decisions.repeal(statement, signed);
    }

    function decide(ReleaseDecision memory statement, Officer memory by) internal {
        Signed[] memory signatures = alone(sign(by, decisions.hashReleaseDecision(statement)));
        _send();
        decisions.decide(statement, signatures);
    }

    function decide(ReleaseDecision memory statement, Officer memory first, Officer memory second) internal {
        bytes32 digest = decisions.hashReleaseDecision(statement);
        Signed[] memory signatures = pair(sign(first, digest), sign(second, digest));
        _send();
        decisions.decide(statement, signatures);
    }

    // ----------------------------------------------------------------------------------------------- evidence log

    function anchor(EvidenceLog to, Checkpoint memory statement, bytes32[] memory proof, Officer memory by) internal {
        Signed memory signed = sign(by, to.hashCheckpoint(statement));
        _send();
        to.anchor(statement, proof, signed);
    }

    function witness(EvidenceLog to, CheckpointWitness memory statement, Officer memory by) internal {
        Signed memory signed = sign(by, to.hashCheckpointWitness(statement));
        _send();
        to.witness(statement, signed);
    }

    // --------------------------------------------------------------------------------------------------- founding

    function _found() private {
        founder1 = newOfficer(Kind.Secp256k1, "founder 1", "committee member", 0);
        founder2 = newOfficer(Kind.P256, "founder 2", "customs member", 0);
        founder3 = newOfficer(Kind.Passkey, "founder 3", "bureau member", 0);
        consortium = Consortium(deploy("Consortium", abi.encode(founders(), uint8(2))));
    }

    function founders() internal view returns (FoundingMember[] memory list) {
        list = new FoundingMember[](3);
        list[0] = FoundingMember(founder1.organisation, founder1.signer);
        list[1] = FoundingMember(founder2.organisation, founder2.signer);
        list[2] = FoundingMember(founder3.organisation, founder3.signer);
    }

    function _populate() private {
        broker = newOfficer(Kind.Secp256k1, "broker", FIRM, Roles.BROKER);
        rival = newOfficer(Kind.Secp256k1, "rival broker", RIVAL, Roles.BROKER);
        committee = newOfficer(Kind.Passkey, "committee", OCOG, Roles.COMMITTEE);
        documents = newOfficer(Kind.P256, "documents officer", CUSTOMS, Roles.DOCUMENTS_OFFICER);
        inspector = newOfficer(Kind.Secp256k1, "inspector", CUSTOMS, Roles.INSPECTOR | Roles.RELEASING_OFFICER);
        releasing = newOfficer(Kind.Secp256k1, "releasing officer", CUSTOMS, Roles.RELEASING_OFFICER);
        releasing2 = newOfficer(Kind.Passkey, "second releasing officer", CUSTOMS, Roles.RELEASING_OFFICER);
        supervisor = newOfficer(Kind.Secp256k1, "supervisor", CUSTOMS, Roles.SUPERVISOR);
        gate = newOfficer(Kind.Secp256k1, "gate", CUSTOMS, Roles.GATE);
        sequencer = newOfficer(Kind.Secp256k1, "sequencer", OPERATOR, Roles.LOG);
        auditor = newOfficer(Kind.Secp256k1, "auditor", CUSTOMS, Roles.AUDITOR);
        holder = newOfficer(Kind.Passkey, "team manager", HOLDER, Roles.HOLDER);
        system = newOfficer(Kind.Secp256k1, "green system", OPERATOR, Roles.SYSTEM);
        witness1 = newOfficer(Kind.Secp256k1, "customs witness", CUSTOMS, Roles.WITNESS);
        witness2 = newOfficer(Kind.P256, "committee witness", OCOG, Roles.WITNESS);

        Organisation[] memory organisations = new Organisation[](6);
        organisations[0] = Organisation(FIRM, Roles.BROKER, START, END);
        organisations[1] = Organisation(RIVAL, Roles.BROKER, START, END);
        organisations[2] = Organisation(OCOG, Roles.COMMITTEE | Roles.WITNESS, START, END);
        organisations[3] = Organisation(CUSTOMS, Roles.ALL & ~(Roles.BROKER | Roles.COMMITTEE | Roles.LOG), START, END);
        organisations[4] = Organisation(OPERATOR, Roles.LOG | Roles.SYSTEM, START, END);
        organisations[5] = Organisation(HOLDER, Roles.HOLDER, START, END);
        KeyGrant[] memory grants = new KeyGrant[](15);
        grants[0] = grantOf(broker);
        grants[1] = grantOf(rival);
        grants[2] = grantOf(committee);
        grants[3] = grantOf(documents);
        grants[4] = grantOf(inspector);
        grants[5] = grantOf(releasing);
        grants[6] = grantOf(releasing2);
        grants[7] = grantOf(supervisor);
        grants[8] = grantOf(gate);
        grants[9] = grantOf(sequencer);
        grants[10] = grantOf(auditor);
        grants[11] = grantOf(holder);
        grants[12] = grantOf(system);
        grants[13] = grantOf(witness1);
        grants[14] = grantOf(witness2);
        apply_(changeOf(organisations, grants, new bytes32[](0)));
    }
}
