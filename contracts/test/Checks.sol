// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The cheat codes that the tests use; Hardhat and forge answer to the same address
interface Vm {
    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function addr(uint256 secret) external pure returns (address);
    function sign(uint256 secret, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function publicKeyP256(uint256 secret) external pure returns (uint256 x, uint256 y);
    function signP256(uint256 secret, bytes32 digest) external pure returns (bytes32 r, bytes32 s);
    function getCode(string calldata artifact) external view returns (bytes memory);
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function getNonce(address account) external view returns (uint64);
    function warp(uint256 timestamp) external;
    function roll(uint256 height) external;
    function prank(address sender) external;
    function chainId(uint256 id) external;
    function assume(bool condition) external pure;
    function cool(address target) external;
    function lastCallGas() external view returns (Gas memory);
    function expectRevert(bytes calldata reason) external;
    function expectRevert(bytes4 selector) external;
    function expectRevert() external;
    function expectEmit(address emitter) external;
}

/// @title What every test stands on
abstract contract Checks {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    error NotEqual(bytes32 actual, bytes32 expected);
    error NotTrue(string what);
    error Above(string what, uint256 actual, uint256 limit);
    error NotDeployed(string name);

    /// @dev Like `new`, but the code comes from the artifact: a test that carried the code of all contracts would have
    /// the compiler optimise them once more for every test.
    function deploy(string memory name, bytes memory arguments) internal returns (address deployed) {
        bytes memory code = bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        if (deployed == address(0)) revert NotDeployed(name);
    }

    function assertEq(bytes32 actual, bytes32 expected) internal pure {
        if (actual != expected) revert NotEqual(actual, expected);
    }

    function assertEq(uint256 actual, uint256 expected) internal pure {
        assertEq(bytes32(actual), bytes32(expected));
    }

    function assertEq(address actual, address expected) internal pure {
        assertEq(uint160(actual), uint160(expected));
    }

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function assertAtMost(string memory what, uint256 actual, uint256 limit) internal pure {
        if (actual > limit) revert Above(what, actual, limit);
    }

    /// @dev Folds any value into low..high.
    function within(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }
}
