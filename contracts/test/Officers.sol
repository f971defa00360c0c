// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {ERC7913P256Verifier} from "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913P256Verifier.sol";
import {
    ERC7913WebAuthnVerifier
} from "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913WebAuthnVerifier.sol";
import {Signed} from "../StatementRegister.sol";
import {Checks} from "./Checks.sol";

/// @notice What sort of key an officer signs with.
enum Kind {
    Secp256k1,
    P256,
    Passkey
}

/// @notice A person or device in a test, with the secret of its key.
struct Officer {
    Kind kind;
    uint256 secret;
    bytes32 organisation;
    bytes32 id;
    uint256 roles;
    bytes signer;
}

/// @title Officers who can sign with each kind of key
abstract contract Officers is Checks {
    bytes1 internal constant USER_PRESENT = 0x01;
    bytes1 internal constant USER_VERIFIED = 0x04;
    bytes private constant TYPE_FIELD = bytes('{"type":"webauthn.get",');

    ERC7913P256Verifier internal p256Verifier;
    ERC7913WebAuthnVerifier internal passkeyVerifier;

    function deployVerifiers() internal {
        p256Verifier = ERC7913P256Verifier(deploy("ERC7913P256Verifier", ""));
        passkeyVerifier = ERC7913WebAuthnVerifier(deploy("ERC7913WebAuthnVerifier", ""));
    }

    /// @dev The name is also the secret, so that two officers of one name share a key.
    function newOfficer(Kind kind, string memory name, bytes32 organisation, uint256 roles)
        internal
        view
        returns (Officer memory officer)
    {
        bytes32 id = keccak256(bytes(name));
        uint256 secret = uint256(id) >> 8;
        return Officer(kind, secret, organisation, id, roles, signerOf(kind, secret));
    }

    function signerOf(Kind kind, uint256 secret) internal view returns (bytes memory) {
        if (kind == Kind.Secp256k1) return abi.encodePacked(vm.addr(secret));
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        address verifier = kind == Kind.P256 ? address(p256Verifier) : address(passkeyVerifier);
        return abi.encodePacked(verifier, x, y);
    }

    function sign(Officer memory officer, bytes32 digest) internal pure returns (Signed memory) {
        bytes memory signature;
        if (officer.kind == Kind.Secp256k1) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(officer.secret, digest);
            signature = abi.encodePacked(r, s, v);
        } else if (officer.kind == Kind.P256) {
            (bytes32 r, bytes32 s) = signLow(officer.secret, digest);
            signature = abi.encodePacked(r, s);
        } else {
            signature = assertion(officer.secret, digest, USER_PRESENT | USER_VERIFIED);
        }
        return Signed(officer.signer, signature);
    }

    /// @dev What a browser hands over after asking a passkey; the challenge is the digest.
    function assertion(uint256 secret, bytes32 digest, bytes1 flags) internal pure returns (bytes memory) {
        bytes memory authenticatorData = abi.encodePacked(sha256("piste.example"), flags, uint32(7));
        string memory clientData = string.concat(
            string(TYPE_FIELD),
            '"challenge":"',
            Base64.encodeURL(abi.encodePacked(digest)),
            '","origin":"https://piste.example","crossOrigin":false}'
        );
        (bytes32 r, bytes32 s) = signLow(secret, sha256(abi.encodePacked(authenticatorData, sha256(bytes(clientData)))));
        return abi.encode(r, s, TYPE_FIELD.length, uint256(1), authenticatorData, clientData);
    }

    function signLow(uint256 secret, bytes32 digest) internal pure returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(secret, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
    }
}
