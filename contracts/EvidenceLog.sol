// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "./Consortium.sol";
import {OfficerStatements} from "./OfficerStatements.sol";
import {Roles} from "./Roles.sol";
import {Slots} from "./Slots.sol";
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

/// @notice A member vouches for a checkpoint that it has checked against its own copy.
/// @param size Number of leaves.
/// @param root Root over them.
/// @param signedAt When the witness signed, in Unix seconds.
struct CheckpointWitness {
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
/// @notice The log only grows: each checkpoint proves that the one before is its beginning. Members co-sign checkpoints.
contract EvidenceLog is OfficerStatements {
    bytes32 private constant CHECKPOINT_TYPE = keccak256("Checkpoint(uint64 size,bytes32 root,uint64 signedAt)");
    bytes32 private constant EVIDENCE_TYPE =
        keccak256("Evidence(bytes32 subject,bytes32 kind,bytes32 contentHash,uint64 signedAt)");
    bytes32 private constant CHECKPOINT_WITNESS_TYPE =
        keccak256("CheckpointWitness(uint64 size,bytes32 root,uint64 signedAt)");

    bytes32 private _lastRoot;
    uint256 private _lastSizeAndTime;
    mapping(bytes32 sizeAndRoot => uint256 slot) private _anchors;
    mapping(uint64 size => uint256) private _witnesses;
    mapping(uint64 size => mapping(bytes32 organisation => bool)) private _witnessed;

    /// @notice A checkpoint was anchored.
    /// @param size Number of leaves.
    /// @param root Root over them.
    event CheckpointAnchored(uint64 indexed size, bytes32 root);
    /// @notice A member vouches for a checkpoint.
    /// @param size Number of leaves.
    /// @param root Root over them.
    /// @param organisation The member.
    event CheckpointWitnessed(uint64 indexed size, bytes32 root, bytes32 indexed organisation);

    /// @notice The log cannot lose leaves.
    error EvidenceLogShrunk(uint64 last, uint64 given);
    /// @notice The checkpoint holds no leaf more than the last.
    error EvidenceLogNotGrown(uint64 size);
    /// @notice Another root over as many leaves: the past was changed.
    error EvidenceLogForked(uint64 size, bytes32 last, bytes32 given);
    /// @notice The proof does not show that the last checkpoint is the beginning of this one.
    error EvidenceLogInconsistent(uint64 lastSize, bytes32 lastRoot, uint64 size, bytes32 root);
    /// @notice No such checkpoint is anchored.
    error EvidenceLogNotAnchored(uint64 size, bytes32 root);
    /// @notice The organisation has vouched for this checkpoint before.
    error EvidenceLogWitnessRepeated(uint64 size, bytes32 organisation);

    /// @notice Starts with the empty log.
    /// @param consortium_ The register of organisations and keys.
    constructor(Consortium consortium_) OfficerStatements(consortium_) {
        _lastRoot = sha256("");
    }

    /// @notice Anchors a checkpoint.
    /// @param statement What the log signed.
    /// @param proof Consistency proof from the last checkpoint to this one, RFC 6962 section 2.1.2; empty where the
    /// last one held no leaf.
    /// @param by A key with the role LOG.
    function anchor(Checkpoint calldata statement, bytes32[] calldata proof, Signed calldata by) external {
        bytes32 digest = hashCheckpoint(statement);
        // Kept under size and root, because a witness names these: one slot serves both questions.
        bytes32 key = _anchorKey(statement.size, statement.root);
        uint256 record = _anchors[key];
        if (Slots.isOf(record, digest)) revert StatementRegisterAlreadyRecorded(digest, Slots.blockOf(record));
        (bytes32 organisation,,) = consortium().check(by.signer, digest, by.signature, Roles.LOG);
        // forge-lint: disable-next-line(unsafe-typecast)
        (uint64 size, bytes32 root) = (uint64(_lastSizeAndTime), _lastRoot);
        if (statement.size < size) revert EvidenceLogShrunk(size, statement.size);
        if (statement.size == size) {
            if (statement.root != root) revert EvidenceLogForked(size, root, statement.root);
            revert EvidenceLogNotGrown(size);
        }
        if (!_isConsistent(size, root, statement.size, statement.root, proof)) {
            revert EvidenceLogInconsistent(size, root, statement.size, statement.root);
        }
        _anchors[key] = Slots.pack(block.number, digest);
        _lastSizeAndTime = statement.size | uint256(statement.signedAt) << 64;
        _lastRoot = statement.root;
        emit StatementRecorded(digest, bytes32(uint256(statement.size)), organisation, keccak256(by.signer));
        emit CheckpointAnchored(statement.size, statement.root);
    }

    /// @notice Takes a member's word for a checkpoint, once a member.
    /// @param statement What the witness signed.
    /// @param by A key with the role WITNESS.
    function witness(CheckpointWitness calldata statement, Signed calldata by) external {
        uint64 size = statement.size;
        (bytes32 organisation,) = _accept(hashCheckpointWitness(statement), bytes32(uint256(size)), Roles.WITNESS, by);
        if (anchoredAt(size, statement.root) == 0) revert EvidenceLogNotAnchored(size, statement.root);
        if (_witnessed[size][organisation]) revert EvidenceLogWitnessRepeated(size, organisation);
        _witnessed[size][organisation] = true;
        ++_witnesses[size];
        emit CheckpointWitnessed(size, statement.root, organisation);
    }

    /// @notice The last checkpoint.
    /// @return Size 0 and the root of the empty tree before the first.
    function checkpoint() external view returns (Checkpoint memory) {
        // The size is in the lower half of the slot.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Checkpoint(uint64(_lastSizeAndTime), _lastRoot, uint64(_lastSizeAndTime >> 64));
    }

    /// @notice How many members vouch for the checkpoint of a size.
    /// @param size Number of leaves.
    /// @return Number of organisations.
    function witnesses(uint64 size) external view returns (uint256) {
        return _witnesses[size];
    }

    /// @notice Tells whether a member vouches for the checkpoint of a size.
    /// @param size Number of leaves.
    /// @param organisation The member.
    /// @return True once it has.
    function isWitness(uint64 size, bytes32 organisation) external view returns (bool) {
        return _witnessed[size][organisation];
    }

    /// @notice Tells whether and when a checkpoint was anchored.
    /// @param size Number of leaves.
    /// @param root Root over them.
    /// @return Block of the record, 0 where there is none.
    function anchoredAt(uint64 size, bytes32 root) public view returns (uint256) {
        return Slots.blockOf(_anchors[_anchorKey(size, root)]);
    }

    /// @notice The digest that the log signs.
    /// @param statement The checkpoint.
    /// @return EIP-712 digest.
    function hashCheckpoint(Checkpoint calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHECKPOINT_TYPE, statement)));
    }

    /// @notice The digest that a witness signs.
    /// @param statement The checkpoint vouched for.
    /// @return EIP-712 digest.
    function hashCheckpointWitness(CheckpointWitness calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHECKPOINT_WITNESS_TYPE, statement)));
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
        view
        returns (bool)
    {
        if (size == 0) return proof.length == 0;
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

    function _anchorKey(uint64 size, bytes32 root) private pure returns (bytes32) {
        return keccak256(abi.encode(size, root));
    }

    /// @dev SHA-256 over 0x01, left, right, in free memory: a proof takes dozens of these.
    function _node(bytes32 left, bytes32 right) private view returns (bytes32 node) {
        assembly ("memory-safe") {
            let place := mload(0x40)
            mstore8(place, 1)
            mstore(add(place, 0x01), left)
            mstore(add(place, 0x21), right)
            // The precompile fails only where there is no gas left for anything; nothing is then consistent.
            let done := staticcall(gas(), 0x02, place, 0x41, 0x00, 0x20)
            node := mul(mload(0x00), done)
        }
    }
}
