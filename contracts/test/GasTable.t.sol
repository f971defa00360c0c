// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint, EvidenceLog} from "../EvidenceLog.sol";
import {Call} from "../Inbox.sol";
import {
    CertificateSubmission,
    DeclarationFiling,
    Draw,
    LineProof,
    MaterialCertificates
} from "../MaterialCertificates.sol";
import {Roles} from "../Roles.sol";
import {StatementRegister} from "../StatementRegister.sol";
import {HashTree} from "./HashTree.sol";
import {GoodsLine, Lists, PIECE} from "./Lists.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title What a draw and a checkpoint cost through the inbox, in whole transactions
/// @notice `forge test --isolate --match-contract GasTable -vv` prints them: base cost, input and refunds included, all
/// slots cold. The lines were drawn from before and stand in a list of 16. The node has the precompile for P-256. The
/// first checkpoint is of one leaf: it fills slots that later ones only change.
contract GasTableTest is World {
    uint32 private constant GOODS = 16;
    uint256 private constant DECLARED = 500_000;

    uint256 private _count;

    event log_named_uint(string key, uint256 val);

    function test_Draws() public {
        string[3] memory names = ["secp256k1", "P-256", "passkey"];
        uint256[2] memory limits = [uint256(75_000), 100_000];
        uint256[3] memory sizes = [uint256(1), 10, 50];
        _list();
        for (uint8 kind = 0; kind < 3; ++kind) {
            Officer memory by = newOfficer(Kind(kind), string.concat("broker with ", names[kind]), FIRM, Roles.BROKER);
            apply_(granting(by));
            for (uint256 i = 0; i < sizes.length; ++i) {
                uint256 used = _submit(_draws(sizes[i], 1, by));
                _say(string.concat("filing of 1 draw, ", names[kind], ", batch of ", _text(sizes[i])), used / sizes[i]);
            }
            string memory what = string.concat("draw, 4 a filing, ", names[kind], ", batch of 48");
            uint256 each = _submit(_draws(12, 4, by)) / 48;
            _say(what, each);
            assertAtMost(what, each, limits[kind == 0 ? 0 : 1]);
        }
    }

    function test_Checkpoints() public {
        uint256[5] memory sizes = [uint256(1), 1000, 2000, 3000, 9000];
        for (uint256 i = 0; i < sizes.length; ++i) {
            uint256 from = i == 0 ? 0 : sizes[i - 1];
            Checkpoint memory point = Checkpoint(uint64(sizes[i]), HashTree.root(1, 0, sizes[i]), START);
            bytes32 digest = log.hashCheckpoint(point);
            bytes memory data = abi.encodeCall(
                EvidenceLog.anchor, (point, HashTree.consistency(1, from, sizes[i]), sign(sequencer, digest))
            );
            Call[] memory calls = new Call[](1);
            calls[0] = Call(address(log), DECLARED, digest, data);
            uint256 used = _submit(calls);
            string memory what = string.concat("checkpoint, from ", _text(from), " to ", _text(sizes[i]), " leaves");
            _say(what, used);
        }
    }

    function _list() private {
        CertificateSubmission memory statement = submission(LETTER, 1);
        statement.linesRoot = Lists.root(LETTER, _goods());
        submit(statement, broker);
        review(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), committee);
        review(reviewOf(LETTER, 1, CUSTOMS_PARTY, CONFIRM), documents);
        inbox.submit(_draws(GOODS, 1, broker));
    }

    function _draws(uint256 size, uint256 each, Officer memory by) private returns (Call[] memory calls) {
        calls = new Call[](size);
        for (uint256 i = 0; i < size; ++i) {
            bytes32 id = bytes32(bytes16(keccak256(abi.encode(++_count))));
            Draw[] memory list = new Draw[](each);
            LineProof[] memory proofs = new LineProof[](each);
            for (uint256 j = 0; j < each; ++j) {
                uint256 line = (i * each + j) % GOODS;
                list[j] = Draw(LETTER, uint32(1 + line), PIECE, uint128(12e6 + _count));
                proofs[j] = LineProof(type(uint64).max, Lists.proof(LETTER, _goods(), line));
            }
            DeclarationFiling memory statement = filing(id, 1, list);
            bytes32 digest = certificates.hashDeclarationFiling(statement);
            bytes memory data = abi.encodeCall(MaterialCertificates.file, (statement, proofs, sign(by, digest)));
            calls[i] = Call(address(certificates), DECLARED, digest, data);
        }
    }

    function _submit(Call[] memory calls) private returns (uint256 used) {
        inbox.submit(calls);
        used = vm.lastCallGas().gasTotalUsed;
        // Sent again, each must be refused because it was recorded.
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool done, bytes memory reason) = calls[i].target.call(calls[i].data);
            assertTrue(!done, "taken");
            assertEq(bytes4(reason), StatementRegister.StatementRegisterAlreadyRecorded.selector);
        }
    }

    function _goods() private pure returns (GoodsLine[] memory list) {
        list = new GoodsLine[](GOODS);
        for (uint32 i = 0; i < GOODS; ++i) {
            list[i] = GoodsLine(i + 1, PIECE, type(uint64).max);
        }
    }

    function _say(string memory what, uint256 used) private {
        emit log_named_uint(what, used);
    }

    function _text(uint256 number) private pure returns (string memory) {
        if (number < 10) return string(abi.encodePacked(bytes1(uint8(48 + number))));
        return string.concat(_text(number / 10), _text(number % 10));
    }
}
