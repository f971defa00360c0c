// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Roles} from "./Roles.sol";
import {Signed, StatementRegister} from "./StatementRegister.sol";

/// @notice A founder of the consortium and the key that speaks for it.
/// @param organisation Identifier of the founding organisation.
/// @param signer ERC-7913 signer.
struct FoundingMember {
    bytes32 organisation;
    bytes signer;
}

/// @notice An organisation's place in the consortium.
/// @param organisation Identifier.
/// @param roles The most that keys of this organisation may hold.
/// @param validFrom First second of validity.
/// @param validUntil Last second of validity.
struct Organisation {
    bytes32 organisation;
    uint256 roles;
    uint64 validFrom;
    uint64 validUntil;
}

/// @notice A key given to an officer or a device.
/// @param organisation Organisation that answers for the key.
/// @param officer Person or device behind the key; several keys may belong to one officer.
/// @param signer ERC-7913 signer.
/// @param roles What the key may sign for.
/// @param validFrom First second of validity.
/// @param validUntil Last second of validity.
struct KeyGrant {
    bytes32 organisation;
    bytes32 officer;
    bytes signer;
    uint256 roles;
    uint64 validFrom;
    uint64 validUntil;
}

/// @notice One step in the life of the consortium, signed by enough founding members.
/// @param sequence Number of the step, one more than the last.
/// @param organisations Admitted, or changed where already known.
/// @param grants Keys granted, or renewed for the same officer.
/// @param revocations Key ids that are void from now on.
struct ConsortiumChange {
    uint64 sequence;
    Organisation[] organisations;
    KeyGrant[] grants;
    bytes32[] revocations;
}

/// @notice Another key speaks for a founding organisation, signed by enough founding members.
/// @param sequence Number of the step, one more than the last change or replacement.
/// @param organisation The founding organisation.
/// @param signer Its new ERC-7913 signer; the old one is void at once.
struct FounderReplacement {
    uint64 sequence;
    bytes32 organisation;
    bytes signer;
}

/// @title The register of organisations and of their officers' keys
/// @notice Nobody owns it: a change takes the signatures of as many founding members as the threshold says.
contract Consortium is StatementRegister {
    /// @notice What the register knows of an organisation; one that was never admitted has the number 0.
    struct OrganisationRecord {
        uint32 roles;
        uint64 validFrom;
        uint64 validUntil;
        uint24 number;
    }

    /// @notice What the register knows of a key; a key that was never granted has no organisation.
    struct KeyRecord {
        bytes32 organisation;
        bytes32 officer;
        uint32 roles;
        uint64 validFrom;
        uint64 validUntil;
        uint64 revokedAt;
    }

    bytes32 private constant ORGANISATION_TYPE =
        keccak256("Organisation(bytes32 organisation,uint256 roles,uint64 validFrom,uint64 validUntil)");
    bytes32 private constant KEY_GRANT_TYPE = keccak256(
        "KeyGrant(bytes32 organisation,bytes32 officer,bytes signer,uint256 roles,uint64 validFrom,uint64 validUntil)"
    );
    bytes32 private constant CONSORTIUM_CHANGE_TYPE = keccak256(
        "ConsortiumChange(uint64 sequence,Organisation[] organisations,KeyGrant[] grants,bytes32[] revocations)"
        "KeyGrant(bytes32 organisation,bytes32 officer,bytes signer,uint256 roles,uint64 validFrom,uint64 validUntil)"
        "Organisation(bytes32 organisation,uint256 roles,uint64 validFrom,uint64 validUntil)"
    );
    bytes32 private constant FOUNDER_REPLACEMENT_TYPE =
        keccak256("FounderReplacement(uint64 sequence,bytes32 organisation,bytes signer)");
    uint256 private constant ADDRESS_LENGTH = 20;
    uint256 private constant VERIFIER_AND_KEY_LENGTH = 84;

    uint256 private immutable _threshold;
    uint64 private _sequence;
    bytes32[] private _admitted;
    bytes32[] private _foundingKeys;
    mapping(bytes32 keyId => bytes32 organisation) private _founders;
    mapping(bytes32 organisation => OrganisationRecord) private _organisations;
    mapping(bytes32 keyId => KeyRecord) private _keys;

    /// @notice An organisation was admitted, or its roles or validity changed.
    /// @param organisation Identifier.
    /// @param roles The most that its keys may hold.
    /// @param validFrom First second of validity.
    /// @param validUntil Last second of validity.
    event OrganisationAdmitted(bytes32 indexed organisation, uint256 roles, uint64 validFrom, uint64 validUntil);

    /// @notice A key was granted or renewed.
    /// @param keyId Hash of the signer.
    /// @param organisation Organisation that answers for the key.
    /// @param officer Person or device behind the key.
    /// @param signer ERC-7913 signer.
    /// @param roles What the key may sign for.
    /// @param validFrom First second of validity.
    /// @param validUntil Last second of validity.
    event KeyGranted(
        bytes32 indexed keyId,
        bytes32 indexed organisation,
        bytes32 indexed officer,
        bytes signer,
        uint256 roles,
        uint64 validFrom,
        uint64 validUntil
    );

    /// @notice A key is void from this block on.
    /// @param keyId Hash of the signer.
    event KeyRevoked(bytes32 indexed keyId);

    /// @notice Another key speaks for a founding organisation from this block on.
    /// @param organisation The founding organisation.
    /// @param oldKeyId Hash of the signer that is void now.
    /// @param keyId Hash of the new signer.
    /// @param signer The new ERC-7913 signer.
    event FounderReplaced(bytes32 indexed organisation, bytes32 indexed oldKeyId, bytes32 indexed keyId, bytes signer);

    /// @notice The threshold must lie between one and the number of founding members.
    error ConsortiumThresholdWrong(uint256 threshold, uint256 founders);
    /// @notice An identifier of an organisation or officer is empty.
    error ConsortiumIdentifierEmpty(bytes32 keyId);
    /// @notice A founding organisation or key is named twice.
    error ConsortiumFounderRepeated(bytes32 organisation, bytes32 keyId);
    /// @notice The signer is neither an address nor a verifier with code followed by a key.
    error ConsortiumSignerMalformed(bytes signer);
    /// @notice The change is not the next one.
    error ConsortiumSequenceWrong(uint64 expected, uint64 given);
    /// @notice Fewer founding members signed than the threshold asks for.
    error ConsortiumSignaturesMissing(uint256 needed, uint256 given);
    /// @notice A founding member signed twice.
    error ConsortiumSignatureRepeated(bytes32 keyId);
    /// @notice The key is not a founding member's.
    error ConsortiumFounderUnknown(bytes32 keyId);
    /// @notice The validity ends before it begins.
    error ConsortiumValidityEmpty(uint64 validFrom, uint64 validUntil);
    /// @notice A bit that stands for no role.
    error ConsortiumRolesUnknown(uint256 roles);
    /// @notice The organisation is not admitted.
    error ConsortiumOrganisationUnknown(bytes32 organisation);
    /// @notice The organisation's validity does not cover this moment.
    error ConsortiumOrganisationNotValid(bytes32 organisation, uint64 validFrom, uint64 validUntil, uint256 blockTime);
    /// @notice A key cannot hold more than its organisation.
    error ConsortiumRolesBeyondOrganisation(bytes32 organisation, uint256 allowed, uint256 given);
    /// @notice The key belongs to another officer; a key never changes hands.
    error ConsortiumKeyTaken(bytes32 keyId, bytes32 organisation, bytes32 officer);
    /// @notice The key was never granted.
    error ConsortiumKeyUnknown(bytes32 keyId);
    /// @notice The key was revoked.
    error ConsortiumKeyRevoked(bytes32 keyId, uint64 revokedAt);
    /// @notice The key's validity does not cover this moment.
    error ConsortiumKeyNotValid(bytes32 keyId, uint64 validFrom, uint64 validUntil, uint256 blockTime);
    /// @notice The key holds none of the roles that the statement needs.
    error ConsortiumRoleMissing(bytes32 keyId, uint256 held, uint256 needed);
    /// @notice The signature is not the key's over this digest.
    error ConsortiumSignatureWrong(bytes32 keyId, bytes32 digest);

    /// @notice Founds the consortium.
    /// @param founders Founding members, each organisation and each key once.
    /// @param threshold_ How many of them must sign a change.
    constructor(FoundingMember[] memory founders, uint8 threshold_) {
        if (threshold_ == 0 || threshold_ > founders.length) {
            revert ConsortiumThresholdWrong(threshold_, founders.length);
        }
        for (uint256 i = 0; i < founders.length; ++i) {
            bytes32 keyId = keccak256(founders[i].signer);
            bytes32 organisation_ = founders[i].organisation;
            if (organisation_ == 0) revert ConsortiumIdentifierEmpty(keyId);
            _requireWellFormed(founders[i].signer);
            for (uint256 j = 0; j < i; ++j) {
                if (founders[j].organisation == organisation_ || _foundingKeys[j] == keyId) {
                    revert ConsortiumFounderRepeated(organisation_, keyId);
                }
            }
            _founders[keyId] = organisation_;
            _foundingKeys.push(keyId);
        }
        _threshold = threshold_;
    }

    /// @notice Admits organisations, grants keys and revokes keys, in this order.
    /// @param statement The change.
    /// @param signatures At least as many as the threshold says, each of another founding member.
    function change(ConsortiumChange calldata statement, Signed[] calldata signatures) external {
        _acceptStep(hashConsortiumChange(statement), statement.sequence, signatures);
        for (uint256 i = 0; i < statement.organisations.length; ++i) {
            _admit(statement.organisations[i]);
        }
        for (uint256 i = 0; i < statement.grants.length; ++i) {
            _grant(statement.grants[i]);
        }
        for (uint256 i = 0; i < statement.revocations.length; ++i) {
            _revoke(statement.revocations[i]);
        }
    }

    /// @notice Replaces the key of a founding organisation that is lost or in the wrong hands.
    /// @param statement The replacement.
    /// @param signatures At least as many as the threshold says, each of another founding member; the old key counts too.
    function replaceFounder(FounderReplacement calldata statement, Signed[] calldata signatures) external {
        _acceptStep(hashFounderReplacement(statement), statement.sequence, signatures);
        bytes32 organisation_ = statement.organisation;
        bytes32 keyId = keccak256(statement.signer);
        _requireWellFormed(statement.signer);
        if (_founders[keyId] != 0) revert ConsortiumFounderRepeated(organisation_, keyId);
        uint256 place = 0;
        while (place < _foundingKeys.length && _founders[_foundingKeys[place]] != organisation_) {
            ++place;
        }
        if (place == _foundingKeys.length) revert ConsortiumOrganisationUnknown(organisation_);
        bytes32 oldKeyId = _foundingKeys[place];
        delete _founders[oldKeyId];
        _founders[keyId] = organisation_;
        _foundingKeys[place] = keyId;
        emit FounderReplaced(organisation_, oldKeyId, keyId, statement.signer);
    }

    /// @notice Checks that a signature counts at this moment; reverts with the reason where it does not.
    /// @param signer ERC-7913 signer.
    /// @param digest What was signed.
    /// @param signature The signature.
    /// @param needed Roles of which the key must hold at least one.
    /// @return organisation_ Organisation that answers for the key.
    /// @return officer Person or device behind the key.
    /// @return number Number of the organisation, for whoever has little room.
    function check(bytes calldata signer, bytes32 digest, bytes calldata signature, uint256 needed)
        external
        view
        returns (bytes32 organisation_, bytes32 officer, uint24 number)
    {
        bytes32 keyId = keccak256(signer);
        KeyRecord storage key_ = _keys[keyId];
        organisation_ = key_.organisation;
        if (organisation_ == 0) revert ConsortiumKeyUnknown(keyId);
        if (key_.revokedAt != 0) revert ConsortiumKeyRevoked(keyId, key_.revokedAt);
        if (block.timestamp < key_.validFrom || block.timestamp > key_.validUntil) {
            revert ConsortiumKeyNotValid(keyId, key_.validFrom, key_.validUntil, block.timestamp);
        }
        OrganisationRecord storage member = _organisations[organisation_];
        if (block.timestamp < member.validFrom || block.timestamp > member.validUntil) {
            revert ConsortiumOrganisationNotValid(organisation_, member.validFrom, member.validUntil, block.timestamp);
        }
        uint256 held = key_.roles & member.roles;
        if (held & needed == 0) revert ConsortiumRoleMissing(keyId, held, needed);
        if (!SignatureChecker.isValidSignatureNow(signer, digest, signature)) {
            revert ConsortiumSignatureWrong(keyId, digest);
        }
        officer = key_.officer;
        number = member.number;
    }

    /// @notice The organisation that has a number; numbers are given from 1 in the order of admission.
    /// @param number Number.
    /// @return Identifier, 0 where no organisation has the number.
    function organisationAt(uint24 number) external view returns (bytes32) {
        return number == 0 || number > _admitted.length ? bytes32(0) : _admitted[number - 1];
    }

    /// @notice What the register knows of an organisation.
    /// @param organisation_ Identifier.
    /// @return The record, empty where the organisation was never admitted.
    function organisation(bytes32 organisation_) external view returns (OrganisationRecord memory) {
        return _organisations[organisation_];
    }

    /// @notice What the register knows of a key.
    /// @param keyId Hash of the signer.
    /// @return The record, empty where the key was never granted.
    function key(bytes32 keyId) external view returns (KeyRecord memory) {
        return _keys[keyId];
    }

    /// @notice The roles that a key may use: its own, as far as its organisation holds them. Validity is not looked at.
    /// @param keyId Hash of the signer.
    /// @return Sum of roles.
    function rolesOf(bytes32 keyId) external view returns (uint256) {
        KeyRecord storage key_ = _keys[keyId];
        return key_.roles & _organisations[key_.organisation].roles;
    }

    /// @notice Number of the last change.
    /// @return 0 before the first change.
    function sequence() external view returns (uint64) {
        return _sequence;
    }

    /// @notice How many founding members must sign a change.
    /// @return Number of signatures.
    function threshold() external view returns (uint256) {
        return _threshold;
    }

    /// @notice The keys of the founding members.
    /// @return Key ids in the order of the founding; a replaced key's successor stands in its place.
    function foundingKeys() external view returns (bytes32[] memory) {
        return _foundingKeys;
    }

    /// @notice The founding organisation that a key speaks for.
    /// @param keyId Hash of the signer.
    /// @return Identifier, 0 where the key is no founder's.
    function founderOf(bytes32 keyId) external view returns (bytes32) {
        return _founders[keyId];
    }

    /// @notice The digest that founding members sign.
    /// @param statement The change.
    /// @return EIP-712 digest.
    function hashConsortiumChange(ConsortiumChange calldata statement) public view returns (bytes32) {
        bytes32[] memory organisations = new bytes32[](statement.organisations.length);
        for (uint256 i = 0; i < organisations.length; ++i) {
            Organisation calldata entry = statement.organisations[i];
            organisations[i] = keccak256(
                abi.encode(ORGANISATION_TYPE, entry.organisation, entry.roles, entry.validFrom, entry.validUntil)
            );
        }
        bytes32[] memory grants = new bytes32[](statement.grants.length);
        for (uint256 i = 0; i < grants.length; ++i) {
            grants[i] = _hashGrant(statement.grants[i]);
        }
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    CONSORTIUM_CHANGE_TYPE,
                    statement.sequence,
                    keccak256(abi.encodePacked(organisations)),
                    keccak256(abi.encodePacked(grants)),
                    keccak256(abi.encodePacked(statement.revocations))
                )
            )
        );
    }

    /// @notice The digest that founding members sign to replace a key.
    /// @param statement The replacement.
    /// @return EIP-712 digest.
    function hashFounderReplacement(FounderReplacement calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    FOUNDER_REPLACEMENT_TYPE, statement.sequence, statement.organisation, keccak256(statement.signer)
                )
            )
        );
    }

    function _acceptStep(bytes32 digest, uint64 step, Signed[] calldata signatures) private {
        _requireNew(digest);
        if (step != _sequence + 1) revert ConsortiumSequenceWrong(_sequence + 1, step);
        (bytes32 founder, bytes32 keyId) = _checkFounders(digest, signatures);
        _sequence = step;
        _record(digest, bytes32(uint256(step)), founder, keyId);
    }

    function _admit(Organisation calldata entry) private {
        if (entry.organisation == 0) revert ConsortiumIdentifierEmpty(0);
        _requireMeaningful(entry.roles, entry.validFrom, entry.validUntil);
        OrganisationRecord storage member = _organisations[entry.organisation];
        if (member.number == 0) {
            _admitted.push(entry.organisation);
            member.number = uint24(_admitted.length);
        }
        member.roles = uint32(entry.roles);
        member.validFrom = entry.validFrom;
        member.validUntil = entry.validUntil;
        emit OrganisationAdmitted(entry.organisation, entry.roles, entry.validFrom, entry.validUntil);
    }

    function _grant(KeyGrant calldata entry) private {
        bytes32 keyId = keccak256(entry.signer);
        if (entry.officer == 0) revert ConsortiumIdentifierEmpty(keyId);
        _requireWellFormed(entry.signer);
        _requireMeaningful(entry.roles, entry.validFrom, entry.validUntil);
        OrganisationRecord storage member = _organisations[entry.organisation];
        if (member.number == 0) revert ConsortiumOrganisationUnknown(entry.organisation);
        if (entry.roles & ~uint256(member.roles) != 0) {
            revert ConsortiumRolesBeyondOrganisation(entry.organisation, member.roles, entry.roles);
        }
        KeyRecord storage key_ = _keys[keyId];
        if (key_.revokedAt != 0) revert ConsortiumKeyRevoked(keyId, key_.revokedAt);
        if (key_.organisation != 0 && (key_.organisation != entry.organisation || key_.officer != entry.officer)) {
            revert ConsortiumKeyTaken(keyId, key_.organisation, key_.officer);
        }
        key_.organisation = entry.organisation;
        key_.officer = entry.officer;
        key_.roles = uint32(entry.roles);
        key_.validFrom = entry.validFrom;
        key_.validUntil = entry.validUntil;
        emit KeyGranted(
            keyId, entry.organisation, entry.officer, entry.signer, entry.roles, entry.validFrom, entry.validUntil
        );
    }

    function _revoke(bytes32 keyId) private {
        KeyRecord storage key_ = _keys[keyId];
        if (key_.organisation == 0) revert ConsortiumKeyUnknown(keyId);
        if (key_.revokedAt != 0) revert ConsortiumKeyRevoked(keyId, key_.revokedAt);
        key_.revokedAt = uint64(block.timestamp);
        emit KeyRevoked(keyId);
    }

    function _checkFounders(bytes32 digest, Signed[] calldata signatures)
        private
        view
        returns (bytes32 firstFounder, bytes32 firstKey)
    {
        if (signatures.length < _threshold) revert ConsortiumSignaturesMissing(_threshold, signatures.length);
        bytes32[] memory seen = new bytes32[](signatures.length);
        for (uint256 i = 0; i < signatures.length; ++i) {
            bytes32 keyId = keccak256(signatures[i].signer);
            if (_founders[keyId] == 0) revert ConsortiumFounderUnknown(keyId);
            for (uint256 j = 0; j < i; ++j) {
                if (seen[j] == keyId) revert ConsortiumSignatureRepeated(keyId);
            }
            if (!SignatureChecker.isValidSignatureNow(signatures[i].signer, digest, signatures[i].signature)) {
                revert ConsortiumSignatureWrong(keyId, digest);
            }
            seen[i] = keyId;
        }
        return (_founders[seen[0]], seen[0]);
    }

    function _requireWellFormed(bytes memory signer) private view {
        // The first 20 bytes are the verifier: cutting off the key is what is meant.
        // forge-lint: disable-next-line(unsafe-typecast)
        address verifier = address(bytes20(signer));
        bool withVerifier = signer.length == VERIFIER_AND_KEY_LENGTH && verifier.code.length != 0;
        bool wellFormed = signer.length == ADDRESS_LENGTH || withVerifier;
        if (!wellFormed) revert ConsortiumSignerMalformed(signer);
    }

    function _requireMeaningful(uint256 roles, uint64 validFrom, uint64 validUntil) private pure {
        if (roles & ~Roles.ALL != 0) revert ConsortiumRolesUnknown(roles);
        if (validUntil < validFrom) revert ConsortiumValidityEmpty(validFrom, validUntil);
    }

    function _hashGrant(KeyGrant calldata entry) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                KEY_GRANT_TYPE,
                entry.organisation,
                entry.officer,
                keccak256(entry.signer),
                entry.roles,
                entry.validFrom,
                entry.validUntil
            )
        );
    }
}
