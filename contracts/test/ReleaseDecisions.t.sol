// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "../Consortium.sol";
import {MaterialCertificates} from "../MaterialCertificates.sol";
import {Disposition, ExaminationReport, ReleaseDecision, ReleaseDecisions} from "../ReleaseDecisions.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title Examination, disposition, decision
contract ReleaseDecisionsTest is World {
    function setUp() public override {
        super.setUp();
        activate(LETTER, broker);
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6))), broker);
    }

    function test_TheCertificatesMustExpectThisAddress() public {
        bytes memory refusal = abi.encodePacked(ReleaseDecisions.ReleaseDecisionsAddressWrong.selector);
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectRevert(abi.encodePacked(refusal, abi.encode(address(decisions), next)));
        new ReleaseDecisions(consortium, certificates);
        assertEq(address(decisions.certificates()), address(certificates));
    }

    // -------------------------------------------------------------------------------- examination and disposition

    function test_AReportIsRecorded() public {
        ExaminationReport memory statement = reportOf(ENTRY, 1, 1, NOT_CONFORM);
        Signed memory by = sign(inspector, decisions.hashExaminationReport(statement));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.ExaminationReported(ENTRY, 1, 1, NOT_CONFORM, inspector.id);
        decisions.report(statement, by);
        ReleaseDecisions.CaseRecord memory record = decisions.caseOf(ENTRY);
        assertEq(record.reports, 1);
        assertEq(record.lastResult, NOT_CONFORM);
        assertEq(record.examinedVersion, 1);
        assertTrue(decisions.isInspector(ENTRY, inspector.id), "inspector");
        assertTrue(!decisions.isInspector(ENTRY, releasing.id), "not inspector");
    }

    function test_ADispositionIsRecorded(uint8 who, uint8 outcome) public {
        Officer[3] memory officers = [releasing, supervisor, documents];
        Officer memory officer = officers[who % 3];
        outcome = uint8(within(outcome, 1, 9));
        Disposition memory statement = dispositionOf(ENTRY, 1, 1, outcome);
        Signed memory by = sign(officer, decisions.hashDisposition(statement));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.DispositionTaken(ENTRY, 1, 1, outcome, officer.id);
        decisions.dispose(statement, by);
        assertEq(decisions.caseOf(ENTRY).dispositions, 1);
        assertEq(decisions.caseOf(ENTRY).lastOutcome, outcome);
    }

    function test_ReportsAndDispositionsAreCountedOnTheirOwn(uint32 sequence) public {
        vm.assume(sequence > 2);
        refuse(_sequenceWrong(1, sequence));
        report(reportOf(ENTRY, 1, sequence, CONFORM), inspector);
        refuse(_sequenceWrong(1, sequence));
        dispose(dispositionOf(ENTRY, 1, sequence, 5), releasing);
        report(reportOf(ENTRY, 1, 1, NOT_CONFORM), inspector);
        dispose(dispositionOf(ENTRY, 1, 1, 5), releasing);
        refuse(_sequenceWrong(2, 1));
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        report(reportOf(ENTRY, 1, 2, CONFORM), inspector);
        dispose(dispositionOf(ENTRY, 1, 2, 1), releasing);
    }

    function test_CodesAreKnown(uint8 code) public {
        if (code < 1 || code > 2) {
            refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsResultUnknown.selector, code));
            report(reportOf(ENTRY, 1, 1, code), inspector);
        }
        if (code < 1 || code > 9) {
            refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOutcomeUnknown.selector, code));
            dispose(dispositionOf(ENTRY, 1, 1, code), releasing);
        }
        if (code < 1 || code > 3) {
            refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsChannelUnknown.selector, code));
            decide(decisionOf(ENTRY, 1, code, RELEASE), releasing);
        }
        if (code != 1 && code != 7 && code != 9) {
            refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOutcomeNotFinal.selector, code));
            decide(decisionOf(ENTRY, 1, YELLOW, code), releasing);
        }
    }

    function test_OnlyWhatIsOnFileIsExaminedDisposedOfAndDecided() public {
        refuse(_versionWrong(1, 2));
        report(reportOf(ENTRY, 2, 1, CONFORM), inspector);
        refuse(_versionWrong(1, 2));
        dispose(dispositionOf(ENTRY, 2, 1, 5), releasing);
        refuse(_versionWrong(1, 2));
        decide(decisionOf(ENTRY, 2, YELLOW, RELEASE), releasing);

        withdraw(withdrawal(ENTRY, 1), broker);
        bytes memory refusal = _notFiled(MaterialCertificates.DeclarationState.Withdrawn);
        refuse(refusal);
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        refuse(refusal);
        dispose(dispositionOf(ENTRY, 1, 1, 5), releasing);
        refuse(refusal);
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
    }

    function test_EachStepNeedsItsRole() public {
        refuse(_roleMissing(releasing, Roles.INSPECTOR));
        report(reportOf(ENTRY, 1, 1, CONFORM), releasing);
        uint256 disposers = Roles.RELEASING_OFFICER | Roles.SUPERVISOR | Roles.DOCUMENTS_OFFICER;
        refuse(_roleMissing(auditor, disposers));
        dispose(dispositionOf(ENTRY, 1, 1, 5), auditor);
        refuse(_roleMissing(supervisor, Roles.RELEASING_OFFICER));
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), supervisor);
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        refuse(_roleMissing(documents, Roles.RELEASING_OFFICER | Roles.SUPERVISOR));
        decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, documents);
    }

    // ---------------------------------------------------------------------------------------------------- decision

    function test_AYellowReleaseCommits() public {
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        bytes32 digest = decisions.hashReleaseDecision(statement);
        Signed[] memory signatures = alone(sign(releasing, digest));
        vm.expectEmit(address(decisions));
        emit StatementRegister.StatementRecorded(digest, ENTRY, CUSTOMS, keyOf(releasing));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.DecisionTaken(ENTRY, 1, YELLOW, RELEASE, "file", 0);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineCommitted(LETTER, 1, ENTRY, 3e6, 0, 3e6);
        decisions.decide(statement, signatures);

        ReleaseDecisions.DecisionRecord memory record = decisions.decision(ENTRY);
        assertEq(decisions.decisionStatement(ENTRY), digest);
        assertEq(keccak256(abi.encode(decisions.decisionOf(digest))), keccak256(abi.encode(record)));
        assertEq(record.evidenceHash, "file");
        assertEq(record.officer, releasing.id);
        assertEq(record.secondOfficer, 0);
        assertEq(record.decidedAt, START);
        assertEq(record.version, 1);
        assertEq(record.channel, YELLOW);
        assertEq(record.outcome, RELEASE);
        assertLine(LETTER, 1, 0, 3e6);
        _assertState(MaterialCertificates.DeclarationState.Released);
    }

    function test_GoodsThatAreTurnedAwayGiveBack(bool destroyed, bool red) public {
        ReleaseDecision memory statement =
            decisionOf(ENTRY, 1, red ? RED : YELLOW, destroyed ? DESTROY : RETURN_SHIPMENT);
        if (red) {
            report(reportOf(ENTRY, 1, 1, NOT_CONFORM), inspector);
            decide(statement, releasing, supervisor);
        } else {
            decide(statement, releasing);
        }
        assertLine(LETTER, 1, 0, 0);
        _assertState(MaterialCertificates.DeclarationState.Denied);
        assertEq(decisions.decision(ENTRY).outcome, statement.outcome);
    }

    function test_ThereIsOneDecision(uint8 outcome) public {
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        uint8[3] memory outcomes = [RELEASE, RETURN_SHIPMENT, DESTROY];
        ReleaseDecision memory second = decisionOf(ENTRY, 1, YELLOW, outcomes[outcome % 3]);
        second.evidenceHash = "another file";
        refuse(_notFiled(MaterialCertificates.DeclarationState.Released));
        decide(second, releasing);
        refuse(
            abi.encodeWithSelector(
                StatementRegister.StatementRegisterAlreadyRecorded.selector,
                decisions.hashReleaseDecision(decisionOf(ENTRY, 1, YELLOW, RELEASE)),
                block.number
            )
        );
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
    }

    function test_TheContentIsThatOnFile(bytes32 content) public {
        vm.assume(content != contentOf(ENTRY, 1));
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        statement.contentHash = content;
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsContentDiffers.selector, ENTRY, 1, content));
        decide(statement, releasing);
    }

    function test_GreenNeedsARuleInForce() public {
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsGreenRuleMissing.selector, ENTRY));
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), releasing);
    }

    function test_ExaminedGoodsAreRed(uint8 channel) public {
        channel = uint8(within(channel, GREEN, YELLOW));
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsChannelNotRed.selector, ENTRY, channel, 1));
        decide(decisionOf(ENTRY, 1, channel, RELEASE), releasing);
    }

    function test_TheChannelSaysHowManySign(uint8 count) public {
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        Signed[] memory signatures = new Signed[](count);
        if (count != 1) {
            vm.expectRevert(_signaturesWrong(YELLOW, 1, count));
            decisions.decide(statement, signatures);
        }
        if (count != 2) {
            statement.channel = RED;
            vm.expectRevert(_signaturesWrong(RED, 2, count));
            decisions.decide(statement, signatures);
        }
    }

    function test_RedTakesTwoOfficersInEitherOrder(uint8 who) public {
        Officer[2][4] memory pairs =
            [[releasing, supervisor], [supervisor, releasing], [releasing, releasing2], [releasing2, supervisor]];
        Officer[2] memory both = pairs[who % 4];
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        decide(decisionOf(ENTRY, 1, RED, RELEASE), both[0], both[1]);
        assertEq(decisions.decision(ENTRY).officer, both[0].id);
        assertEq(decisions.decision(ENTRY).secondOfficer, both[1].id);
        assertLine(LETTER, 1, 0, 3e6);
    }

    function test_RedTakesAReleasingOfficer() public {
        Officer memory supervisor2 = newOfficer(Kind.P256, "supervisor 2", CUSTOMS, Roles.SUPERVISOR);
        apply_(granting(supervisor2));
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsReleasingOfficerMissing.selector, ENTRY));
        decide(decisionOf(ENTRY, 1, RED, RELEASE), supervisor, supervisor2);
    }

    function test_OneOfficerWithTwoKeysIsOneOfficer() public {
        Officer memory spare = newOfficer(Kind.P256, "spare key", CUSTOMS, Roles.RELEASING_OFFICER | Roles.SUPERVISOR);
        spare.id = releasing.id;
        apply_(granting(spare));
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        bytes memory refusal =
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOfficerRepeated.selector, releasing.id);
        refuse(refusal);
        decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, spare);
        refuse(refusal);
        decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, releasing);
    }

    function test_WhoExaminedDoesNotDecide(bool first) public {
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsInspectorDecides.selector, ENTRY, inspector.id));
        decide(decisionOf(ENTRY, 1, RED, RELEASE), first ? inspector : supervisor, first ? supervisor : inspector);
    }

    function test_WhoExaminedOtherGoodsMayDecide() public {
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), inspector);
        assertEq(decisions.decision(ENTRY).officer, inspector.id);
    }

    function test_RedIsReleasedOnlyWhenTheLastExaminationFoundThisVersionConform() public {
        refuse(_notConform(0, 0, 0));
        decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, supervisor);
        report(reportOf(ENTRY, 1, 1, NOT_CONFORM), inspector);
        refuse(_notConform(1, NOT_CONFORM, 1));
        decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, supervisor);
        report(reportOf(ENTRY, 1, 2, CONFORM), inspector);
        file(filing(ENTRY, 2, draws(drawOf(LETTER, 1, 4e6))), broker);
        refuse(_notConform(2, CONFORM, 1));
        decide(decisionOf(ENTRY, 2, RED, RELEASE), releasing, supervisor);
        report(reportOf(ENTRY, 2, 3, CONFORM), inspector);
        decide(decisionOf(ENTRY, 2, RED, RELEASE), releasing, supervisor);
        assertLine(LETTER, 1, 0, 4e6);
    }

    function test_ARevokedKeyCannotDecide() public {
        apply_(revoking(releasing));
        refuse(abi.encodeWithSelector(Consortium.ConsortiumKeyRevoked.selector, keyOf(releasing), START));
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
    }

    function test_ASignatureIsForOneDecision() public {
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        Signed[] memory signatures = alone(sign(releasing, decisions.hashReleaseDecision(statement)));
        statement.evidenceHash = "forged";
        vm.expectRevert(
            abi.encodeWithSelector(
                Consortium.ConsortiumSignatureWrong.selector, keyOf(releasing), decisions.hashReleaseDecision(statement)
            )
        );
        decisions.decide(statement, signatures);
    }

    function test_TheDigestsAreThoseOfEip712() public view {
        ExaminationReport memory examined = reportOf(ENTRY, 1, 2, 1);
        bytes32 reportType = keccak256(
            "ExaminationReport(bytes32 declaration,uint32 version,uint32 sequence,uint8 result,bytes32 evidenceHash,"
            "uint64 signedAt)"
        );
        assertEq(decisions.hashExaminationReport(examined), _digest(keccak256(abi.encode(reportType, examined))));
        Disposition memory disposed = dispositionOf(ENTRY, 1, 2, 3);
        bytes32 dispositionType = keccak256(
            "Disposition(bytes32 declaration,uint32 version,uint32 sequence,uint8 outcome,bytes32 evidenceHash,"
            "uint64 signedAt)"
        );
        assertEq(decisions.hashDisposition(disposed), _digest(keccak256(abi.encode(dispositionType, disposed))));
        ReleaseDecision memory decided = decisionOf(ENTRY, 1, 2, 1);
        bytes32 decisionType = keccak256(
            "ReleaseDecision(bytes32 declaration,uint32 version,bytes32 contentHash,uint8 channel,uint8 outcome,"
            "bytes32 rule,bytes32 evidenceHash,uint64 decideBy,uint64 signedAt)"
        );
        assertEq(decisions.hashReleaseDecision(decided), _digest(keccak256(abi.encode(decisionType, decided))));
    }

    function _assertState(MaterialCertificates.DeclarationState state) private view {
        (MaterialCertificates.DeclarationState actual,) = certificates.versionOf(ENTRY);
        assertEq(uint8(actual), uint8(state));
    }

    function _digest(bytes32 message) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(decisions)), message));
    }

    function _sequenceWrong(uint32 expected, uint32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsSequenceWrong.selector, ENTRY, expected, given);
    }

    function _versionWrong(uint32 expected, uint32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsVersionWrong.selector, ENTRY, expected, given);
    }

    function _notFiled(MaterialCertificates.DeclarationState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsNotFiled.selector, ENTRY, state);
    }

    function _notConform(uint32 reports, uint8 result, uint32 version) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                ReleaseDecisions.ReleaseDecisionsNotConform.selector, ENTRY, reports, result, version
            );
    }

    function _signaturesWrong(uint8 channel, uint256 needed, uint256 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsSignaturesWrong.selector, channel, needed, given);
    }

    function _roleMissing(Officer memory officer, uint256 needed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Consortium.ConsortiumRoleMissing.selector, keyOf(officer), officer.roles, needed);
    }
}
