// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "./Consortium.sol";
import {Signed, StatementRegister} from "./StatementRegister.sol";

/// @title Statements that need a role in the consortium
/// @notice Only the signature counts; whoever sends the transaction has no say.
abstract contract OfficerStatements is StatementRegister {
    Consortium private immutable _consortium;

    /// @notice Binds the contract to the register of keys for good.
    /// @param consortium_ The register of organisations and keys.
    constructor(Consortium consortium_) {
        _consortium = consortium_;
    }

    /// @notice The register of organisations and keys that signatures are checked against.
    /// @return The consortium's contract.
    function consortium() public view returns (Consortium) {
        return _consortium;
    }

    /// @dev Checks one signature for one of the roles and records the statement.
    function _accept(bytes32 statement, bytes32 subject, uint256 roles, Signed calldata by)
        internal
        returns (bytes32 organisation, bytes32 officer)
    {
        _requireNew(statement);
        (organisation, officer,) = _consortium.check(by.signer, statement, by.signature, roles);
        _record(statement, subject, organisation, keccak256(by.signer));
    }
}
