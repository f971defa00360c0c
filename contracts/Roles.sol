// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Roles that an officer's key may hold
/// @notice One bit each; a key or an organisation holds the sum of its roles.
library Roles {
    /// @notice Files certificates, declarations and check notes.
    uint256 internal constant BROKER = 1;
    /// @notice Confirms for the organising committee that goods belong to the Games.
    uint256 internal constant COMMITTEE = 2;
    /// @notice Confirms for customs, approves check notes.
    uint256 internal constant DOCUMENTS_OFFICER = 4;
    /// @notice Examines goods and reports what was found.
    uint256 internal constant INSPECTOR = 8;
    /// @notice Judges scanner images.
    uint256 internal constant IMAGE_ANALYST = 16;
    /// @notice Takes release decisions.
    uint256 internal constant RELEASING_OFFICER = 32;
    /// @notice Watches over officers, may give the second signature of a red decision.
    uint256 internal constant SUPERVISOR = 64;
    /// @notice Reports that a barrier has lifted.
    uint256 internal constant GATE = 128;
    /// @notice Signs readings.
    uint256 internal constant INSTRUMENT = 256;
    /// @notice Anchors checkpoints of the evidence log.
    uint256 internal constant LOG = 512;
    /// @notice Reads everything, decides nothing.
    uint256 internal constant AUDITOR = 1024;
    /// @notice Speaks for the holder of certificates, delegates drawing to brokers.
    uint256 internal constant HOLDER = 2048;
    /// @notice Applies a release rule that an officer put in force.
    uint256 internal constant SYSTEM = 4096;
    /// @notice Co-signs checkpoints of the evidence log.
    uint256 internal constant WITNESS = 8192;
    /// @notice Every role there is.
    uint256 internal constant ALL = 16383;
}
