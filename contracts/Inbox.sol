// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice One signed statement on its way to its contract.
/// @param target The contract that takes the statement.
/// @param gas What the call gets, no less.
/// @param statement Digest of the statement, so that a refusal can be told apart.
/// @param data Encoded call.
struct Call {
    address target;
    uint256 gas;
    bytes32 statement;
    bytes data;
}

/// @title Many statements in one transaction
/// @notice Anybody may send; the contracts behind look at signatures only. A statement that is refused leaves its
/// neighbours alone. The digest in a refusal is the sender's word: trust refusals of a sender that you know.
contract Inbox {
    /// @dev Custom errors of the contracts are far shorter; more would only serve to exhaust the sender's gas.
    uint256 private constant MOST_REASON_BYTES = 512;
    /// @dev Covers what happens between looking at the gas left and the call itself (cold account, memory).
    uint256 private constant CALL_OVERHEAD = 10_000;

    /// @notice A statement was refused; nothing of it took effect.
    /// @param statement Digest, as the sender named it.
    /// @param submitter The sender.
    /// @param index Place in the batch, from 0.
    /// @param reason Revert data of the contract, cut after 512 bytes. Empty: out of the gas declared, or not decodable.
    event StatementRefused(bytes32 indexed statement, address indexed submitter, uint256 index, bytes reason);

    /// @notice The transaction has too little gas left for the gas that a call declares; the whole batch is undone.
    error InboxGasShort(uint256 index, uint256 declared, uint256 available);
    /// @notice No contract stands at the target; given as the reason of a refusal.
    error InboxTargetEmpty(address target);

    /// @notice Sends each statement to its contract with the gas that it declares.
    /// @param calls The statements, in order.
    function submit(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            Call calldata entry = calls[i];
            uint256 free = _freeMemory();
            (bool taken, bytes memory reason) = _send(entry, i);
            if (!taken) emit StatementRefused(entry.statement, msg.sender, i, reason);
            _resetMemory(free);
        }
    }

    function _send(Call calldata entry, uint256 index) private returns (bool taken, bytes memory reason) {
        address target = entry.target;
        if (target.code.length == 0) {
            return (false, abi.encodeWithSelector(InboxTargetEmpty.selector, target));
        }
        bytes memory data = entry.data;
        uint256 declared = entry.gas;
        // A call gets at most 63/64 of the gas left (EIP-150), silently: a statement must not be refused for that.
        uint256 left = gasleft();
        uint256 available = left > CALL_OVERHEAD ? (left - CALL_OVERHEAD) / 64 * 63 : 0;
        if (declared > available) revert InboxGasShort(index, declared, available);
        assembly ("memory-safe") {
            taken := call(declared, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
        if (!taken) reason = _reason();
    }

    function _freeMemory() private pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
        }
    }

    /// @dev Nothing of an entry is needed after it: the next takes its memory, which would else grow dearer with each.
    function _resetMemory(uint256 free) private pure {
        assembly ("memory-safe") {
            mstore(0x40, free)
        }
    }

    function _reason() private pure returns (bytes memory reason) {
        uint256 most = MOST_REASON_BYTES;
        assembly ("memory-safe") {
            let size := returndatasize()
            if gt(size, most) { size := most }
            reason := mload(0x40)
            mstore(reason, size)
            returndatacopy(add(reason, 0x20), 0, size)
            mstore(0x40, and(add(add(reason, size), 0x3f), not(0x1f)))
        }
    }
}
