// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "../Consortium.sol";
import {MaterialCertificates} from "../MaterialCertificates.sol";
import {
    DecisionCorrection,
    ReleaseDecision,
    ReleaseDecisions,
    ReleaseRule,
    ReleaseRuleRepeal
} from "../ReleaseDecisions.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title The green channel's rules, deadlines, and corrections of decisions
contract CorrectionsTest is World {
    function setUp() public override {
        super.setUp();
        activate(LETTER, broker);
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6), drawOf(LETTER, 2, 1e6))), broker);
    }

    // --------------------------------------------------------------------------------------------------------- rules

    function test_ARuleIsEnacted() public {
        ReleaseRule memory statement = ruleOf(RULE, 1, 2);
        bytes32 digest = decisions.hashReleaseRule(statement);
        Signed memory by = sign(supervisor, digest);
        vm.expectEmit(address(decisions));
        emit StatementRegister.StatementRecorded(digest, RULE, CUSTOMS, keyOf(supervisor));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.ReleaseRuleEnacted(
            RULE, 1, statement.contentHash, system.id, 2, START, START + 30 days, supervisor.id
        );
        decisions.enact(statement, by);
        ReleaseDecisions.RuleRecord memory record = decisions.rule(RULE);
        assertEq(record.contentHash, statement.contentHash);
        assertEq(record.system, system.id);
        assertEq(record.version, 1);
        assertEq(record.mostReleases, 2);
        assertEq(record.releases, 0);
        assertEq(record.validUntil, START + 30 days);
    }

    function test_VersionsOfARuleComeInOrder(uint32 version) public {
        vm.assume(version != 1 && version != 2);
        refuse(_ruleVersionWrong(1, version));
        enact(ruleOf(RULE, version, 1), supervisor);
        enact(ruleOf(RULE, 1, 1), supervisor);
        refuse(_ruleVersionWrong(2, version));
        enact(ruleOf(RULE, version, 1), supervisor);
        enact(ruleOf(RULE, 2, 1), supervisor);
    }

    function test_ARuleHasANameAndALength() public {
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsRuleUnknown.selector, bytes32(0)));
        enact(ruleOf(0, 1, 1), supervisor);
        ReleaseRule memory statement = ruleOf(RULE, 1, 1);
        statement.validUntil = START - 1;
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsValidityEmpty.selector, RULE, START, START - 1));
        enact(statement, supervisor);
    }

    function test_OnlyASupervisorEnacts() public {
        refuse(_roleMissing(releasing, Roles.SUPERVISOR));
        enact(ruleOf(RULE, 1, 1), releasing);
        refuse(_roleMissing(system, Roles.SUPERVISOR));
        enact(ruleOf(RULE, 1, 1), system);
    }

    function test_ARuleInForceIsRepealed(bool byReleasing) public {
        Officer memory officer = byReleasing ? releasing : supervisor;
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsRuleUnknown.selector, RULE));
        repeal(RULE, 1, officer);
        enact(ruleOf(RULE, 1, 5), supervisor);
        refuse(_ruleVersionWrong(1, 2));
        repeal(RULE, 2, officer);
        refuse(_roleMissing(documents, Roles.SUPERVISOR | Roles.RELEASING_OFFICER));
        repeal(RULE, 1, documents);
        ReleaseRuleRepeal memory statement = ReleaseRuleRepeal(RULE, 1, "reason", START);
        Signed memory by = sign(officer, decisions.hashReleaseRuleRepeal(statement));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.ReleaseRuleRepealed(RULE, 1, officer.id);
        decisions.repeal(statement, by);
        vm.warp(START + 1);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsRuleNotInForce.selector, RULE, 1));
        repeal(RULE, 1, officer);
        refuse(_ruleMissing());
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), system);
        enact(ruleOf(RULE, 2, 5), supervisor);
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), system);
    }

    // --------------------------------------------------------------------------------------------------------- green

    function test_ASystemReleasesByARuleInForce() public {
        enact(ruleOf(RULE, 1, 1), supervisor);
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, GREEN, RELEASE);
        bytes32 digest = decisions.hashReleaseDecision(statement);
        Signed[] memory signatures = alone(sign(system, digest));
        vm.expectEmit(address(decisions));
        emit StatementRegister.StatementRecorded(digest, ENTRY, OPERATOR, keyOf(system));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.DecisionTaken(ENTRY, 1, GREEN, RELEASE, "file", RULE);
        decisions.decide(statement, signatures);
        assertEq(decisions.decision(ENTRY).rule, RULE);
        assertEq(decisions.decision(ENTRY).officer, system.id);
        assertEq(decisions.rule(RULE).releases, 1);
        assertLine(LETTER, 1, 0, 3e6);
    }

    function test_ARuleReleasesNoMoreThanItMay() public {
        enact(ruleOf(RULE, 1, 1), supervisor);
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1))), broker);
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), system);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsRuleUsedUp.selector, RULE, 1, 1));
        decide(decisionOf("declaration 2", 1, GREEN, RELEASE), system);
        enact(ruleOf(RULE, 2, 1), supervisor);
        assertEq(decisions.rule(RULE).releases, 0);
        decide(decisionOf("declaration 2", 1, GREEN, RELEASE), system);
    }

    function test_ARuleIsInForceFromItsFirstToItsLastSecond(bool last) public {
        ReleaseRule memory rule = ruleOf(RULE, 1, 1);
        (rule.validFrom, rule.validUntil) = (START + 10, START + 20);
        enact(rule, supervisor);
        uint64[2] memory outside = [START + 9, START + 21];
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(outside[i]);
            refuse(_ruleMissing());
            decide(decisionOf(ENTRY, 1, GREEN, RELEASE), system);
            refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsRuleNotInForce.selector, RULE, 1));
            repeal(RULE, 1, supervisor);
        }
        vm.warp(last ? START + 20 : START + 10);
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), system);
    }

    function test_OnlyTheRulesSystemAppliesIt() public {
        Officer memory other = newOfficer(Kind.P256, "another system", OPERATOR, Roles.SYSTEM);
        apply_(granting(other));
        enact(ruleOf(RULE, 1, 1), supervisor);
        refuse(_roleMissing(releasing, Roles.SYSTEM));
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), releasing);
        refuse(
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsSystemDiffers.selector, RULE, system.id, other.id)
        );
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), other);
        refuse(_roleMissing(system, Roles.RELEASING_OFFICER));
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), system);
    }

    function test_ARuleReleasesAndNothingElse(bool destroyed) public {
        enact(ruleOf(RULE, 1, 1), supervisor);
        uint8 outcome = destroyed ? DESTROY : RETURN_SHIPMENT;
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsGreenReleasesOnly.selector, ENTRY, outcome));
        decide(decisionOf(ENTRY, 1, GREEN, outcome), system);
    }

    function test_NoRuleReleasesWhatSomebodyLookedAt(bool examined) public {
        enact(ruleOf(RULE, 1, 1), supervisor);
        if (examined) {
            report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
            refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsChannelNotRed.selector, ENTRY, GREEN, 1));
        } else {
            dispose(dispositionOf(ENTRY, 1, 1, 3), releasing);
            refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsDispositionOnFile.selector, ENTRY, 1));
        }
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), system);
    }

    function test_GreenTakesOneSignature() public {
        enact(ruleOf(RULE, 1, 1), supervisor);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsSignaturesWrong.selector, GREEN, 1, 2));
        decide(decisionOf(ENTRY, 1, GREEN, RELEASE), system, releasing);
    }

    function test_OfficersNameNoRule(bool red, bytes32 rule) public {
        vm.assume(rule != 0);
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, red ? RED : YELLOW, RELEASE);
        statement.rule = rule;
        refuse(
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsRuleNotForChannel.selector, statement.channel, rule)
        );
        decide(statement, releasing, supervisor);
    }

    // ------------------------------------------------------------------------------------------------------ deadline

    function test_ADecisionComesInTime(uint64 late) public {
        ReleaseDecision memory statement = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        Signed[] memory signatures = alone(sign(releasing, decisions.hashReleaseDecision(statement)));
        uint256 moment = statement.decideBy + within(late, 1, 1e9);
        vm.warp(moment);
        vm.expectRevert(
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsTooLate.selector, ENTRY, statement.decideBy, moment)
        );
        decisions.decide(statement, signatures);
        vm.warp(statement.decideBy);
        decisions.decide(statement, signatures);
    }

    function test_ACorrectionComesInTime() public {
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        DecisionCorrection memory statement = correctionOf(ENTRY, 1, RETURN_SHIPMENT);
        statement.decideBy = START - 1;
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsTooLate.selector, ENTRY, START - 1, START));
        correct(statement, releasing, supervisor);
    }

    // --------------------------------------------------------------------------------------------------- corrections

    function test_AReleaseCorrectedIntoARefusalGivesBack(bool destroyed) public {
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        bytes32 first = decisions.decisionStatement(ENTRY);
        DecisionCorrection memory statement = correctionOf(ENTRY, 1, destroyed ? DESTROY : RETURN_SHIPMENT);
        bytes32 digest = decisions.hashDecisionCorrection(statement);
        Signed[] memory signatures = pair(sign(supervisor, digest), sign(releasing, digest));
        vm.expectEmit(address(decisions));
        emit StatementRegister.StatementRecorded(digest, ENTRY, CUSTOMS, keyOf(supervisor));
        vm.expectEmit(address(decisions));
        emit ReleaseDecisions.DecisionCorrected(ENTRY, first, 1, statement.outcome, "second file");
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReturned(LETTER, 1, ENTRY, 3e6, 0, 0);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReturned(LETTER, 2, ENTRY, 1e6, 0, 0);
        decisions.correct(statement, signatures);

        assertLine(LETTER, 1, 0, 0);
        assertEq(certificates.drawsOf(ENTRY).length, 0);
        (MaterialCertificates.DeclarationState state,) = certificates.versionOf(ENTRY);
        assertEq(uint8(state), uint8(MaterialCertificates.DeclarationState.Denied));
        assertEq(decisions.decisionStatement(ENTRY), digest);
        ReleaseDecisions.DecisionRecord memory record = decisions.decision(ENTRY);
        assertEq(record.corrects, first);
        assertEq(record.outcome, statement.outcome);
        assertEq(record.channel, YELLOW);
        assertEq(record.officer, supervisor.id);
        assertEq(record.secondOfficer, releasing.id);
        // What was decided first can still be read.
        assertEq(decisions.decisionOf(first).outcome, RELEASE);
        assertEq(decisions.decisionOf(first).evidenceHash, "file");
    }

    function test_AReleaseStaysOneWhenOnlyItsEvidenceIsCorrected() public {
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        correct(correctionOf(ENTRY, 1, RELEASE), releasing, supervisor);
        assertLine(LETTER, 1, 0, 3e6);
        assertEq(decisions.decision(ENTRY).evidenceHash, "second file");
        // A correction may be corrected in turn.
        correct(correctionOf(ENTRY, 1, DESTROY), releasing, supervisor);
        assertLine(LETTER, 1, 0, 0);
    }

    function test_ARefusalIsCorrectedIntoAnotherAndNeverIntoARelease() public {
        decide(decisionOf(ENTRY, 1, YELLOW, RETURN_SHIPMENT), releasing);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsCannotRevive.selector, ENTRY, RETURN_SHIPMENT));
        correct(correctionOf(ENTRY, 1, RELEASE), releasing, supervisor);
        correct(correctionOf(ENTRY, 1, DESTROY), releasing, supervisor);
        assertEq(decisions.decision(ENTRY).outcome, DESTROY);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsCannotRevive.selector, ENTRY, DESTROY));
        correct(correctionOf(ENTRY, 1, RELEASE), releasing, supervisor);
    }

    function test_ACorrectionNamesWhatCounts(bytes32 other) public {
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsNotDecided.selector, ENTRY));
        correct(correctionOf(ENTRY, 1, DESTROY), releasing, supervisor);
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        bytes32 first = decisions.decisionStatement(ENTRY);
        vm.assume(other != first);
        DecisionCorrection memory statement = correctionOf(ENTRY, 1, RELEASE);
        statement.corrects = other;
        refuse(_correctsOther(first, other));
        correct(statement, releasing, supervisor);
        statement = correctionOf(ENTRY, 1, RELEASE);
        correct(statement, releasing, supervisor);
        refuse(
            abi.encodeWithSelector(
                StatementRegister.StatementRegisterAlreadyRecorded.selector,
                decisions.hashDecisionCorrection(statement),
                block.number
            )
        );
        correct(statement, releasing, supervisor);
        statement.outcome = DESTROY;
        refuse(_correctsOther(decisions.decisionStatement(ENTRY), first));
        correct(statement, releasing, supervisor);
    }

    function test_ACorrectionIsOfTheVersionDecidedOnAndAnEnd(uint8 outcome) public {
        vm.assume(outcome != RELEASE && outcome != RETURN_SHIPMENT && outcome != DESTROY);
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsVersionWrong.selector, ENTRY, 1, 2));
        correct(correctionOf(ENTRY, 2, DESTROY), releasing, supervisor);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOutcomeNotFinal.selector, outcome));
        correct(correctionOf(ENTRY, 1, outcome), releasing, supervisor);
    }

    function test_ACorrectionTakesTwoOfficersWhoDidNotExamine(uint8 count) public {
        vm.assume(count != 2);
        report(reportOf(ENTRY, 1, 1, CONFORM), inspector);
        decide(decisionOf(ENTRY, 1, RED, RELEASE), releasing, supervisor);
        DecisionCorrection memory statement = correctionOf(ENTRY, 1, DESTROY);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsInspectorDecides.selector, ENTRY, inspector.id));
        correct(statement, supervisor, inspector);
        refuse(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsOfficerRepeated.selector, releasing.id));
        correct(statement, releasing, releasing);
        vm.expectRevert(
            abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsSignaturesWrong.selector, RED, 2, count)
        );
        decisions.correct(statement, new Signed[](count));
    }

    function test_OnlyReleaseDecisionsGivesBackWhatIsCommitted(address caller) public {
        vm.assume(caller != address(decisions));
        vm.expectRevert(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesCallerWrong.selector, address(decisions), caller
            )
        );
        vm.prank(caller);
        certificates.giveBackCommitted(ENTRY);
        vm.expectRevert(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesDeclarationStateWrong.selector,
                ENTRY,
                MaterialCertificates.DeclarationState.Filed
            )
        );
        vm.prank(address(decisions));
        certificates.giveBackCommitted(ENTRY);
    }

    function test_TheDigestsAreThoseOfEip712() public view {
        DecisionCorrection memory correction = correctionOf(ENTRY, 1, DESTROY);
        bytes32 correctionType = keccak256(
            "DecisionCorrection(bytes32 declaration,uint32 version,bytes32 corrects,uint8 outcome,bytes32 reasonHash,"
            "bytes32 evidenceHash,uint64 decideBy,uint64 signedAt)"
        );
        assertEq(
            decisions.hashDecisionCorrection(correction), _digest(keccak256(abi.encode(correctionType, correction)))
        );
        ReleaseRule memory rule = ruleOf(RULE, 2, 3);
        bytes32 ruleType = keccak256(
            "ReleaseRule(bytes32 rule,uint32 version,bytes32 contentHash,bytes32 system,uint32 mostReleases,"
            "uint64 validFrom,uint64 validUntil,uint64 signedAt)"
        );
        assertEq(decisions.hashReleaseRule(rule), _digest(keccak256(abi.encode(ruleType, rule))));
        ReleaseRuleRepeal memory repealed = ReleaseRuleRepeal(RULE, 2, "reason", START);
        bytes32 repealType =
            keccak256("ReleaseRuleRepeal(bytes32 rule,uint32 version,bytes32 reasonHash,uint64 signedAt)");
        assertEq(decisions.hashReleaseRuleRepeal(repealed), _digest(keccak256(abi.encode(repealType, repealed))));
    }

    function _digest(bytes32 message) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(decisions)), message));
    }

    function _ruleMissing() private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsGreenRuleMissing.selector, ENTRY);
    }

    function _ruleVersionWrong(uint32 expected, uint32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsRuleVersionWrong.selector, RULE, expected, given);
    }

    function _correctsOther(bytes32 expected, bytes32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsCorrectsOther.selector, ENTRY, expected, given);
    }

    function _roleMissing(Officer memory officer, uint256 needed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Consortium.ConsortiumRoleMissing.selector, keyOf(officer), officer.roles, needed);
    }
}
