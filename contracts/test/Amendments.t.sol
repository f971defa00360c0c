// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "../Consortium.sol";
import {
    CarriedLine,
    CertificateDelegation,
    CertificateReview,
    CertificateSubmission,
    Draw,
    LineProof,
    MaterialCertificates
} from "../MaterialCertificates.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {GoodsLine, goodsList, Lists, PIECE} from "./Lists.sol";
import {World} from "./World.sol";

/// @title Amendments of an active certificate, delegation to other brokers, expiry
contract AmendmentsTest is World {
    uint8 private constant RETURN = 2;
    uint8 private constant REJECT = 3;

    function setUp() public override {
        super.setUp();
        activate(LETTER, broker);
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 6e6), drawOf(LETTER, 2, 5e6))), broker);
    }

    // ----------------------------------------------------------------------------------------------- amendments

    function test_AnAmendmentWaitsBesideTheActiveVersion() public {
        GoodsLine[] memory list = _list(7e6);
        _amend(list);
        MaterialCertificates.CertificateRecord memory record = certificates.certificate(LETTER);
        assertTrue(record.amending, "amending");
        assertEq(record.current.version, 1);
        assertEq(record.lastVersion, 2);
        assertEq(record.linesUsed, 2);
        assertEq(certificates.amendment(LETTER).version, 2);
        _assertState(MaterialCertificates.CertificateState.Active);
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 4e6))), broker);
        assertLine(LETTER, 1, 10e6, 0);
    }

    function test_TheSecondConfirmationMakesItActive() public {
        GoodsLine[] memory list = _list(7e6);
        _amend(list);
        review(reviewOf(LETTER, 2, CUSTOMS_PARTY, CONFIRM), documents);
        assertEq(certificates.certificate(LETTER).current.version, 1);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateLineCarried(LETTER, 2, 1, 7e6);
        certificates.carry(LETTER, 2, lines(carriedFrom(LETTER, list, 1)));
        Signed memory by = sign(committee, certificates.hashCertificateReview(_committeeReview(CONFIRM)));
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateReviewed(LETTER, 2, COMMITTEE_PARTY, CONFIRM, committee.id);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateLineCarried(LETTER, 2, 2, 100e6);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateActivated(LETTER, 2);
        certificates.review(_committeeReview(CONFIRM), lines(carriedFrom(LETTER, list, 2)), by);

        MaterialCertificates.CertificateRecord memory record = certificates.certificate(LETTER);
        assertTrue(!record.amending, "amending");
        assertEq(record.current.version, 2);
        assertEq(record.current.linesRoot, Lists.root(LETTER, list));
        assertEq(record.current.contentHash, contentOf(LETTER, 2));
        _drawWith(list, "declaration 2", 1e6 + 1, _overdrawn(1e6, 1e6 + 1));
        _drawWith(list, "declaration 2", 1e6, "");
    }

    function test_EveryLineDrawnFromIsCarried() public {
        GoodsLine[] memory list = _list(7e6);
        _amend(list);
        carry(LETTER, 2, lines(carriedFrom(LETTER, list, 1)));
        review(reviewOf(LETTER, 2, CUSTOMS_PARTY, CONFIRM), documents);
        refuse(_notCarried(2, 1));
        review(_committeeReview(CONFIRM), committee);
        // A line drawn from for the first time while the amendment waits has to be carried too.
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 4, 1))), broker);
        carry(LETTER, 2, lines(carriedFrom(LETTER, list, 2)));
        refuse(_notCarried(3, 2));
        review(_committeeReview(CONFIRM), committee);
        review(_committeeReview(CONFIRM), lines(carriedFrom(LETTER, list, 4)), committee);
        assertEq(certificates.certificate(LETTER).current.version, 2);
    }

    function test_ALineThatWasGivenBackIsCarriedToo() public {
        withdraw(withdrawal(ENTRY, 1), broker);
        GoodsLine[] memory list = _list(0);
        _amend(list);
        review(reviewOf(LETTER, 2, CUSTOMS_PARTY, CONFIRM), documents);
        refuse(_notCarried(2, 0));
        review(_committeeReview(CONFIRM), committee);
        CarriedLine[] memory both = lines(carriedFrom(LETTER, list, 1), carriedFrom(LETTER, list, 2));
        review(_committeeReview(CONFIRM), both, committee);
        assertEq(certificates.certificate(LETTER).current.version, 2);
    }

    function test_NoCeilingFallsBelowWhatIsDrawn(uint128 ceiling, bool released) public {
        ceiling = uint128(within(ceiling, 0, 12e6));
        if (released) decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        GoodsLine[] memory list = _list(ceiling);
        _amend(list);
        if (ceiling < 6e6) {
            refuse(
                abi.encodeWithSelector(
                    MaterialCertificates.MaterialCertificatesCeilingTooLow.selector, LETTER, 1, 6e6, ceiling
                )
            );
        }
        carry(LETTER, 2, lines(carriedFrom(LETTER, list, 1)));
    }

    function test_ADrawFitsTheCarriedCeilingToo(uint128 ceiling, uint128 asked) public {
        ceiling = uint128(within(ceiling, 6e6, 20e6));
        asked = uint128(within(asked, 1, 12e6));
        GoodsLine[] memory list = _list(ceiling);
        _amend(list);
        carry(LETTER, 2, lines(carriedFrom(LETTER, list, 1)));
        uint128 left = (ceiling < 10e6 ? ceiling : 10e6) - 6e6;
        if (asked > left) refuse(_overdrawn(left, asked));
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, asked))), broker);
    }

    function test_ALineIsCarriedOnceAndByAnybody(address sender) public {
        GoodsLine[] memory list = _list(7e6);
        _amend(list);
        CarriedLine[] memory carried = lines(carriedFrom(LETTER, list, 1), carriedFrom(LETTER, list, 1));
        vm.prank(sender);
        certificates.carry(LETTER, 2, carried);
        assertEq(certificates.amendment(LETTER).linesCarried, 1);
        // Even without a proof: somebody who comes first must not make a review fail.
        carried[0].proof = new bytes32[](0);
        carry(LETTER, 2, carried);
        assertEq(certificates.amendment(LETTER).linesCarried, 1);
    }

    function test_OnlyAListedCeilingIsCarried() public {
        GoodsLine[] memory list = _list(7e6);
        _amend(list);
        CarriedLine memory carried = carriedFrom(LETTER, list, 1);
        carried.ceiling = 8e6;
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesLineUnproven.selector, LETTER, 1, PIECE, uint128(8e6)
            )
        );
        carry(LETTER, 2, lines(carried));
    }

    function test_AnotherUnitIsNotCarried() public {
        GoodsLine[] memory list = _list(7e6);
        list[0].unit = "KGM";
        _amend(list);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesLineUnproven.selector, LETTER, 1, PIECE, uint128(7e6)
            )
        );
        carry(LETTER, 2, lines(carriedFrom(LETTER, list, 1)));
    }

    function test_OnlyLinesDrawnFromAreCarried() public {
        GoodsLine[] memory list = _list(7e6);
        _amend(list);
        refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesLineNotDrawn.selector, LETTER, 3));
        carry(LETTER, 2, lines(carriedFrom(LETTER, list, 3)));
    }

    function test_OnlyTheWaitingAmendmentIsCarriedTo() public {
        GoodsLine[] memory list = _list(7e6);
        CarriedLine[] memory carried = lines(carriedFrom(LETTER, list, 1));
        refuse(_stateWrong(MaterialCertificates.CertificateState.Active));
        carry(LETTER, 2, carried);
        _amend(list);
        refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesVersionWrong.selector, LETTER, 2, 1));
        carry(LETTER, 1, carried);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesStateWrong.selector,
                bytes32("no such"),
                MaterialCertificates.CertificateState.None
            )
        );
        carry("no such", 1, carried);
    }

    function test_AReturnedOrRejectedAmendmentLeavesTheActiveVersion(bool rejected) public {
        GoodsLine[] memory list = _list(7e6);
        _amend(list);
        carry(LETTER, 2, lines(carriedFrom(LETTER, list, 1)));
        review(_committeeReview(rejected ? REJECT : RETURN), committee);
        MaterialCertificates.CertificateRecord memory record = certificates.certificate(LETTER);
        assertTrue(!record.amending, "amending");
        assertEq(record.current.version, 1);
        _assertState(MaterialCertificates.CertificateState.Active);
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 4e6))), broker);
        refuse(_stateWrong(MaterialCertificates.CertificateState.Active));
        review(reviewOf(LETTER, 2, CUSTOMS_PARTY, CONFIRM), documents);

        refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesVersionWrong.selector, LETTER, 3, 2));
        submit(submission(LETTER, 2), broker);
        // What was carried to the dropped amendment does not count for the next.
        submit(amending(LETTER, 3, _list(20e6)), broker);
        assertEq(certificates.amendment(LETTER).linesCarried, 0);
        carry(LETTER, 3, lines(carriedFrom(LETTER, _list(20e6), 1)));
        assertEq(certificates.amendment(LETTER).linesCarried, 1);
    }

    function test_OneAmendmentWaitsAtATime() public {
        _amend(_list(7e6));
        refuse(_stateWrong(MaterialCertificates.CertificateState.Submitted));
        submit(submission(LETTER, 3), broker);
    }

    function test_OnlyTheBrokerOfTheCertificateAmends() public {
        refuse(
            abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesBrokerDiffers.selector, LETTER, FIRM, RIVAL)
        );
        submit(submission(LETTER, 2), rival);
    }

    function test_ConfirmationsOfADroppedAmendmentDoNotCarryOver() public {
        _amend(_list(7e6));
        review(_committeeReview(CONFIRM), committee);
        review(reviewOf(LETTER, 2, CUSTOMS_PARTY, RETURN), documents);
        submit(amending(LETTER, 3, _list(7e6)), broker);
        review(reviewOf(LETTER, 3, CUSTOMS_PARTY, CONFIRM), documents);
        assertEq(certificates.certificate(LETTER).current.version, 1);
    }

    function test_ARevokedCertificateHasNoAmendment() public {
        _amend(_list(7e6));
        revoke(revocation(LETTER, 1), committee);
        refuse(_stateWrong(MaterialCertificates.CertificateState.Revoked));
        review(_committeeReview(CONFIRM), committee);
        refuse(_stateWrong(MaterialCertificates.CertificateState.Revoked));
        submit(submission(LETTER, 3), broker);
    }

    function test_LinesGoWithAReviewOfAnAmendmentOnly() public {
        submit(submission("another", 1), broker);
        CarriedLine[] memory carried = lines(carriedFrom("another", goodsList(), 1));
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesStateWrong.selector,
                bytes32("another"),
                MaterialCertificates.CertificateState.Submitted
            )
        );
        review(reviewOf("another", 1, COMMITTEE_PARTY, CONFIRM), carried, committee);
    }

    function test_ALineIsDrawnInOneUnit() public {
        GoodsLine[] memory list = new GoodsLine[](2);
        list[0] = GoodsLine(1, PIECE, 10e6);
        list[1] = GoodsLine(1, "KGM", 10e6);
        CertificateSubmission memory statement = submission("another", 1);
        statement.linesRoot = Lists.root("another", list);
        submit(statement, broker);
        review(reviewOf("another", 1, COMMITTEE_PARTY, CONFIRM), committee);
        review(reviewOf("another", 1, CUSTOMS_PARTY, CONFIRM), documents);
        LineProof[] memory proofs = new LineProof[](1);
        proofs[0] = LineProof(10e6, Lists.proof("another", list, 0));
        fileWith(filing("declaration 2", 1, draws(drawOf("another", 1, 1))), proofs, broker);
        (bytes3 unit, bool used) = certificates.unitOf("another", 1);
        assertTrue(used && unit == PIECE, "unit");
        proofs[0].proof = Lists.proof("another", list, 1);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesUnitDiffers.selector,
                bytes32("another"),
                1,
                PIECE,
                bytes3("KGM")
            )
        );
        fileWith(filing("declaration 3", 1, draws(Draw("another", 1, "KGM", 1))), proofs, broker);
    }

    // -------------------------------------------------------------------------------------------- revoked, expired

    function test_ExpiryIsToldAndEnforced() public {
        _assertState(MaterialCertificates.CertificateState.Active);
        vm.warp(START + 180 days);
        _assertState(MaterialCertificates.CertificateState.Active);
        vm.warp(START + 180 days + 1);
        _assertState(MaterialCertificates.CertificateState.Expired);
        // What is reserved still becomes final or is given back.
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        assertLine(LETTER, 1, 0, 6e6);
        revoke(revocation(LETTER, 1), committee);
        _assertState(MaterialCertificates.CertificateState.Revoked);
    }

    function test_ARevokedCertificatesReservationsAreStillDecided(bool released) public {
        revoke(revocation(LETTER, 1), committee);
        decide(decisionOf(ENTRY, 1, YELLOW, released ? RELEASE : RETURN_SHIPMENT), releasing);
        assertLine(LETTER, 1, 0, released ? 6e6 : 0);
    }

    // ---------------------------------------------------------------------------------------------------- delegation

    function test_ABrokerDrawsByDelegation() public {
        CertificateDelegation memory statement = delegationTo(rival, LETTER, 1);
        bytes32 digest = certificates.hashCertificateDelegation(statement);
        Signed memory by = sign(holder, digest);
        vm.expectEmit(address(certificates));
        emit StatementRegister.StatementRecorded(digest, LETTER, HOLDER, keyOf(holder));
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateDelegated(LETTER, RIVAL, 1, START, START + 90 days);
        certificates.delegate(statement, by);
        MaterialCertificates.DelegationRecord memory record = certificates.delegation(LETTER, RIVAL);
        assertEq(record.holder, HOLDER);
        assertEq(record.sequence, 1);
        assertEq(record.validFrom, START);
        assertEq(record.validUntil, START + 90 days);
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1e6))), rival);
        assertLine(LETTER, 1, 7e6, 0);
        assertEq(certificates.brokerOf("declaration 2"), RIVAL);
    }

    function test_ADelegationIsGoodFromItsFirstToItsLastSecond() public {
        CertificateDelegation memory statement = delegationTo(rival, LETTER, 1);
        (statement.validFrom, statement.validUntil) = (START + 10, START + 20);
        delegate(statement, holder);
        uint64[2] memory outside = [START + 9, START + 21];
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(outside[i]);
            refuse(_brokerDiffers());
            file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1))), rival);
        }
        vm.warp(START + 10);
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1))), rival);
        vm.warp(START + 20);
        file(filing("declaration 2", 2, draws(drawOf(LETTER, 1, 2))), rival);
    }

    function test_AWithdrawnDelegationIsNone() public {
        delegate(delegationTo(rival, LETTER, 1), holder);
        CertificateDelegation memory statement = delegationTo(rival, LETTER, 2);
        (statement.validFrom, statement.validUntil) = (0, 0);
        delegate(statement, holder);
        refuse(_brokerDiffers());
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1))), rival);
    }

    function test_DelegationsComeInOrderForEachBroker(uint32 sequence) public {
        vm.assume(sequence != 1 && sequence != 2);
        bytes4 refusal = MaterialCertificates.MaterialCertificatesDelegationSequenceWrong.selector;
        refuse(abi.encodeWithSelector(refusal, LETTER, RIVAL, 1, sequence));
        delegate(delegationTo(rival, LETTER, sequence), holder);
        delegate(delegationTo(rival, LETTER, 1), holder);
        delegate(delegationTo(broker, LETTER, 1), holder);
        refuse(abi.encodeWithSelector(refusal, LETTER, RIVAL, 2, sequence));
        delegate(delegationTo(rival, LETTER, sequence), holder);
        delegate(delegationTo(rival, LETTER, 2), holder);
    }

    function test_ADelegationHasALength() public {
        CertificateDelegation memory statement = delegationTo(rival, LETTER, 1);
        (statement.validFrom, statement.validUntil) = (START, START - 1);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesValidityEmpty.selector, LETTER, START, START - 1
            )
        );
        delegate(statement, holder);
    }

    function test_OnlyTheHolderDelegates() public {
        refuse(
            abi.encodeWithSelector(Consortium.ConsortiumRoleMissing.selector, keyOf(broker), broker.roles, Roles.HOLDER)
        );
        delegate(delegationTo(rival, LETTER, 1), broker);
        CertificateSubmission memory statement = submission("another", 1);
        statement.holder = "another team";
        submit(statement, broker);
        bytes4 refusal = MaterialCertificates.MaterialCertificatesHolderDiffers.selector;
        refuse(abi.encodeWithSelector(refusal, bytes32("another"), bytes32("another team"), HOLDER));
        delegate(delegationTo(rival, "another", 1), holder);
        refuse(abi.encodeWithSelector(refusal, bytes32("no such"), bytes32(0), HOLDER));
        delegate(delegationTo(rival, "no such", 1), holder);
    }

    function test_ADelegationEndsWithItsHolder() public {
        delegate(delegationTo(rival, LETTER, 1), holder);
        withdraw(withdrawal(ENTRY, 1), broker);
        CertificateSubmission memory statement = submission(LETTER, 2);
        statement.holder = "another team";
        submit(statement, broker);
        CarriedLine[] memory both = lines(carriedFrom(LETTER, goodsList(), 1), carriedFrom(LETTER, goodsList(), 2));
        carry(LETTER, 2, both);
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1))), rival);
        review(_committeeReview(CONFIRM), committee);
        review(reviewOf(LETTER, 2, CUSTOMS_PARTY, CONFIRM), documents);
        refuse(_brokerDiffers());
        file(filing("declaration 3", 1, draws(drawOf(LETTER, 1, 1))), rival);
    }

    function test_TheDigestIsThatOfEip712() public view {
        CertificateDelegation memory statement = delegationTo(rival, LETTER, 3);
        bytes32 typeHash = keccak256(
            "CertificateDelegation(bytes32 certificate,bytes32 broker,uint32 sequence,uint64 validFrom,"
            "uint64 validUntil,uint64 signedAt)"
        );
        bytes32 message = keccak256(abi.encode(typeHash, statement));
        assertEq(
            certificates.hashCertificateDelegation(statement),
            keccak256(abi.encodePacked(hex"1901", domainOf(address(certificates)), message))
        );
    }

    // ---------------------------------------------------------------------------------------------------- what recurs

    function _list(uint128 ceiling) private pure returns (GoodsLine[] memory list) {
        list = goodsList();
        list[0].ceiling = ceiling;
    }

    function _amend(GoodsLine[] memory list) private {
        submit(amending(LETTER, 2, list), broker);
    }

    function _committeeReview(uint8 verdict) private view returns (CertificateReview memory) {
        return reviewOf(LETTER, 2, COMMITTEE_PARTY, verdict);
    }

    function _drawWith(GoodsLine[] memory list, bytes32 id, uint128 quantity, bytes memory refusal) private {
        LineProof[] memory proofs = new LineProof[](1);
        proofs[0] = LineProof(list[0].ceiling, Lists.proof(LETTER, list, 0));
        if (refusal.length != 0) refuse(refusal);
        fileWith(filing(id, 1, draws(drawOf(LETTER, 1, quantity))), proofs, broker);
    }

    function _assertState(MaterialCertificates.CertificateState state) private view {
        assertEq(uint8(certificates.stateOf(LETTER)), uint8(state));
    }

    function _stateWrong(MaterialCertificates.CertificateState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesStateWrong.selector, LETTER, state);
    }

    function _notCarried(uint32 used, uint32 carried) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            MaterialCertificates.MaterialCertificatesLinesNotCarried.selector, LETTER, used, carried
        );
    }

    function _brokerDiffers() private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesBrokerDiffers.selector, LETTER, FIRM, RIVAL);
    }

    function _overdrawn(uint128 left, uint128 asked) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesLineOverdrawn.selector, LETTER, 1, left, asked
            );
    }
}
