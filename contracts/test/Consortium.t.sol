// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Consortium,
    ConsortiumChange,
    FounderReplacement,
    FoundingMember,
    KeyGrant,
    Organisation
} from "../Consortium.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title Who belongs to the consortium, and who may say so
contract ConsortiumTest is World {
    bytes32 private constant DIGEST = keccak256("digest");

    // --------------------------------------------------------------------------------------------------- founding

    function test_FoundersAreKnown() public view {
        bytes32[] memory keys = consortium.foundingKeys();
        assertEq(keys.length, 3);
        assertEq(keys[2], keyOf(founder3));
        assertEq(consortium.founderOf(keyOf(founder1)), "committee member");
        assertEq(consortium.founderOf(keyOf(broker)), 0);
        assertEq(consortium.threshold(), 2);
        assertEq(consortium.sequence(), 1);
    }

    function test_ThresholdMustLieBetweenOneAndTheFounders() public {
        FoundingMember[] memory members = founders();
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumThresholdWrong.selector, 0, 3));
        new Consortium(members, 0);
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumThresholdWrong.selector, 4, 3));
        new Consortium(members, 4);
    }

    function test_AFounderStandsOnce() public {
        FoundingMember[] memory members = founders();
        members[2].organisation = members[0].organisation;
        vm.expectRevert(
            abi.encodeWithSelector(
                Consortium.ConsortiumFounderRepeated.selector, members[0].organisation, keyOf(founder3)
            )
        );
        new Consortium(members, 2);

        members = founders();
        members[2].signer = members[1].signer;
        vm.expectRevert(
            abi.encodeWithSelector(
                Consortium.ConsortiumFounderRepeated.selector, members[2].organisation, keyOf(founder2)
            )
        );
        new Consortium(members, 2);
    }

    function test_AFounderNeedsANameAndAKey() public {
        FoundingMember[] memory members = founders();
        members[0].organisation = 0;
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumIdentifierEmpty.selector, keyOf(founder1)));
        new Consortium(members, 2);

        members = founders();
        members[0].signer = "short";
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSignerMalformed.selector, bytes("short")));
        new Consortium(members, 2);
    }

    // -------------------------------------------------------------------------------------------------- signatures

    function test_AnyTwoFoundersMayChange() public {
        ConsortiumChange memory change = admission("new firm", Roles.BROKER);
        bytes32 digest = consortium.hashConsortiumChange(change);
        Signed[] memory signatures = pair(sign(founder3, digest), sign(founder2, digest));
        vm.expectEmit(address(consortium));
        emit StatementRegister.StatementRecorded(digest, bytes32(uint256(2)), "bureau member", keyOf(founder3));
        vm.expectEmit(address(consortium));
        emit Consortium.OrganisationAdmitted("new firm", Roles.BROKER, START, END);
        consortium.change(change, signatures);
        assertEq(consortium.sequence(), 2);
        assertEq(consortium.recordedAt(digest), block.number);
        Consortium.OrganisationRecord memory record = consortium.organisation("new firm");
        assertEq(record.roles, Roles.BROKER);
        assertEq(record.number, 7);
        assertEq(consortium.organisationAt(7), "new firm");
    }

    function test_AllThreeMaySign() public {
        ConsortiumChange memory change = emptyChange();
        bytes32 digest = consortium.hashConsortiumChange(change);
        Signed[] memory signatures = new Signed[](3);
        signatures[0] = sign(founder1, digest);
        signatures[1] = sign(founder2, digest);
        signatures[2] = sign(founder3, digest);
        consortium.change(change, signatures);
        assertEq(consortium.sequence(), 2);
    }

    function test_OneFounderIsNotEnough() public {
        ConsortiumChange memory change = emptyChange();
        Signed[] memory signatures = alone(sign(founder1, consortium.hashConsortiumChange(change)));
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSignaturesMissing.selector, 2, 1));
        consortium.change(change, signatures);
    }

    function test_OneFounderCannotSignTwice() public {
        ConsortiumChange memory change = emptyChange();
        bytes32 digest = consortium.hashConsortiumChange(change);
        Signed[] memory signatures = pair(sign(founder1, digest), sign(founder1, digest));
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSignatureRepeated.selector, keyOf(founder1)));
        consortium.change(change, signatures);
    }

    function test_AnOfficerCannotChangeTheConsortium() public {
        ConsortiumChange memory change = emptyChange();
        bytes32 digest = consortium.hashConsortiumChange(change);
        Signed[] memory signatures = pair(sign(founder1, digest), sign(supervisor, digest));
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumFounderUnknown.selector, keyOf(supervisor)));
        consortium.change(change, signatures);
    }

    function test_AFounderMustSignThisChange(bytes32 other) public {
        ConsortiumChange memory change = emptyChange();
        bytes32 digest = consortium.hashConsortiumChange(change);
        vm.assume(other != digest);
        Signed[] memory signatures = pair(sign(founder1, digest), sign(founder2, other));
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSignatureWrong.selector, keyOf(founder2), digest));
        consortium.change(change, signatures);
    }

    function test_ChangesComeInOrder(uint64 sequence) public {
        vm.assume(sequence != 2);
        ConsortiumChange memory change = emptyChange();
        change.sequence = sequence;
        Signed[] memory signatures = signedByFounders(change);
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSequenceWrong.selector, 2, sequence));
        consortium.change(change, signatures);
    }

    function test_AChangeIsRecordedOnce() public {
        ConsortiumChange memory change = emptyChange();
        Signed[] memory signatures = signedByFounders(change);
        consortium.change(change, signatures);
        bytes32 digest = consortium.hashConsortiumChange(change);
        vm.expectRevert(
            abi.encodeWithSelector(StatementRegister.StatementRegisterAlreadyRecorded.selector, digest, block.number)
        );
        consortium.change(change, signatures);
    }

    // ----------------------------------------------------------------------------------------------------- content

    function test_OrganisationsNeedANameKnownRolesAndATime() public {
        apply_(admission("new firm", Roles.ALL));
        ConsortiumChange memory change = admission(0, Roles.BROKER);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumIdentifierEmpty.selector, bytes32(0)));
        apply_(change);

        change = admission("new firm", Roles.ALL + 1);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumRolesUnknown.selector, Roles.ALL + 1));
        apply_(change);

        change = admission("new firm", Roles.BROKER);
        change.organisations[0].validUntil = START - 1;
        refuse(abi.encodeWithSelector(Consortium.ConsortiumValidityEmpty.selector, START, START - 1));
        apply_(change);
    }

    function test_AKeyIsGranted() public {
        Officer memory officer = newOfficer(Kind.Passkey, "new inspector", CUSTOMS, Roles.INSPECTOR);
        ConsortiumChange memory change = granting(officer);
        Signed[] memory signatures = signedByFounders(change);
        vm.expectEmit(address(consortium));
        emit Consortium.KeyGranted(keyOf(officer), CUSTOMS, officer.id, officer.signer, Roles.INSPECTOR, START, END);
        consortium.change(change, signatures);
        Consortium.KeyRecord memory record = consortium.key(keyOf(officer));
        assertEq(record.organisation, CUSTOMS);
        assertEq(record.officer, officer.id);
        assertEq(record.roles, Roles.INSPECTOR);
        assertEq(record.validFrom, START);
        assertEq(record.validUntil, END);
        assertEq(record.revokedAt, 0);
        assertEq(consortium.rolesOf(keyOf(officer)), Roles.INSPECTOR);
    }

    function test_AKeyNeedsAnOfficerAndAWellFormedSigner() public {
        Officer memory officer = newOfficer(Kind.P256, "new inspector", CUSTOMS, Roles.INSPECTOR);
        ConsortiumChange memory change = granting(officer);
        change.grants[0].officer = 0;
        refuse(abi.encodeWithSelector(Consortium.ConsortiumIdentifierEmpty.selector, keyOf(officer)));
        apply_(change);

        bytes[4] memory malformed = [
            bytes(""),
            abi.encodePacked(bytes19(officer.id)),
            abi.encodePacked(p256Verifier, officer.id),
            abi.encodePacked(address(uint160(1_000_000)), officer.id, officer.id)
        ];
        for (uint256 i = 0; i < malformed.length; ++i) {
            change = granting(officer);
            change.grants[0].signer = malformed[i];
            refuse(abi.encodeWithSelector(Consortium.ConsortiumSignerMalformed.selector, malformed[i]));
            apply_(change);
        }
    }

    function test_AKeyNeedsAnAdmittedOrganisation() public {
        ConsortiumChange memory change = granting(newOfficer(Kind.Secp256k1, "stranger", "unknown firm", Roles.BROKER));
        refuse(abi.encodeWithSelector(Consortium.ConsortiumOrganisationUnknown.selector, bytes32("unknown firm")));
        apply_(change);
    }

    function test_AKeyHoldsNoMoreThanItsOrganisation(uint256 roles) public {
        roles = roles & Roles.ALL & ~Roles.BROKER;
        vm.assume(roles != 0);
        ConsortiumChange memory change = granting(newOfficer(Kind.Secp256k1, "clerk", FIRM, roles));
        refuse(abi.encodeWithSelector(Consortium.ConsortiumRolesBeyondOrganisation.selector, FIRM, Roles.BROKER, roles));
        apply_(change);
    }

    function test_AKeyNeedsKnownRolesAndATime() public {
        Officer memory officer = newOfficer(Kind.Secp256k1, "new inspector", CUSTOMS, Roles.ALL + 1);
        ConsortiumChange memory change = granting(officer);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumRolesUnknown.selector, Roles.ALL + 1));
        apply_(change);

        officer.roles = Roles.INSPECTOR;
        change = granting(officer);
        (change.grants[0].validFrom, change.grants[0].validUntil) = (END, END - 1);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumValidityEmpty.selector, END, END - 1));
        apply_(change);
    }

    function test_AKeyIsRenewedForTheSameOfficerOnly() public {
        ConsortiumChange memory change = granting(inspector);
        change.grants[0].validUntil = END - 1;
        change.grants[0].roles = Roles.INSPECTOR;
        apply_(change);
        Consortium.KeyRecord memory record = consortium.key(keyOf(inspector));
        assertEq(record.validUntil, END - 1);
        assertEq(record.roles, Roles.INSPECTOR);

        change = granting(inspector);
        change.grants[0].officer = releasing.id;
        refuse(abi.encodeWithSelector(Consortium.ConsortiumKeyTaken.selector, keyOf(inspector), CUSTOMS, inspector.id));
        apply_(change);

        change = granting(broker);
        change.grants[0].organisation = RIVAL;
        refuse(abi.encodeWithSelector(Consortium.ConsortiumKeyTaken.selector, keyOf(broker), FIRM, broker.id));
        apply_(change);
    }

    function test_ARevokedKeyNeverComesBack() public {
        ConsortiumChange memory change = revoking(inspector);
        Signed[] memory signatures = signedByFounders(change);
        vm.warp(START + 5);
        vm.expectEmit(address(consortium));
        emit Consortium.KeyRevoked(keyOf(inspector));
        consortium.change(change, signatures);
        assertEq(consortium.key(keyOf(inspector)).revokedAt, START + 5);

        bytes memory refusal =
            abi.encodeWithSelector(Consortium.ConsortiumKeyRevoked.selector, keyOf(inspector), START + 5);
        change = granting(inspector);
        refuse(refusal);
        apply_(change);
        change = revoking(inspector);
        refuse(refusal);
        apply_(change);
    }

    function test_OnlyGrantedKeysAreRevoked() public {
        ConsortiumChange memory change = revoking(founder1);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumKeyUnknown.selector, keyOf(founder1)));
        apply_(change);
    }

    function test_OneChangeDoesEverythingInOrder() public {
        Officer memory officer = newOfficer(Kind.Secp256k1, "newcomer", "new firm", Roles.BROKER);
        ConsortiumChange memory change = admission("new firm", Roles.BROKER);
        change.grants = new KeyGrant[](1);
        change.grants[0] = grantOf(officer);
        change.revocations = new bytes32[](1);
        change.revocations[0] = keyOf(officer);
        apply_(change);
        assertEq(consortium.key(keyOf(officer)).revokedAt, block.timestamp);
    }

    // ------------------------------------------------------------------------------------------------- new founders

    function test_AFoundersKeyIsReplacedAtOnce() public {
        Officer memory successor = newOfficer(Kind.Passkey, "successor", founder3.organisation, 0);
        FounderReplacement memory statement = replacementOf(founder3, successor);
        bytes32 digest = consortium.hashFounderReplacement(statement);
        Signed[] memory signatures = pair(sign(founder1, digest), sign(founder2, digest));
        vm.expectEmit(address(consortium));
        emit StatementRegister.StatementRecorded(digest, bytes32(uint256(2)), "committee member", keyOf(founder1));
        vm.expectEmit(address(consortium));
        emit Consortium.FounderReplaced("bureau member", keyOf(founder3), keyOf(successor), successor.signer);
        consortium.replaceFounder(statement, signatures);
        assertEq(consortium.sequence(), 2);
        assertEq(consortium.founderOf(keyOf(founder3)), 0);
        assertEq(consortium.founderOf(keyOf(successor)), "bureau member");
        assertEq(consortium.foundingKeys().length, 3);
        assertEq(consortium.foundingKeys()[2], keyOf(successor));

        ConsortiumChange memory change = emptyChange();
        digest = consortium.hashConsortiumChange(change);
        signatures = pair(sign(founder1, digest), sign(founder3, digest));
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumFounderUnknown.selector, keyOf(founder3)));
        consortium.change(change, signatures);
        consortium.change(change, pair(sign(founder1, digest), sign(successor, digest)));
    }

    function test_TheOldKeyMaySignItsOwnReplacement() public {
        Officer memory successor = newOfficer(Kind.P256, "successor", founder1.organisation, 0);
        replace(replacementOf(founder1, successor), founder1, founder3);
        assertEq(consortium.foundingKeys()[0], keyOf(successor));
    }

    function test_ReplacementsAndChangesShareTheirCounter(uint64 sequence) public {
        vm.assume(sequence != 2);
        Officer memory successor = newOfficer(Kind.P256, "successor", founder1.organisation, 0);
        FounderReplacement memory statement = replacementOf(founder1, successor);
        statement.sequence = sequence;
        refuse(abi.encodeWithSelector(Consortium.ConsortiumSequenceWrong.selector, 2, sequence));
        replace(statement, founder2, founder3);
        statement.sequence = 2;
        replace(statement, founder2, founder3);
        ConsortiumChange memory change = emptyChange();
        change.sequence = 2;
        bytes32 digest = consortium.hashConsortiumChange(change);
        Signed[] memory signatures = pair(sign(founder2, digest), sign(founder3, digest));
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSequenceWrong.selector, 3, 2));
        consortium.change(change, signatures);
        refuse(
            abi.encodeWithSelector(
                StatementRegister.StatementRegisterAlreadyRecorded.selector,
                consortium.hashFounderReplacement(statement),
                block.number
            )
        );
        replace(statement, founder2, founder3);
    }

    function test_AReplacementTakesFounders() public {
        Officer memory successor = newOfficer(Kind.P256, "successor", founder1.organisation, 0);
        FounderReplacement memory statement = replacementOf(founder1, successor);
        Signed[] memory signatures = alone(sign(founder2, consortium.hashFounderReplacement(statement)));
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSignaturesMissing.selector, 2, 1));
        consortium.replaceFounder(statement, signatures);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumFounderUnknown.selector, keyOf(successor)));
        replace(statement, founder2, successor);
        refuse(abi.encodeWithSelector(Consortium.ConsortiumSignatureRepeated.selector, keyOf(founder2)));
        replace(statement, founder2, founder2);
    }

    function test_ANewFoundersKeyIsWellFormedAndNobodyElses() public {
        FounderReplacement memory statement = replacementOf(founder1, founder2);
        bytes4 refusal = Consortium.ConsortiumFounderRepeated.selector;
        refuse(abi.encodeWithSelector(refusal, founder1.organisation, keyOf(founder2)));
        replace(statement, founder2, founder3);
        statement.signer = founder1.signer;
        refuse(abi.encodeWithSelector(refusal, founder1.organisation, keyOf(founder1)));
        replace(statement, founder2, founder3);
        statement.signer = "short";
        refuse(abi.encodeWithSelector(Consortium.ConsortiumSignerMalformed.selector, bytes("short")));
        replace(statement, founder2, founder3);
        statement = replacementOf(founder1, broker);
        statement.organisation = "no founder";
        refuse(abi.encodeWithSelector(Consortium.ConsortiumOrganisationUnknown.selector, bytes32("no founder")));
        replace(statement, founder2, founder3);
    }

    function test_TheDigestOfAReplacementIsThatOfEip712() public view {
        FounderReplacement memory statement = replacementOf(founder1, broker);
        bytes32 typeHash = keccak256("FounderReplacement(uint64 sequence,bytes32 organisation,bytes signer)");
        bytes32 message =
            keccak256(abi.encode(typeHash, statement.sequence, statement.organisation, keccak256(statement.signer)));
        assertEq(
            consortium.hashFounderReplacement(statement),
            keccak256(abi.encodePacked(hex"1901", domainOf(address(consortium)), message))
        );
    }

    function test_OrganisationsAreNumberedInTheOrderOfTheirAdmission() public {
        assertEq(consortium.organisationAt(0), 0);
        assertEq(consortium.organisationAt(1), FIRM);
        assertEq(consortium.organisationAt(7), 0);
        apply_(admission("new firm", Roles.BROKER));
        apply_(admission("new firm", Roles.BROKER | Roles.HOLDER));
        assertEq(consortium.organisationAt(7), "new firm");
        assertEq(consortium.organisationAt(8), 0);
        Signed memory by = sign(broker, DIGEST);
        (,, uint24 number) = consortium.check(by.signer, DIGEST, by.signature, Roles.BROKER);
        assertEq(number, 1);
    }

    // ------------------------------------------------------------------------------------------------------ checks

    function test_AnUnknownKeyIsRefused() public {
        Officer memory stranger = newOfficer(Kind.Secp256k1, "stranger", CUSTOMS, Roles.INSPECTOR);
        _refuse(
            stranger, Roles.INSPECTOR, abi.encodeWithSelector(Consortium.ConsortiumKeyUnknown.selector, keyOf(stranger))
        );
    }

    function test_ARevokedKeyIsRefused() public {
        apply_(revoking(inspector));
        _refuse(
            inspector,
            Roles.INSPECTOR,
            abi.encodeWithSelector(Consortium.ConsortiumKeyRevoked.selector, keyOf(inspector), START)
        );
    }

    function test_AKeyIsGoodFromItsFirstToItsLastSecond() public {
        ConsortiumChange memory change = granting(inspector);
        (uint64 from, uint64 until) = (START + 100, START + 200);
        (change.grants[0].validFrom, change.grants[0].validUntil) = (from, until);
        apply_(change);
        for (uint256 moment = from - 1; moment <= until + 1; moment += 1) {
            if (moment > from + 1 && moment < until) continue;
            vm.warp(moment);
            if (moment < from || moment > until) {
                _refuse(
                    inspector,
                    Roles.INSPECTOR,
                    abi.encodeWithSelector(
                        Consortium.ConsortiumKeyNotValid.selector, keyOf(inspector), from, until, moment
                    )
                );
            } else {
                Signed memory by = sign(inspector, DIGEST);
                consortium.check(by.signer, DIGEST, by.signature, Roles.INSPECTOR);
            }
        }
    }

    function test_AKeyIsNoBetterThanItsOrganisation() public {
        ConsortiumChange memory change = admission(CUSTOMS, Roles.SUPERVISOR);
        apply_(change);
        assertEq(consortium.rolesOf(keyOf(inspector)), 0);
        _refuse(
            inspector,
            Roles.INSPECTOR,
            abi.encodeWithSelector(Consortium.ConsortiumRoleMissing.selector, keyOf(inspector), 0, Roles.INSPECTOR)
        );

        change = admission(CUSTOMS, Roles.ALL);
        change.organisations[0].validFrom = START + 1;
        apply_(change);
        bytes4 refusal = Consortium.ConsortiumOrganisationNotValid.selector;
        _refuse(inspector, Roles.INSPECTOR, abi.encodeWithSelector(refusal, CUSTOMS, START + 1, END, START));

        change = admission(CUSTOMS, Roles.ALL);
        change.organisations[0].validUntil = START + 1;
        apply_(change);
        vm.warp(START + 2);
        _refuse(inspector, Roles.INSPECTOR, abi.encodeWithSelector(refusal, CUSTOMS, START, START + 1, START + 2));
    }

    function test_AKeyNeedsOneOfTheRoles(uint256 needed) public {
        needed &= Roles.ALL;
        if (needed & inspector.roles != 0) {
            Signed memory by = sign(inspector, DIGEST);
            (, bytes32 officer,) = consortium.check(by.signer, DIGEST, by.signature, needed);
            assertEq(officer, inspector.id);
        } else {
            _refuse(
                inspector,
                needed,
                abi.encodeWithSelector(
                    Consortium.ConsortiumRoleMissing.selector, keyOf(inspector), inspector.roles, needed
                )
            );
        }
    }

    function test_TheDomainCanBeRead() public view {
        (, string memory name, string memory version,, address verifyingContract,,) = consortium.eip712Domain();
        assertEq(keccak256(bytes(name)), keccak256("Piste"));
        assertEq(keccak256(bytes(version)), keccak256("1"));
        assertEq(verifyingContract, address(consortium));
    }

    function test_TheDigestIsThatOfEip712() public view {
        ConsortiumChange memory change = admission("new firm", Roles.BROKER);
        change.grants = new KeyGrant[](1);
        change.grants[0] = grantOf(founder3);
        change.revocations = new bytes32[](2);
        change.revocations[1] = "key";
        Organisation memory organisation = change.organisations[0];
        KeyGrant memory grant = change.grants[0];
        bytes memory grantType = "KeyGrant(bytes32 organisation,bytes32 officer,bytes signer,uint256 roles,"
            "uint64 validFrom,uint64 validUntil)";
        bytes memory organisationType =
            "Organisation(bytes32 organisation,uint256 roles,uint64 validFrom,uint64 validUntil)";
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    bytes.concat(
                        "ConsortiumChange(uint64 sequence,Organisation[] organisations,KeyGrant[] grants,"
                        "bytes32[] revocations)",
                        grantType,
                        organisationType
                    )
                ),
                change.sequence,
                keccak256(
                    abi.encodePacked(
                        keccak256(
                            abi.encode(
                                keccak256(organisationType),
                                organisation.organisation,
                                organisation.roles,
                                organisation.validFrom,
                                organisation.validUntil
                            )
                        )
                    )
                ),
                keccak256(
                    abi.encodePacked(
                        keccak256(
                            abi.encode(
                                keccak256(grantType),
                                grant.organisation,
                                grant.officer,
                                keccak256(grant.signer),
                                grant.roles,
                                grant.validFrom,
                                grant.validUntil
                            )
                        )
                    )
                ),
                keccak256(abi.encodePacked(bytes32(0), bytes32("key")))
            )
        );
        assertEq(
            consortium.hashConsortiumChange(change),
            keccak256(abi.encodePacked(hex"1901", domainOf(address(consortium)), message))
        );
    }

    function _refuse(Officer memory officer, uint256 roles, bytes memory reason) private {
        Signed memory by = sign(officer, DIGEST);
        vm.expectRevert(reason);
        consortium.check(by.signer, DIGEST, by.signature, roles);
    }
}
