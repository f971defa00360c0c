// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "../Consortium.sol";
import {Checkpoint, CheckpointWitness, Evidence, EvidenceLog} from "../EvidenceLog.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {Officer} from "./Officers.sol";
import {HashTree} from "./HashTree.sol";
import {World} from "./World.sol";

/// @title A log that only grows
contract EvidenceLogTest is World {
    uint256 private constant SALT = 1;
    uint256 private constant OTHER_SALT = 2;
    uint256 private constant MOST = 40;

    function test_ItStartsEmpty() public view {
        assertEq(log.checkpoint().size, 0);
        assertEq(log.checkpoint().root, sha256(""));
    }

    function test_ACheckpointIsAnchored() public {
        Checkpoint memory statement = Checkpoint(3, HashTree.root(SALT, 0, 3), START);
        bytes32 digest = log.hashCheckpoint(statement);
        Signed memory by = sign(sequencer, digest);
        vm.expectEmit(address(log));
        emit StatementRegister.StatementRecorded(digest, bytes32(uint256(3)), OPERATOR, keyOf(sequencer));
        vm.expectEmit(address(log));
        emit EvidenceLog.CheckpointAnchored(3, statement.root);
        log.anchor(statement, new bytes32[](0), by);
        assertEq(log.checkpoint().size, 3);
        assertEq(log.checkpoint().root, statement.root);
        assertEq(log.checkpoint().signedAt, START);
    }

    function test_EverySizeGrowsToEveryLargerOne() public {
        for (uint256 m = 0; m <= 17; ++m) {
            for (uint256 n = m + 1; n <= 17; ++n) {
                EvidenceLog fresh = EvidenceLog(deploy("EvidenceLog", abi.encode(consortium)));
                if (m != 0) _anchor(fresh, SALT, 0, m);
                _anchor(fresh, SALT, m, n);
                assertEq(fresh.checkpoint().size, n);
            }
        }
    }

    function test_AnySizeGrowsToAnyLargerOne(uint256 m, uint256 n) public {
        m = within(m, 0, MOST);
        n = within(n, m + 1, 2 * MOST);
        if (m != 0) _anchor(log, SALT, 0, m);
        _anchor(log, SALT, m, n);
        assertEq(log.checkpoint().root, HashTree.root(SALT, 0, n));
    }

    function test_AChangedPastIsRefused(uint256 m, uint256 n) public {
        m = within(m, 1, MOST);
        n = within(n, m + 1, MOST + 1);
        _anchor(log, SALT, 0, m);
        bytes32 root = HashTree.root(SALT, 0, m);
        Checkpoint memory forged = Checkpoint(uint64(n), HashTree.root(OTHER_SALT, 0, n), START);
        bytes32[] memory forgedProof = HashTree.consistency(OTHER_SALT, m, n);
        bytes32[] memory proof = HashTree.consistency(SALT, m, n);
        refuse(_inconsistent(uint64(m), root, forged));
        anchor(log, forged, forgedProof, sequencer);
        refuse(_inconsistent(uint64(m), root, forged));
        anchor(log, forged, proof, sequencer);
    }

    function test_AProofChangedAnywhereIsRefused(uint256 m, uint256 n, uint256 place, uint256 change) public {
        vm.assume(change != 0);
        m = within(m, 1, MOST);
        n = within(n, m + 1, MOST + 1);
        _anchor(log, SALT, 0, m);
        bytes32[] memory proof = HashTree.consistency(SALT, m, n);
        proof[place % proof.length] ^= bytes32(change);
        Checkpoint memory statement = Checkpoint(uint64(n), HashTree.root(SALT, 0, n), START);
        bytes memory refusal = _inconsistent(uint64(m), HashTree.root(SALT, 0, m), statement);
        refuse(refusal);
        anchor(log, statement, proof, sequencer);
    }

    function test_AProofTooShortOrTooLongIsRefused(uint256 m, uint256 n) public {
        m = within(m, 1, MOST);
        n = within(n, m + 1, MOST + 1);
        _anchor(log, SALT, 0, m);
        bytes32[] memory proof = HashTree.consistency(SALT, m, n);
        Checkpoint memory statement = Checkpoint(uint64(n), HashTree.root(SALT, 0, n), START);
        bytes memory refusal = _inconsistent(uint64(m), HashTree.root(SALT, 0, m), statement);
        bytes32[] memory longer = new bytes32[](proof.length + 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            longer[i] = proof[i];
        }
        refuse(refusal);
        anchor(log, statement, longer, sequencer);
        refuse(refusal);
        anchor(log, statement, new bytes32[](0), sequencer);
        assembly ("memory-safe") {
            mstore(proof, sub(mload(proof), 1))
        }
        refuse(refusal);
        anchor(log, statement, proof, sequencer);
    }

    function test_AProofWhereNoneIsDueIsRefused() public {
        Checkpoint memory statement = Checkpoint(3, HashTree.root(SALT, 0, 3), START);
        bytes memory refusal = _inconsistent(0, sha256(""), statement);
        refuse(refusal);
        anchor(log, statement, new bytes32[](1), sequencer);
    }

    function test_TheLogDoesNotShrink(uint64 size) public {
        _anchor(log, SALT, 0, 20);
        size = uint64(within(size, 0, 19));
        Checkpoint memory smaller = Checkpoint(size, HashTree.root(SALT, 0, size), START);
        refuse(abi.encodeWithSelector(EvidenceLog.EvidenceLogShrunk.selector, 20, size));
        anchor(log, smaller, new bytes32[](0), sequencer);
    }

    function test_OneSizeHasOneRoot(bytes32 root) public {
        bytes32 last = HashTree.root(SALT, 0, 5);
        vm.assume(root != last);
        _anchor(log, SALT, 0, 5);
        refuse(abi.encodeWithSelector(EvidenceLog.EvidenceLogForked.selector, 5, last, root));
        anchor(log, Checkpoint(5, root, START), new bytes32[](0), sequencer);
    }

    function test_EveryCheckpointHoldsMoreThanTheLast() public {
        refuse(abi.encodeWithSelector(EvidenceLog.EvidenceLogNotGrown.selector, 0));
        _anchor(log, SALT, 0, 0);
        _anchor(log, SALT, 0, 5);
        Checkpoint memory again = Checkpoint(5, HashTree.root(SALT, 0, 5), START);
        bytes32 digest = log.hashCheckpoint(again);
        refuse(
            abi.encodeWithSelector(StatementRegister.StatementRegisterAlreadyRecorded.selector, digest, block.number)
        );
        anchor(log, again, new bytes32[](0), sequencer);
        vm.warp(START + 60);
        refuse(abi.encodeWithSelector(EvidenceLog.EvidenceLogNotGrown.selector, 5));
        _anchor(log, SALT, 5, 5);
        _anchor(log, SALT, 5, 6);
        vm.roll(block.number + 1);
        // A statement that is not the last any more gets the same answer.
        refuse(
            abi.encodeWithSelector(
                StatementRegister.StatementRegisterAlreadyRecorded.selector, digest, block.number - 1
            )
        );
        anchor(log, again, new bytes32[](0), sequencer);
    }

    function test_MembersVouchForACheckpointOnceEach() public {
        _anchor(log, SALT, 0, 5);
        _anchor(log, SALT, 5, 9);
        bytes32 root = HashTree.root(SALT, 0, 5);
        assertEq(log.anchoredAt(5, root), block.number);
        assertEq(log.anchoredAt(9, root), 0);
        CheckpointWitness memory statement = CheckpointWitness(5, root, START);
        bytes32 digest = log.hashCheckpointWitness(statement);
        Signed memory by = sign(witness1, digest);
        vm.expectEmit(address(log));
        emit StatementRegister.StatementRecorded(digest, bytes32(uint256(5)), CUSTOMS, keyOf(witness1));
        vm.expectEmit(address(log));
        emit EvidenceLog.CheckpointWitnessed(5, root, CUSTOMS);
        log.witness(statement, by);
        assertEq(log.witnesses(5), 1);
        assertTrue(log.isWitness(5, CUSTOMS) && !log.isWitness(5, OCOG), "who vouches");
        statement.signedAt = START + 1;
        refuse(abi.encodeWithSelector(EvidenceLog.EvidenceLogWitnessRepeated.selector, 5, CUSTOMS));
        witness(log, statement, witness1);
        witness(log, statement, witness2);
        assertEq(log.witnesses(5), 2);
        assertEq(log.witnesses(9), 0);
        witness(log, CheckpointWitness(9, HashTree.root(SALT, 0, 9), START), witness1);
        assertEq(log.witnesses(9), 1);
    }

    function test_OnlyAnAnchoredCheckpointIsVouchedFor(uint64 size, bytes32 root) public {
        vm.assume(size != 5 || root != HashTree.root(SALT, 0, 5));
        _anchor(log, SALT, 0, 5);
        refuse(abi.encodeWithSelector(EvidenceLog.EvidenceLogNotAnchored.selector, size, root));
        witness(log, CheckpointWitness(size, root, START), witness1);
    }

    function test_OnlyAWitnessVouches() public {
        _anchor(log, SALT, 0, 5);
        refuse(
            abi.encodeWithSelector(
                Consortium.ConsortiumRoleMissing.selector, keyOf(sequencer), sequencer.roles, Roles.WITNESS
            )
        );
        witness(log, CheckpointWitness(5, HashTree.root(SALT, 0, 5), START), sequencer);
    }

    function test_OnlyTheLogAnchors() public {
        refuse(
            abi.encodeWithSelector(
                Consortium.ConsortiumRoleMissing.selector, keyOf(supervisor), supervisor.roles, Roles.LOG
            )
        );
        anchor(log, Checkpoint(1, "root", START), new bytes32[](0), supervisor);
    }

    function test_TheDigestsAreThoseOfEip712() public view {
        bytes32 checkpointType = keccak256("Checkpoint(uint64 size,bytes32 root,uint64 signedAt)");
        assertEq(
            log.hashCheckpoint(Checkpoint(5, "root", 6)),
            _digest(keccak256(abi.encode(checkpointType, 5, bytes32("root"), 6)))
        );
        bytes32 witnessType = keccak256("CheckpointWitness(uint64 size,bytes32 root,uint64 signedAt)");
        assertEq(
            log.hashCheckpointWitness(CheckpointWitness(5, "root", 6)),
            _digest(keccak256(abi.encode(witnessType, 5, bytes32("root"), 6)))
        );
        bytes32 evidenceType = keccak256("Evidence(bytes32 subject,bytes32 kind,bytes32 contentHash,uint64 signedAt)");
        assertEq(
            log.hashEvidence(Evidence("subject", "kind", "content", 6)),
            _digest(keccak256(abi.encode(evidenceType, bytes32("subject"), bytes32("kind"), bytes32("content"), 6)))
        );
    }

    function _anchor(EvidenceLog to, uint256 salt, uint256 m, uint256 n) private {
        Checkpoint memory statement = Checkpoint(uint64(n), HashTree.root(salt, 0, n), uint64(block.timestamp));
        anchor(to, statement, HashTree.consistency(salt, m, n), sequencer);
    }

    function _digest(bytes32 message) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(log)), message));
    }

    function _inconsistent(uint64 size, bytes32 root, Checkpoint memory given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(EvidenceLog.EvidenceLogInconsistent.selector, size, root, given.size, given.root);
    }
}
