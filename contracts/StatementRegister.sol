// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @notice A signature and who gave it.
/// @param signer ERC-7913 signer: 20 bytes of an address, or a verifier's address followed by a key of 64 bytes.
/// @param signature What the signer's kind of key produced over the statement's digest.
struct Signed {
    bytes signer;
    bytes signature;
}

/// @title What every contract that takes signed statements has in common
/// @notice A statement is a typed message (EIP-712); its digest is its name, and each is recorded at most once.
abstract contract StatementRegister is EIP712 {
    mapping(bytes32 statement => uint256 blockNumber) private _recordedAt;

    /// @notice A statement was checked and has taken effect; the events that follow say what it changed.
    /// @param statement Digest of the statement.
    /// @param subject Identifier of what the statement is about.
    /// @param organisation Organisation of the first signer.
    /// @param keyId Hash of the first signer.
    event StatementRecorded(
        bytes32 indexed statement, bytes32 indexed subject, bytes32 indexed organisation, bytes32 keyId
    );

    /// @notice The statement has already taken effect.
    error StatementRegisterAlreadyRecorded(bytes32 statement, uint256 blockNumber);

    /// @notice Fixes the signing domain that all statements share.
    constructor() EIP712("Piste", "1") {}

    /// @notice Tells whether and when a statement took effect here. Statements that are kept under what they are about have
    /// a function of their own: MaterialCertificates.filedAt, EvidenceLog.anchoredAt.
    /// @param statement Digest of the statement.
    /// @return blockNumber Block of the record, 0 where there is none.
    function recordedAt(bytes32 statement) external view returns (uint256 blockNumber) {
        return _recordedAt[statement];
    }

    /// @dev Keeps the single record of a statement and tells the world.
    function _record(bytes32 statement, bytes32 subject, bytes32 organisation, bytes32 keyId) internal {
        _recordedAt[statement] = block.number;
        emit StatementRecorded(statement, subject, organisation, keyId);
    }

    /// @dev Comes before every other check, so that sending a statement again always gives the same answer.
    function _requireNew(bytes32 statement) internal view {
        uint256 blockNumber = _recordedAt[statement];
        if (blockNumber != 0) revert StatementRegisterAlreadyRecorded(statement, blockNumber);
    }
}
