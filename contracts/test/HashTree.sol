// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The tree of RFC 6962 section 2.1, written down as the RFC defines it
/// @notice Leaf number i of a log is the hash of i and a salt, so that a whole log is known from two numbers.
library HashTree {
    function leaf(uint256 salt, uint256 index) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), salt, index));
    }

    /// @dev MTH(D[from:to])
    function root(uint256 salt, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to == from) return sha256("");
        if (to - from == 1) return leaf(salt, from);
        uint256 middle = from + _split(to - from);
        return sha256(abi.encodePacked(bytes1(0x01), root(salt, from, middle), root(salt, middle, to)));
    }

    /// @dev PROOF(m, D[n])
    function consistency(uint256 salt, uint256 m, uint256 n) internal pure returns (bytes32[] memory) {
        if (m == 0 || m == n) return new bytes32[](0);
        return _subproof(salt, m, 0, n, true);
    }

    /// @dev SUBPROOF(m, D[from:to], whole)
    function _subproof(uint256 salt, uint256 m, uint256 from, uint256 to, bool whole)
        private
        pure
        returns (bytes32[] memory)
    {
        uint256 size = to - from;
        if (m == size) return whole ? new bytes32[](0) : _append(new bytes32[](0), root(salt, from, to));
        uint256 k = _split(size);
        if (m <= k) return _append(_subproof(salt, m, from, from + k, whole), root(salt, from + k, to));
        return _append(_subproof(salt, m - k, from + k, to, false), root(salt, from, from + k));
    }

    function _append(bytes32[] memory list, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = last;
    }

    /// @dev The largest power of two below the size.
    function _split(uint256 size) private pure returns (uint256 k) {
        k = 1;
        while (k << 1 < size) {
            k <<= 1;
        }
    }
}
