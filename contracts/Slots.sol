// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What is known of a declaration, its first draw included: a filing of one draw writes this one slot.
/// @param broker Number of the organisation that filed.
/// @param version The version that counts.
/// @param state A MaterialCertificates.DeclarationState.
/// @param draws How many draws it holds.
/// @param certificate Number of the first draw's certificate.
/// @param line The first draw's line.
/// @param quantity Millionths of the unit.
struct DeclarationSlot {
    uint24 broker;
    uint32 version;
    uint8 state;
    uint16 draws;
    uint32 certificate;
    uint32 line;
    uint112 quantity;
}

/// @notice Totals of a line, and the unit in which it was first drawn.
struct LineSlot {
    uint112 reserved;
    uint112 committed;
    bytes3 unit;
    bool used;
}

/// @title Records of one slot
/// @notice The compiler writes a packed struct field by field; these write and read it at once, which is a tenth of what
/// a draw costs.
library Slots {
    /// @dev The block in the upper 48 bits, and the head of the digest, which tells a statement from others of its key.
    function pack(uint256 blockNumber, bytes32 statement) internal pure returns (uint256) {
        return blockNumber << 208 | uint256(statement) >> 48;
    }

    /// @dev The block of a packed record, 0 where there is none.
    function blockOf(uint256 word) internal pure returns (uint256) {
        return word >> 208;
    }

    /// @dev Whether the packed record is of this statement.
    function isOf(uint256 word, bytes32 statement) internal pure returns (bool) {
        return word != 0 && word << 48 == uint256(statement) >> 48 << 48;
    }

    function pack(DeclarationSlot memory slot) internal pure returns (uint256) {
        return uint256(slot.broker) | uint256(slot.version) << 24 | uint256(slot.state) << 56 | uint256(slot.draws)
            << 64 | uint256(slot.certificate) << 80 | uint256(slot.line) << 112 | uint256(slot.quantity) << 144;
    }

    // Cutting off what lies above each field is what is meant.
    // forge-lint: disable-start(unsafe-typecast)
    function declaration(uint256 word) internal pure returns (DeclarationSlot memory slot) {
        slot.broker = uint24(word);
        slot.version = uint32(word >> 24);
        slot.state = uint8(word >> 56);
        slot.draws = uint16(word >> 64);
        slot.certificate = uint32(word >> 80);
        slot.line = uint32(word >> 112);
        slot.quantity = uint112(word >> 144);
    }

    function line(uint256 word) internal pure returns (LineSlot memory slot) {
        slot.reserved = uint112(word);
        slot.committed = uint112(word >> 112);
        slot.unit = bytes3(uint24(word >> 224));
        slot.used = word >> 248 != 0;
    }

    // forge-lint: disable-end(unsafe-typecast)

    function pack(LineSlot memory slot) internal pure returns (uint256) {
        uint256 used = slot.used ? 1 : 0;
        return uint256(slot.reserved) | uint256(slot.committed) << 112 | uint256(uint24(slot.unit)) << 224 | used << 248;
    }
}
