// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {Consortium} from "../Consortium.sol";
import {Roles} from "../Roles.sol";
import {Signed} from "../StatementRegister.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title Each kind of key, through Consortium.check
contract SignaturesTest is World {
    uint256 private constant SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function test_EveryKindOfKeyIsAccepted(bytes32 digest) public {
        for (uint8 kind = 0; kind < 3; ++kind) {
            Officer memory officer = _officer(Kind(kind));
            Signed memory by = sign(officer, digest);
            (bytes32 organisation, bytes32 id,) = consortium.check(by.signer, digest, by.signature, Roles.INSPECTOR);
            assertEq(organisation, CUSTOMS);
            assertEq(id, officer.id);
        }
    }

    function test_AnotherDigestIsRefused(bytes32 digest, bytes32 other) public {
        vm.assume(digest != other);
        for (uint8 kind = 0; kind < 3; ++kind) {
            Officer memory officer = _officer(Kind(kind));
            _refuse(officer, other, sign(officer, digest).signature);
        }
    }

    function test_ASignatureChangedInOneByteIsRefused(uint256 place, uint8 change) public {
        vm.assume(change != 0);
        bytes32 digest = keccak256("digest");
        Officer memory officer = _officer(Kind.Secp256k1);
        bytes memory signature = sign(officer, digest).signature;
        uint256 index = place % signature.length;
        signature[index] = bytes1(uint8(signature[index]) ^ change);
        _refuse(officer, digest, signature);

        officer = _officer(Kind.P256);
        signature = sign(officer, digest).signature;
        index = place % signature.length;
        signature[index] = bytes1(uint8(signature[index]) ^ change);
        _refuse(officer, digest, signature);
    }

    function test_AHighSIsRefused() public {
        bytes32 digest = keccak256("digest");
        Officer memory officer = _officer(Kind.Secp256k1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(officer.secret, digest);
        _refuse(officer, digest, abi.encodePacked(r, SECP256K1_ORDER - uint256(s), v == 27 ? 28 : 27));

        officer = _officer(Kind.P256);
        (r, s) = signLow(officer.secret, digest);
        _refuse(officer, digest, abi.encodePacked(r, P256.N - uint256(s)));
    }

    function test_APasskeyMustHaveVerifiedItsUser() public {
        Officer memory officer = _officer(Kind.Passkey);
        bytes32 digest = keccak256("digest");
        _refuse(officer, digest, assertion(officer.secret, digest, USER_PRESENT));
        _refuse(officer, digest, assertion(officer.secret, digest, USER_VERIFIED));
    }

    function test_GarbageIsRefusedWithTheSameError(bytes memory garbage) public {
        for (uint8 kind = 0; kind < 3; ++kind) {
            _refuse(_officer(Kind(kind)), keccak256("digest"), garbage);
        }
    }

    function test_AKeyOfOneKindIsNotTheSameAsOfAnother() public {
        bytes32 digest = keccak256("digest");
        Officer memory passkey = _officer(Kind.Passkey);
        Officer memory plain = _officer(Kind.P256);
        _refuse(passkey, digest, sign(plain, digest).signature);
        _refuse(plain, digest, sign(passkey, digest).signature);
    }

    function _officer(Kind kind) private returns (Officer memory officer) {
        officer = newOfficer(kind, "signer under test", CUSTOMS, Roles.INSPECTOR);
        if (consortium.key(keyOf(officer)).organisation == 0) apply_(granting(officer));
    }

    function _refuse(Officer memory officer, bytes32 digest, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(Consortium.ConsortiumSignatureWrong.selector, keyOf(officer), digest));
        consortium.check(officer.signer, digest, signature, Roles.INSPECTOR);
    }
}
