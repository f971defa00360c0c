// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "../Consortium.sol";
import {MaterialCertificates} from "../MaterialCertificates.sol";
import {
    Disposition, ExaminationReport, ReleaseDecision, ReleaseDecisions
} from "../ReleaseDecisions.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title Examination, disposition, decision
contract ReleaseDecisionsTest is World {
    function setUp() public override {
        super.setUp();
        this.activate(LETTER, broker);
        this.file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6))), broker);
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
        vm.expectRevert(_sequenceWrong(1, sequence));
        this.report(reportOf(ENTRY, 1, sequence, CONFORM), inspector);
        vm.expectRevert(_sequenceWrong(1, sequence));
        this.dispose(dispositionOf(ENTRY, 1, sequence, 5), releasing);
        this.report(reportOf(ENTRY, 1, 1, NOT_CONFORM), inspector);
        this.dispose(dispositionOf(ENTRY, 1, 1, 5), releasing);
        vm.expectRevert(_sequenceWrong(2, 1));
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        this.report(reportOf(ENTRY, 1, 2, CONFORM), inspector);
        this.dispose(dispositionOf(ENTRY, 1, 2, 1), releasing);
    }

    function test_CodesAreKnown(uint8 code) public {
        if (code < 1 || code > 2) {
            vm.expectRevert(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsResultUnknown.selector, code));
            this.report(reportOf(ENTRY, 1, 1, code), inspector);
        }
        if (code < 1 || code > 9) {
            vm.expectRevert(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOutcomeUnknown.selector, code));
            this.dispose(dispositionOf(ENTRY, 1, 1, code), releasing);
        }
        if (code < 1 || code > 3) {
            vm.expectRevert(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsChannelUnknown.selector, code));
            this.decide(decisionOf(ENTRY, 1, code, RELEASE), releasing);
        }
        if (code != 1 && code != 7 && code != 9) {
            vm.expectRevert(
                abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOutcomeNotFinal.selector, code)
            );
            this.decide(decisionOf(ENTRY, 1, YELLOW, code), releasing);
        }
    }

    function test_OnlyWhatIsOnFileIsExaminedDisposedOfAndDecided() public {
        vm.expectRevert(_versionWrong(1, 2));
        this.report(reportOf(ENTRY, 2, 1, CONFORM), inspector);
        vm.expectRevert(_versionWrong(1, 2));
        this.dispose(dispositionOf(ENTRY, 2, 1, 5), releasing);
        vm.expectRevert(_versionWrong(1, 2));
        this.decide(decisionOf(ENTRY, 2, YELLOW, RELEASE), releasing);

        this.withdraw(withdrawal(ENTRY, 1), broker);
        bytes memory refusal = _notFiled(MaterialCertificates.DeclarationState.Withdrawn);
        vm.expectRevert(refusal);
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        vm.expectRevert(refusal);
        this.dispose(dispositionOf(ENTRY, 1, 1, 5), releasing);
        vm.expectRevert(refusal);
        this.decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
    }

    function test_EachStepNeedsItsRole() public {
        vm.expectRevert(_roleMissing(releasing, Roles.INSPECTOR));
        this.report(reportOf(ENTRY, 1, 1, CONFORM), releasing);
        uint256 disposers = Roles.RELEASING_OFFICER | Roles.SUPERVISOR | Roles.DOCUMENTS_OFFICER;
        vm.expectRevert(_roleMissing(auditor, disposers));
        this.dispose(dispositionOf(ENTRY, 1, 1, 5), auditor);
        vm.expectRevert(_roleMissing(supervisor, Roles.RELEASING_OFFICER));
        this.decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), supervisor);
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        vm.expectRevert(_roleMissing(documents, Roles.RELEASING_OFFICER | Roles.SUPERVISOR));
        this.decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, documents);
    }

    // ---------------------------------------------------------------------------------------------------- decision

    function test_AYellowReleaseCommits() public {
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        bytes32 digest = decisions.hashReleaseDecision(statement);
        Signed[] memory signatures = alone(sign(releasing, digest));
        vm.expectEmit(address(decisions));
        emit StatementRegister.StatementRecorded(digest, ENTRY, CUSTOMS, keyOf(releasing));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.DecisionTaken(ENTRY, 1, YELLOW, RELEASE, "file");
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineCommitted(LETTER, 1, ENTRY, 3e6, 0, 3e6);
        decisions.decide(statement, signatures);

        ReleaseDecisions.DecisionRecord memory record = decisions.decision(ENTRY);
        assertEq(record.statement, digest);
        assertEq(record.evidenceHash, "file");
        assertEq(record.officer, releasing.id);
        assertEq(record.secondOfficer, 0);
        assertEq(record.decidedAt, START);
        assertEq(record.version, 1);
        assertEq(record.channel, YELLOW);
        assertEq(record.outcome, RELEASE);
        assertLine(LETTER, 1, 0, 3e6);
        assertEq(
            uint8(certificates.declaration(ENTRY).state), uint8(MaterialCertificates.DeclarationState.Released)
        );
    }

    function test_GoodsThatAreTurnedAwayGiveBack(bool destroyed, bool red) public {
        ReleaseDecision memory statement =
            decisionOf(ENTRY, 1, red ? RED : YELLOW, destroyed ? DESTROY : RETURN_SHIPMENT);
        if (red) {
            this.report(reportOf(ENTRY, 1, 1, NOT_CONFORM), inspector);
            this.decide(statement, releasing, supervisor);
        } else {
            this.decide(statement, releasing);
        }
        assertLine(LETTER, 1, 0, 0);
        assertEq(
            uint8(certificates.declaration(ENTRY).state), uint8(MaterialCertificates.DeclarationState.Denied)
        );
        assertEq(decisions.decision(ENTRY).outcome, statement.outcome);
    }

    function test_ThereIsOneDecision(uint8 outcome) public {
        this.decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        uint8[3] memory outcomes = [RELEASE, RETURN_SHIPMENT, DESTROY];
        ReleaseDecision memory second = decisionOf(ENTRY, 1, YELLOW, outcomes[outcome % 3]);
        second.evidenceHash = "another file";
        vm.expectRevert(_notFiled(MaterialCertificates.DeclarationState.Released));
        this.decide(second, releasing);
        vm.expectRevert(
            abi.encodeWithSelector(
                StatementRegister.StatementRegisterAlreadyRecorded.selector,
                decisions.hashReleaseDecision(decisionOf(ENTRY, 1, YELLOW, RELEASE)),
                block.number
            )
        );
        this.decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
    }

    function test_TheContentIsThatOnFile(bytes32 content) public {
        vm.assume(content != contentOf(ENTRY, 1));
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        statement.contentHash = content;
        vm.expectRevert(
            abi.encodeWithSelector(
                ReleaseDecisions.ReleaseDecisionsContentDiffers.selector, ENTRY, contentOf(ENTRY, 1), content
            )
        );
        this.decide(statement, releasing);
    }

    function test_GreenNeedsARuleInForce() public {
        vm.expectRevert(
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsGreenRuleMissing.selector, ENTRY)
        );
        this.decide(decisionOf(ENTRY, 1, GREEN, RELEASE), releasing);
    }

    function test_ExaminedGoodsAreRed(uint8 channel) public {
        channel = uint8(within(channel, GREEN, YELLOW));
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        vm.expectRevert(
            abi.encodeWithSelector(
                ReleaseDecisions.ReleaseDecisionsChannelNotRed.selector, ENTRY, channel, 1
            )
        );
        this.decide(decisionOf(ENTRY, 1, channel, RELEASE), releasing);
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
        Officer[2][4] memory pairs = [
            [releasing, supervisor], [supervisor, releasing], [releasing, releasing2], [releasing2, supervisor]
        ];
        Officer[2] memory both = pairs[who % 4];
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        this.decide(decisionOf(ENTRY, 1, RED, RELEASE), both[0], both[1]);
        assertEq(decisions.decision(ENTRY).officer, both[0].id);
        assertEq(decisions.decision(ENTRY).secondOfficer, both[1].id);
        assertLine(LETTER, 1, 0, 3e6);
    }

    function test_RedTakesAReleasingOfficer() public {
        Officer memory supervisor2 = newOfficer(Kind.P256, "supervisor 2", CUSTOMS, Roles.SUPERVISOR);
        this.apply_(granting(supervisor2));
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        vm.expectRevert(
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsReleasingOfficerMissing.selector, ENTRY)
        );
        this.decide(decisionOf(ENTRY, 1, RED, RELEASE), supervisor, supervisor2);
    }

    function test_OneOfficerWithTwoKeysIsOneOfficer() public {
        Officer memory spare =
            newOfficer(Kind.P256, "spare key", CUSTOMS, Roles.RELEASING_OFFICER | Roles.SUPERVISOR);
        spare.id = releasing.id;
        this.apply_(granting(spare));
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        bytes memory refusal =
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOfficerRepeated.selector, releasing.id);
        vm.expectRevert(refusal);
        this.decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, spare);
        vm.expectRevert(refusal);
        this.decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, releasing);
    }

    function test_WhoExaminedDoesNotDecide(bool first) public {
        this.report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        vm.expectRevert(
            abi.encodeWithSelector(
                ReleaseDecisions.ReleaseDecisionsInspectorDecides.selector, ENTRY, inspector.id
            )
        );
        this.decide(
            decisionOf(ENTRY, 1, RED, RELEASE), first ? inspector : supervisor, first ? supervisor : inspector
        );
    }

    function test_WhoExaminedOtherGoodsMayDecide() public {
        this.decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), inspector);
        assertEq(decisions.decision(ENTRY).officer, inspector.id);
    }

    function test_RedIsReleasedOnlyWhenTheLastExaminationFoundThisVersionConform() public {
        vm.expectRevert(_notConform(0, 0, 0));
        this.decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, supervisor);
        this.report(reportOf(ENTRY, 1, 1, NOT_CONFORM), inspector);
        vm.expectRevert(_notConform(1, NOT_CONFORM, 1));
        this.decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, supervisor);
        this.report(reportOf(ENTRY, 1, 2, CONFORM), inspector);
        this.file(filing(ENTRY, 2, draws(drawOf(LETTER, 1, 4e6))), broker);
        vm.expectRevert(_notConform(2, CONFORM, 1));
        this.decide(decisionOf(ENTRY, 2, RED, RELEASE), releasing, supervisor);
        this.report(reportOf(ENTRY, 2, 3, CONFORM), inspector);
        this.decide(decisionOf(ENTRY, 2, RED, RELEASE), releasing, supervisor);
        assertLine(LETTER, 1, 0, 4e6);
    }

    function test_ARevokedKeyCannotDecide() public {
        this.apply_(revoking(releasing));
        vm.expectRevert(
            abi.encodeWithSelector(Consortium.ConsortiumKeyRevoked.selector, keyOf(releasing), START)
        );
        this.decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
    }

    function test_ASignatureIsForOneDecision() public {
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        Signed[] memory signatures = alone(sign(releasing, decisions.hashReleaseDecision(statement)));
        statement.evidenceHash = "forged";
        vm.expectRevert(
            abi.encodeWithSelector(
                Consortium.ConsortiumSignatureWrong.selector,
                keyOf(releasing),
                decisions.hashReleaseDecision(statement)
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
        assertEq(
            decisions.hashExaminationReport(examined), _digest(keccak256(abi.encode(reportType, examined)))
        );
        Disposition memory disposed = dispositionOf(ENTRY, 1, 2, 3);
        bytes32 dispositionType = keccak256(
            "Disposition(bytes32 declaration,uint32 version,uint32 sequence,uint8 outcome,bytes32 evidenceHash,"
            "uint64 signedAt)"
        );
        assertEq(
            decisions.hashDisposition(disposed), _digest(keccak256(abi.encode(dispositionType, disposed)))
        );
        ReleaseDecision memory decided = decisionOf(ENTRY, 1, 2, 1);
        bytes32 decisionType = keccak256(
            "ReleaseDecision(bytes32 declaration,uint32 version,bytes32 contentHash,uint8 channel,uint8 outcome,"
            "bytes32 evidenceHash,uint64 signedAt)"
        );
        assertEq(
            decisions.hashReleaseDecision(decided), _digest(keccak256(abi.encode(decisionType, decided)))
        );
    }

    function _digest(bytes32 message) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(decisions)), message));
    }

    function _sequenceWrong(uint32 expected, uint32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            ReleaseDecisions.ReleaseDecisionsSequenceWrong.selector, ENTRY, expected, given
        );
    }

    function _versionWrong(uint32 expected, uint32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            ReleaseDecisions.ReleaseDecisionsVersionWrong.selector, ENTRY, expected, given
        );
    }

    function _notFiled(MaterialCertificates.DeclarationState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsNotFiled.selector, ENTRY, state);
    }

    function _notConform(uint32 reports, uint8 result, uint32 version) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            ReleaseDecisions.ReleaseDecisionsNotConform.selector, ENTRY, reports, result, version
        );
    }

    function _signaturesWrong(uint8 channel, uint256 needed, uint256 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            ReleaseDecisions.ReleaseDecisionsSignaturesWrong.selector, channel, needed, given
        );
    }

    function _roleMissing(Officer memory officer, uint256 needed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            Consortium.ConsortiumRoleMissing.selector, keyOf(officer), officer.roles, needed
        );
    }
}
