// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "./Consortium.sol";
import {OfficerStatements} from "./OfficerStatements.sol";
import {Roles} from "./Roles.sol";
import {Signed} from "./StatementRegister.sol";

/// @notice What the evidence log held at one moment.
/// @param size Number of leaves.
/// @param root Root of the tree over them, RFC 6962 with SHA-256.
/// @param signedAt When the log signed, in Unix seconds.
struct Checkpoint {
    uint64 size;
    bytes32 root;
    uint64 signedAt;
}

/// @notice A leaf of the log, signed by the device that saw it; never sent to the chain.
/// @param subject Identifier of what it is about.
/// @param kind Hash that names the kind of evidence.
/// @param contentHash Hash over the evidence.
/// @param signedAt When the device signed, in Unix seconds.
struct Evidence {
    bytes32 subject;
    bytes32 kind;
    bytes32 contentHash;
    uint64 signedAt;
}

/// @title Checkpoints of the evidence log
/// @notice The log only grows: each checkpoint proves that the one before is its beginning.
contract EvidenceLog is OfficerStatements {
    bytes32 private constant CHECKPOINT_TYPE = keccak256("Checkpoint(uint64 size,bytes32 root,uint64 signedAt)");
    bytes32 private constant EVIDENCE_TYPE =
        keccak256("Evidence(bytes32 subject,bytes32 kind,bytes32 contentHash,uint64 signedAt)");
    bytes1 private constant NODE_PREFIX = 0x01;

    Checkpoint private _last;

    /// @notice A checkpoint was anchored.
    /// @param size Number of leaves.
    /// @param root Root over them.
    event CheckpointAnchored(uint64 indexed size, bytes32 root);

    /// @notice The log cannot lose leaves.
    error EvidenceLogShrunk(uint64 last, uint64 given);
    /// @notice Another root over as many leaves: the past was changed.
    error EvidenceLogForked(uint64 size, bytes32 last, bytes32 given);
    /// @notice The proof does not show that the last checkpoint is the beginning of this one.
    error EvidenceLogInconsistent(uint64 lastSize, bytes32 lastRoot, uint64 size, bytes32 root);

    /// @notice Starts with the empty log.
    /// @param consortium_ The register of organisations and keys.
    constructor(Consortium consortium_) OfficerStatements(consortium_) {
        _last.root = sha256("");
    }

    /// @notice Anchors a checkpoint.
    /// @param statement What the log signed.
    /// @param proof Consistency proof from the last checkpoint to this one, RFC 6962 section 2.1.2; empty where the
    /// last one held no leaf or as many.
    /// @param by A key with the role LOG.
    function anchor(Checkpoint calldata statement, bytes32[] calldata proof, Signed calldata by) external {
        _accept(hashCheckpoint(statement), bytes32(uint256(statement.size)), Roles.LOG, by);
        (uint64 size, bytes32 root) = (_last.size, _last.root);
        if (statement.size < size) revert EvidenceLogShrunk(size, statement.size);
        if (statement.size == size && statement.root != root) {
            revert EvidenceLogForked(size, root, statement.root);
        }
        if (!_isConsistent(size, root, statement.size, statement.root, proof)) {
            revert EvidenceLogInconsistent(size, root, statement.size, statement.root);
        }
        _last = statement;
        emit CheckpointAnchored(statement.size, statement.root);
    }

    /// @notice The last checkpoint.
    /// @return Size 0 and the root of the empty tree before the first.
    function checkpoint() external view returns (Checkpoint memory) {
        return _last;
    }

    /// @notice The digest that the log signs.
    /// @param statement The checkpoint.
    /// @return EIP-712 digest.
    function hashCheckpoint(Checkpoint calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHECKPOINT_TYPE, statement)));
    }

    /// @notice The digest that a device signs.
    /// @param statement The evidence.
    /// @return EIP-712 digest.
    function hashEvidence(Evidence calldata statement) external view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(EVIDENCE_TYPE, statement)));
    }

    /// @dev RFC 9162 section 2.1.4.2, which verifies the proofs of RFC 6962.
    function _isConsistent(uint64 size, bytes32 root, uint64 nextSize, bytes32 nextRoot, bytes32[] calldata proof)
        private
        pure
        returns (bool)
    {
        if (size == 0 || size == nextSize) return proof.length == 0;
        uint64 place = size - 1;
        uint64 end = nextSize - 1;
        while (place & 1 == 1) {
            place >>= 1;
            end >>= 1;
        }
        // Where the old size is a power of two, its root is itself a node of the new tree and left out of the proof.
        uint256 used = 0;
        bytes32 oldRoot = root;
        if (place != 0) {
            if (proof.length == 0) return false;
            oldRoot = proof[0];
            used = 1;
        }
        bytes32 newRoot = oldRoot;
        for (; used < proof.length; ++used) {
            if (end == 0) return false;
            bytes32 sibling = proof[used];
            if (place & 1 == 1 || place == end) {
                oldRoot = _node(sibling, oldRoot);
                newRoot = _node(sibling, newRoot);
                while (place & 1 == 0 && place != 0) {
                    place >>= 1;
                    end >>= 1;
                }
            } else {
                newRoot = _node(newRoot, sibling);
            }
            place >>= 1;
            end >>= 1;
        }
        return end == 0 && oldRoot == root && newRoot == nextRoot;
    }

    function _node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(NODE_PREFIX, left, right));
    }
}
