// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "../Consortium.sol";
import {
    CarriedLine,
    CertificateReview,
    CertificateRevocation,
    CertificateSubmission,
    DeclarationFiling,
    DeclarationWithdrawal,
    Draw,
    LineProof,
    MaterialCertificates
} from "../MaterialCertificates.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {PIECE} from "./Lists.sol";
import {Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title Certificates: three confirmations over one content
contract CertificatesTest is World {
    function test_AVersionIsSubmitted() public {
        CertificateSubmission memory statement = submission(LETTER, 1);
        bytes32 digest = certificates.hashCertificateSubmission(statement);
        Signed memory by = sign(broker, digest);
        vm.expectEmit(address(certificates));
        emit StatementRegister.StatementRecorded(digest, LETTER, FIRM, keyOf(broker));
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateSubmitted(
            LETTER,
            1,
            statement.contentHash,
            statement.linesRoot,
            FIRM,
            HOLDER,
            statement.validFrom,
            statement.validUntil
        );
        certificates.submit(statement, by);
        MaterialCertificates.CertificateRecord memory record = certificates.certificate(LETTER);
        assertEq(record.current.contentHash, statement.contentHash);
        assertEq(record.current.linesRoot, statement.linesRoot);
        assertEq(record.broker, FIRM);
        assertEq(record.current.holder, HOLDER);
        assertEq(record.current.version, 1);
        assertEq(record.current.validFrom, statement.validFrom);
        assertEq(record.current.validUntil, statement.validUntil);
        _assertState(MaterialCertificates.CertificateState.Submitted);
        assertEq(certificates.recordedAt(digest), block.number);
    }

    function test_WhoeverSendsItTheSignatureCounts(address sender) public {
        CertificateSubmission memory statement = submission(LETTER, 1);
        Signed memory by = sign(broker, certificates.hashCertificateSubmission(statement));
        vm.prank(sender);
        certificates.submit(statement, by);
        assertEq(certificates.certificate(LETTER).broker, FIRM);
    }

    function test_AStatementIsRecordedOnce() public {
        submit(submission(LETTER, 1), broker);
        bytes memory refusal = abi.encodeWithSelector(
            StatementRegister.StatementRegisterAlreadyRecorded.selector,
            certificates.hashCertificateSubmission(submission(LETTER, 1)),
            block.number
        );
        refuse(refusal);
        submit(submission(LETTER, 1), broker);
    }

    function test_TheFirstVersionIsOne(uint32 version) public {
        vm.assume(version != 1);
        refuse(_versionWrong(1, version));
        submit(submission(LETTER, version), broker);
    }

    function test_OnlyAReturnedVersionIsReplaced() public {
        submit(submission(LETTER, 1), broker);
        refuse(_stateWrong(MaterialCertificates.CertificateState.Submitted));
        submit(submission(LETTER, 2), broker);

        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, 2), committee);
        _assertState(MaterialCertificates.CertificateState.Returned);
        refuse(_versionWrong(2, 3));
        submit(submission(LETTER, 3), broker);
        refuse(
            abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesBrokerDiffers.selector, LETTER, FIRM, RIVAL)
        );
        submit(submission(LETTER, 2), rival);
        submit(submission(LETTER, 2), broker);
        assertEq(certificates.certificate(LETTER).current.version, 2);
        _assertState(MaterialCertificates.CertificateState.Submitted);
    }

    function test_TheValidityHasALength() public {
        CertificateSubmission memory statement = submission(LETTER, 1);
        statement.validUntil = statement.validFrom - 1;
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesValidityEmpty.selector,
                LETTER,
                statement.validFrom,
                statement.validUntil
            )
        );
        submit(statement, broker);
    }

    function test_ItIsActiveAfterBothConfirmationsInEitherOrder(bool customsFirst) public {
        submit(submission(LETTER, 1), broker);
        CertificateReview memory first = reviewOf(LETTER, 1, customsFirst ? CUSTOMS_PARTY : COMMITTEE_PARTY, CONFIRM);
        CertificateReview memory second = reviewOf(LETTER, 1, customsFirst ? COMMITTEE_PARTY : CUSTOMS_PARTY, CONFIRM);
        review(first, customsFirst ? documents : committee);
        _assertState(MaterialCertificates.CertificateState.Submitted);
        Officer memory last = customsFirst ? committee : documents;
        Signed memory by = sign(last, certificates.hashCertificateReview(second));
        vm.expectEmit(address(certificates));
        emit StatementRegister.StatementRecorded(
            certificates.hashCertificateReview(second), LETTER, last.organisation, keyOf(last)
        );
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateReviewed(LETTER, 1, second.party, CONFIRM, last.id);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateActivated(LETTER, 1);
        certificates.review(second, new CarriedLine[](0), by);
        _assertState(MaterialCertificates.CertificateState.Active);
    }

    function test_OneConfirmationTwiceIsNotTwo() public {
        submit(submission(LETTER, 1), broker);
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), committee);
        vm.warp(START + 1);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesReviewRepeated.selector, LETTER, 1, COMMITTEE_PARTY
            )
        );
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), committee);

        submit(submission("another", 1), broker);
        review(reviewOf("another", 1, CUSTOMS_PARTY, CONFIRM), documents);
        vm.warp(START + 2);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesReviewRepeated.selector, bytes32("another"), 1, CUSTOMS_PARTY
            )
        );
        review(reviewOf("another", 1, CUSTOMS_PARTY, CONFIRM), documents);
    }

    function test_OneByteChangedBetweenConfirmationsIsRefused(uint256 place, uint8 change) public {
        vm.assume(change != 0);
        submit(submission(LETTER, 1), broker);
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), committee);
        CertificateReview memory statement = reviewOf(LETTER, 1, CUSTOMS_PARTY, CONFIRM);
        bytes32 signed = statement.contentHash;
        statement.contentHash = signed ^ (bytes32(uint256(change)) << 8 * (place % 32));
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesContentDiffers.selector, LETTER, signed, statement.contentHash
            )
        );
        review(statement, documents);
        _assertState(MaterialCertificates.CertificateState.Submitted);
    }

    function test_AReviewIsOfTheVersionBeforeIt() public {
        refuse(_stateWrong(MaterialCertificates.CertificateState.None));
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), committee);
        submit(submission(LETTER, 1), broker);
        refuse(_versionWrong(1, 2));
        review(reviewOf(LETTER, 2, COMMITTEE_PARTY, CONFIRM), committee);
    }

    function test_ConfirmationsOfAReturnedVersionDoNotCarryOver() public {
        submit(submission(LETTER, 1), broker);
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), committee);
        review(reviewOf(LETTER, 1, CUSTOMS_PARTY, 2), documents);
        submit(submission(LETTER, 2), broker);
        review(reviewOf(LETTER, 2, CUSTOMS_PARTY, CONFIRM), documents);
        _assertState(MaterialCertificates.CertificateState.Submitted);
    }

    function test_ARejectionIsFinal() public {
        submit(submission(LETTER, 1), broker);
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, 3), committee);
        refuse(_stateWrong(MaterialCertificates.CertificateState.Rejected));
        submit(submission(LETTER, 2), broker);
        refuse(_stateWrong(MaterialCertificates.CertificateState.Rejected));
        review(reviewOf(LETTER, 1, CUSTOMS_PARTY, CONFIRM), documents);
    }

    function test_PartiesAndVerdictsAreKnown(uint8 code) public {
        submit(submission(LETTER, 1), broker);
        if (code < 1 || code > 2) {
            refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesPartyUnknown.selector, code));
            review(reviewOf(LETTER, 1, code, CONFIRM), committee);
        }
        if (code < 1 || code > 3) {
            refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesVerdictUnknown.selector, code));
            review(reviewOf(LETTER, 1, COMMITTEE_PARTY, code), committee);
        }
    }

    function test_EachStepNeedsItsRole() public {
        refuse(_roleMissing(committee, Roles.BROKER));
        submit(submission(LETTER, 1), committee);
        submit(submission(LETTER, 1), broker);
        refuse(_roleMissing(documents, Roles.COMMITTEE));
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), documents);
        refuse(_roleMissing(committee, Roles.DOCUMENTS_OFFICER));
        review(reviewOf(LETTER, 1, CUSTOMS_PARTY, CONFIRM), committee);
        refuse(_roleMissing(broker, Roles.COMMITTEE));
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), broker);
        refuse(_roleMissing(broker, Roles.COMMITTEE | Roles.DOCUMENTS_OFFICER | Roles.SUPERVISOR));
        revoke(revocation(LETTER, 1), broker);
    }

    function test_ARevokedKeyCannotConfirm() public {
        submit(submission(LETTER, 1), broker);
        apply_(revoking(committee));
        refuse(abi.encodeWithSelector(Consortium.ConsortiumKeyRevoked.selector, keyOf(committee), START));
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), committee);
    }

    function test_CommitteeAndCustomsMayRevoke(uint8 who) public {
        Officer[3] memory officers = [committee, documents, supervisor];
        activate(LETTER, broker);
        CertificateRevocation memory statement = revocation(LETTER, 1);
        Signed memory by = sign(officers[who % 3], certificates.hashCertificateRevocation(statement));
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.CertificateRevoked(LETTER, 1);
        certificates.revoke(statement, by);
        _assertState(MaterialCertificates.CertificateState.Revoked);
    }

    function test_OnlyTheActiveVersionIsRevoked() public {
        submit(submission(LETTER, 1), broker);
        refuse(_stateWrong(MaterialCertificates.CertificateState.Submitted));
        revoke(revocation(LETTER, 1), committee);
        activate("another", broker);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesVersionWrong.selector, bytes32("another"), 1, 2
            )
        );
        revoke(revocation("another", 2), committee);
        revoke(revocation("another", 1), committee);
        vm.warp(START + 1);
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesStateWrong.selector,
                bytes32("another"),
                MaterialCertificates.CertificateState.Revoked
            )
        );
        revoke(revocation("another", 1), committee);
    }

    function test_TheDigestsAreThoseOfEip712() public view {
        CertificateSubmission memory submitted = submission(LETTER, 1);
        bytes32 submissionType = keccak256(
            "CertificateSubmission(bytes32 certificate,uint32 version,bytes32 contentHash,bytes32 linesRoot,"
            "bytes32 holder,uint64 validFrom,uint64 validUntil,uint64 signedAt)"
        );
        assertEq(
            certificates.hashCertificateSubmission(submitted), _digest(keccak256(abi.encode(submissionType, submitted)))
        );
        CertificateReview memory reviewed = reviewOf(LETTER, 1, 1, 1);
        bytes32 reviewType = keccak256(
            "CertificateReview(bytes32 certificate,uint32 version,bytes32 contentHash,uint8 party,uint8 verdict,"
            "bytes32 reasonHash,uint64 signedAt)"
        );
        assertEq(certificates.hashCertificateReview(reviewed), _digest(keccak256(abi.encode(reviewType, reviewed))));
        CertificateRevocation memory revoked = revocation(LETTER, 1);
        bytes32 revocationType =
            keccak256("CertificateRevocation(bytes32 certificate,uint32 version,bytes32 reasonHash,uint64 signedAt)");
        assertEq(
            certificates.hashCertificateRevocation(revoked), _digest(keccak256(abi.encode(revocationType, revoked)))
        );
        DeclarationWithdrawal memory withdrawn = withdrawal(ENTRY, 1);
        bytes32 withdrawalType =
            keccak256("DeclarationWithdrawal(bytes32 declaration,uint32 version,bytes32 reasonHash,uint64 signedAt)");
        assertEq(
            certificates.hashDeclarationWithdrawal(withdrawn), _digest(keccak256(abi.encode(withdrawalType, withdrawn)))
        );
        DeclarationFiling memory filed = filing(ENTRY, 1, draws(drawOf(LETTER, 1, 2), drawOf(LETTER, 3, 4)));
        bytes memory drawType = "Draw(bytes32 certificate,uint32 line,bytes3 unit,uint128 quantity)";
        bytes32 filingType = keccak256(
            bytes.concat(
                "DeclarationFiling(bytes32 declaration,uint32 version,bytes32 contentHash,Draw[] draws,",
                "uint64 signedAt)",
                drawType
            )
        );
        bytes32 drawsHash = keccak256(
            abi.encodePacked(
                keccak256(abi.encode(keccak256(drawType), filed.draws[0])),
                keccak256(abi.encode(keccak256(drawType), filed.draws[1]))
            )
        );
        assertEq(
            certificates.hashDeclarationFiling(filed),
            _digest(
                keccak256(
                    abi.encode(
                        filingType, filed.declaration, filed.version, filed.contentHash, drawsHash, filed.signedAt
                    )
                )
            )
        );
    }

    function _digest(bytes32 message) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(certificates)), message));
    }

    function _assertState(MaterialCertificates.CertificateState state) private view {
        assertEq(uint8(certificates.certificate(LETTER).state), uint8(state));
    }

    function _versionWrong(uint32 expected, uint32 given) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesVersionWrong.selector, LETTER, expected, given
            );
    }

    function _stateWrong(MaterialCertificates.CertificateState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesStateWrong.selector, LETTER, state);
    }

    function _roleMissing(Officer memory officer, uint256 needed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Consortium.ConsortiumRoleMissing.selector, keyOf(officer), officer.roles, needed);
    }
}

/// @title Declarations: reserve, commit, give back, never above the ceiling
contract DrawsTest is World {
    uint128 private constant CEILING = 10e6;

    function setUp() public override {
        super.setUp();
        activate(LETTER, broker);
    }

    function test_AFilingReserves() public {
        DeclarationFiling memory statement = filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6), drawOf(LETTER, 3, 500_000)));
        bytes32 digest = certificates.hashDeclarationFiling(statement);
        LineProof[] memory proofs = proofsOf(statement.draws);
        Signed memory by = sign(broker, digest);
        vm.expectEmit(address(certificates));
        emit StatementRegister.StatementRecorded(digest, ENTRY, FIRM, keyOf(broker));
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.DeclarationFiled(ENTRY, 1, statement.contentHash);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReserved(LETTER, 1, ENTRY, 3e6, 3e6, 0);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReserved(LETTER, 3, ENTRY, 500_000, 500_000, 0);
        certificates.file(statement, proofs, by);

        assertEq(certificates.filedAt(ENTRY, 1, statement.contentHash), block.number);
        assertEq(certificates.filedAt(ENTRY, 1, "other"), 0);
        assertEq(certificates.brokerOf(ENTRY), FIRM);
        assertEq(certificates.brokerOf("no such"), 0);
        _assertVersion(1);
        _assertState(MaterialCertificates.DeclarationState.Filed);
        assertLine(LETTER, 1, 3e6, 0);
        assertLine(LETTER, 3, 500_000, 0);
        assertEq(certificates.drawn(ENTRY, LETTER, 3), 500_000);
        MaterialCertificates.DrawRecord[] memory held = certificates.drawsOf(ENTRY);
        assertEq(held.length, 2);
        assertEq(held[1].certificate, LETTER);
        assertEq(held[1].line, 3);
        assertEq(held[1].quantity, 500_000);
    }

    function test_ADeclarationMayDrawNothing() public {
        file(filing(ENTRY, 1, new Draw[](0)), broker);
        _assertState(MaterialCertificates.DeclarationState.Filed);
    }

    function test_TwoDrawsOnOneLineAddUp() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6), drawOf(LETTER, 1, 4e6))), broker);
        assertLine(LETTER, 1, 7e6, 0);
        assertEq(certificates.drawn(ENTRY, LETTER, 1), 7e6);
        assertEq(certificates.drawsOf(ENTRY).length, 2);
        withdraw(withdrawal(ENTRY, 1), broker);
        assertLine(LETTER, 1, 0, 0);
    }

    function test_NothingGoesAboveTheCeiling(uint128 first, uint128 second) public {
        first = uint128(within(first, 1, CEILING));
        second = uint128(within(second, 1, type(uint128).max));
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, first))), broker);
        if (second > CEILING - first) refuse(_overdrawn(CEILING - first, second));
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, second))), broker);
    }

    function test_TheLastPieceGoesToWhoComesFirst() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 4, 1))), broker);
        refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesLineOverdrawn.selector, LETTER, 4, 0, 1));
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 4, 1))), broker);
    }

    function test_TheWidestLineDoesNotOverflow() public {
        uint128 most = type(uint112).max;
        bytes4 refusal = MaterialCertificates.MaterialCertificatesLineOverdrawn.selector;
        refuse(abi.encodeWithSelector(refusal, LETTER, 5, most, most + 1));
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 5, most + 1))), broker);
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 5, most))), broker);
        refuse(abi.encodeWithSelector(refusal, LETTER, 5, 0, type(uint128).max));
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 5, type(uint128).max))), broker);
    }

    function test_ANewVersionReplacesTheDraws() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 8e6), drawOf(LETTER, 2, 1e6))), broker);
        DeclarationFiling memory statement = filing(ENTRY, 2, draws(drawOf(LETTER, 1, 9e6)));
        LineProof[] memory proofs = proofsOf(statement.draws);
        Signed memory by = sign(broker, certificates.hashDeclarationFiling(statement));
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReturned(LETTER, 1, ENTRY, 8e6, 0, 0);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReturned(LETTER, 2, ENTRY, 1e6, 0, 0);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReserved(LETTER, 1, ENTRY, 9e6, 9e6, 0);
        certificates.file(statement, proofs, by);
        assertLine(LETTER, 1, 9e6, 0);
        assertLine(LETTER, 2, 0, 0);
        assertEq(certificates.drawn(ENTRY, LETTER, 2), 0);
        assertEq(certificates.drawsOf(ENTRY).length, 1);
        _assertVersion(2);
        assertEq(certificates.filedAt(ENTRY, 2, contentOf(ENTRY, 2)), block.number);
    }

    function test_ARefusedVersionLeavesTheOneBefore() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 8e6))), broker);
        refuse(_overdrawn(CEILING, 11e6));
        file(filing(ENTRY, 2, draws(drawOf(LETTER, 1, 11e6))), broker);
        assertLine(LETTER, 1, 8e6, 0);
        _assertVersion(1);
    }

    function test_VersionsComeInOrder(uint32 version) public {
        vm.assume(version != 1 && version != 2);
        refuse(_versionWrong(1, version));
        file(filing(ENTRY, version, new Draw[](0)), broker);
        file(filing(ENTRY, 1, new Draw[](0)), broker);
        refuse(_versionWrong(2, version));
        file(filing(ENTRY, version, new Draw[](0)), broker);
    }

    function test_AnotherFirmCannotReplaceOrWithdraw() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 1))), broker);
        bytes memory refusal = abi.encodeWithSelector(
            MaterialCertificates.MaterialCertificatesDeclarationBrokerDiffers.selector, ENTRY, FIRM, RIVAL
        );
        refuse(refusal);
        file(filing(ENTRY, 2, new Draw[](0)), rival);
        refuse(refusal);
        withdraw(withdrawal(ENTRY, 1), rival);
    }

    function test_AnotherFirmCannotDraw() public {
        refuse(
            abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesBrokerDiffers.selector, LETTER, FIRM, RIVAL)
        );
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 1))), rival);
    }

    function test_OnlyABrokerFilesAndWithdraws() public {
        bytes memory refusal = abi.encodeWithSelector(
            Consortium.ConsortiumRoleMissing.selector, keyOf(releasing), releasing.roles, Roles.BROKER
        );
        refuse(refusal);
        file(filing(ENTRY, 1, new Draw[](0)), releasing);
        file(filing(ENTRY, 1, new Draw[](0)), broker);
        refuse(refusal);
        withdraw(withdrawal(ENTRY, 1), releasing);
    }

    function test_OnlyAnActiveCertificateIsDrawnFrom() public {
        submit(submission("another", 1), broker);
        refuse(_certificateState("another", MaterialCertificates.CertificateState.Submitted));
        file(filing(ENTRY, 1, draws(drawOf("another", 1, 1))), broker);
        refuse(_certificateState("no such", MaterialCertificates.CertificateState.None));
        file(filing(ENTRY, 1, draws(drawOf("no such", 1, 1))), broker);
        revoke(revocation(LETTER, 1), committee);
        refuse(_certificateState(LETTER, MaterialCertificates.CertificateState.Revoked));
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 1))), broker);
    }

    function test_ACertificateIsGoodFromItsFirstToItsLastSecond() public {
        CertificateSubmission memory statement = submission("another", 1);
        (statement.validFrom, statement.validUntil) = (START + 10, START + 20);
        submit(statement, broker);
        review(reviewOf("another", 1, COMMITTEE_PARTY, CONFIRM), committee);
        review(reviewOf("another", 1, CUSTOMS_PARTY, CONFIRM), documents);
        uint64[2] memory outside = [START + 9, START + 21];
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(outside[i]);
            refuse(
                abi.encodeWithSelector(
                    MaterialCertificates.MaterialCertificatesNotValid.selector,
                    bytes32("another"),
                    START + 10,
                    START + 20,
                    outside[i]
                )
            );
            file(filing(ENTRY, 1, draws(drawOf("another", 1, 1))), broker);
        }
        vm.warp(START + 10);
        file(filing(ENTRY, 1, draws(drawOf("another", 1, 1))), broker);
        vm.warp(START + 20);
        file(filing(ENTRY, 2, draws(drawOf("another", 1, 2))), broker);
    }

    function test_AKeyThatIsNotValidAnyMoreCannotFile() public {
        vm.warp(END + 1);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumKeyNotValid.selector, keyOf(broker), START, END, END + 1));
        file(filing(ENTRY, 1, new Draw[](0)), broker);
    }

    function test_ADrawIsOfSomething() public {
        refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesDrawEmpty.selector, LETTER, 1));
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 0))), broker);
    }

    function test_EveryDrawNeedsAProof(uint8 count) public {
        vm.assume(count != 1);
        DeclarationFiling memory statement = filing(ENTRY, 1, draws(drawOf(LETTER, 1, 1)));
        refuse(abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesProofsMissing.selector, 1, count));
        fileWith(statement, new LineProof[](count), broker);
    }

    function test_AHigherCeilingIsNotProven(uint128 ceiling) public {
        vm.assume(ceiling != CEILING);
        DeclarationFiling memory statement = filing(ENTRY, 1, draws(drawOf(LETTER, 1, 1)));
        LineProof[] memory proofs = proofsOf(statement.draws);
        proofs[0].ceiling = ceiling;
        refuse(_unproven(1, PIECE, ceiling));
        fileWith(statement, proofs, broker);
    }

    function test_AnotherUnitLineOrPathIsNotProven() public {
        Draw[] memory list = draws(drawOf(LETTER, 1, 1));
        list[0].unit = "KGM";
        refuse(_unproven(1, "KGM", CEILING));
        file(filing(ENTRY, 1, list), broker);

        list = draws(drawOf(LETTER, 1, 1));
        LineProof[] memory proofs = proofsOf(list);
        list[0].line = 2;
        refuse(_unproven(2, PIECE, CEILING));
        fileWith(filing(ENTRY, 1, list), proofs, broker);

        list[0].line = 1;
        proofs[0].proof[0] = keccak256("elsewhere");
        refuse(_unproven(1, PIECE, CEILING));
        fileWith(filing(ENTRY, 1, list), proofs, broker);
    }

    function test_ALineOfAnotherCertificateIsNotProven() public {
        CertificateSubmission memory statement = submission("another", 1);
        statement.linesRoot = submission(LETTER, 1).linesRoot;
        submit(statement, broker);
        review(reviewOf("another", 1, COMMITTEE_PARTY, CONFIRM), committee);
        review(reviewOf("another", 1, CUSTOMS_PARTY, CONFIRM), documents);
        LineProof[] memory proofs = proofsOf(draws(drawOf(LETTER, 1, 1)));
        DeclarationFiling memory filed = filing(ENTRY, 1, draws(drawOf("another", 1, 1)));
        refuse(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesLineUnproven.selector, bytes32("another"), 1, PIECE, CEILING
            )
        );
        fileWith(filed, proofs, broker);
    }

    function test_AWithdrawalGivesBack() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6))), broker);
        DeclarationWithdrawal memory statement = withdrawal(ENTRY, 1);
        Signed memory by = sign(broker, certificates.hashDeclarationWithdrawal(statement));
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.DeclarationWithdrawn(ENTRY, 1);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineReturned(LETTER, 1, ENTRY, 3e6, 0, 0);
        certificates.withdraw(statement, by);
        assertLine(LETTER, 1, 0, 0);
        assertEq(certificates.drawn(ENTRY, LETTER, 1), 0);
        _assertState(MaterialCertificates.DeclarationState.Withdrawn);
    }

    function test_OnlyTheVersionOnFileIsWithdrawnOnce() public {
        refuse(_stateWrong(MaterialCertificates.DeclarationState.None));
        withdraw(withdrawal(ENTRY, 1), broker);
        file(filing(ENTRY, 1, new Draw[](0)), broker);
        refuse(_versionWrong(1, 2));
        withdraw(withdrawal(ENTRY, 2), broker);
        withdraw(withdrawal(ENTRY, 1), broker);
        vm.warp(START + 1);
        refuse(_stateWrong(MaterialCertificates.DeclarationState.Withdrawn));
        withdraw(withdrawal(ENTRY, 1), broker);
        refuse(_stateWrong(MaterialCertificates.DeclarationState.Withdrawn));
        file(filing(ENTRY, 2, new Draw[](0)), broker);
    }

    function test_OnlyReleaseDecisionsCommitsOrGivesBack(address caller) public {
        vm.assume(caller != address(decisions));
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6))), broker);
        bytes memory refusal = abi.encodeWithSelector(
            MaterialCertificates.MaterialCertificatesCallerWrong.selector, address(decisions), caller
        );
        bytes32 content = contentOf(ENTRY, 1);
        vm.expectRevert(refusal);
        vm.prank(caller);
        certificates.commit(ENTRY, 1, content);
        vm.expectRevert(refusal);
        vm.prank(caller);
        certificates.giveBack(ENTRY, 1, content);
        assertEq(certificates.releaseDecisions(), address(decisions));
    }

    function test_ACommitNamesWhatIsOnFile() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6))), broker);
        bytes32 content = contentOf(ENTRY, 1);
        vm.expectRevert(_versionWrong(1, 2));
        vm.prank(address(decisions));
        certificates.commit(ENTRY, 2, content);
        vm.expectRevert(
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesDeclarationContentDiffers.selector, ENTRY, 1, bytes32("other")
            )
        );
        vm.prank(address(decisions));
        certificates.commit(ENTRY, 1, "other");
    }

    function test_ACommitIsFinal() public {
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6))), broker);
        vm.expectEmit(address(certificates));
        emit MaterialCertificates.LineCommitted(LETTER, 1, ENTRY, 3e6, 0, 3e6);
        vm.prank(address(decisions));
        certificates.commit(ENTRY, 1, contentOf(ENTRY, 1));
        assertLine(LETTER, 1, 0, 3e6);
        assertEq(certificates.drawn(ENTRY, LETTER, 1), 3e6);
        _assertState(MaterialCertificates.DeclarationState.Released);
        refuse(_stateWrong(MaterialCertificates.DeclarationState.Released));
        withdraw(withdrawal(ENTRY, 1), broker);
        refuse(_stateWrong(MaterialCertificates.DeclarationState.Released));
        file(filing(ENTRY, 2, new Draw[](0)), broker);
        refuse(_overdrawn(CEILING - 3e6, 8e6));
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 1, 8e6))), broker);
    }

    function _assertState(MaterialCertificates.DeclarationState state) private view {
        (MaterialCertificates.DeclarationState actual,) = certificates.versionOf(ENTRY);
        assertEq(uint8(actual), uint8(state));
    }

    function _assertVersion(uint32 version) private view {
        (, uint32 actual) = certificates.versionOf(ENTRY);
        assertEq(actual, version);
    }

    function _stateWrong(MaterialCertificates.DeclarationState state) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesDeclarationStateWrong.selector, ENTRY, state
            );
    }

    function _certificateState(bytes32 certificate, MaterialCertificates.CertificateState state)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(MaterialCertificates.MaterialCertificatesStateWrong.selector, certificate, state);
    }

    function _versionWrong(uint32 expected, uint32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            MaterialCertificates.MaterialCertificatesDeclarationVersionWrong.selector, ENTRY, expected, given
        );
    }

    function _overdrawn(uint128 left, uint128 asked) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                MaterialCertificates.MaterialCertificatesLineOverdrawn.selector, LETTER, 1, left, asked
            );
    }

    function _unproven(uint32 line, bytes3 unit, uint128 ceiling) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            MaterialCertificates.MaterialCertificatesLineUnproven.selector, LETTER, line, unit, ceiling
        );
    }
}
