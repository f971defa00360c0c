// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @notice One line of a goods list.
struct GoodsLine {
    uint32 line;
    bytes3 unit;
    uint128 ceiling;
}

bytes3 constant PIECE = "H87";

/// @notice The list that every certificate of the tests has.
function goodsList() pure returns (GoodsLine[] memory list) {
    list = new GoodsLine[](5);
    list[0] = GoodsLine(1, PIECE, 10e6);
    list[1] = GoodsLine(2, PIECE, 100e6);
    list[2] = GoodsLine(3, "KGM", 12_500_000);
    list[3] = GoodsLine(4, PIECE, 1);
    list[4] = GoodsLine(5, "LTR", type(uint128).max);
}

/// @title Merkle trees over goods lists, as the off-chain side builds them
library Lists {
    function leaf(bytes32 certificate, GoodsLine memory entry) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(certificate, entry.line, entry.unit, entry.ceiling))));
    }

    function root(bytes32 certificate, GoodsLine[] memory entries) internal pure returns (bytes32) {
        bytes32[] memory level = _leaves(certificate, entries);
        while (level.length > 1) {
            level = _up(level);
        }
        return level[0];
    }

    function proof(bytes32 certificate, GoodsLine[] memory entries, uint256 index)
        internal
        pure
        returns (bytes32[] memory path)
    {
        bytes32[] memory level = _leaves(certificate, entries);
        path = new bytes32[](64);
        uint256 length = 0;
        while (level.length > 1) {
            uint256 sibling = index ^ 1;
            if (sibling < level.length) path[length++] = level[sibling];
            level = _up(level);
            index >>= 1;
        }
        assembly ("memory-safe") {
            mstore(path, length)
        }
    }

    function _leaves(bytes32 certificate, GoodsLine[] memory entries) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](entries.length);
        for (uint256 i = 0; i < entries.length; ++i) {
            leaves[i] = leaf(certificate, entries[i]);
        }
    }

    function _up(bytes32[] memory level) private pure returns (bytes32[] memory next) {
        next = new bytes32[]((level.length + 1) / 2);
        for (uint256 i = 0; i < next.length; ++i) {
            bool alone = 2 * i + 1 == level.length;
            next[i] = alone ? level[2 * i] : Hashes.commutativeKeccak256(level[2 * i], level[2 * i + 1]);
        }
    }
}
