// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Call, Inbox} from "../Inbox.sol";
import {CarriedLine, CertificateSubmission, MaterialCertificates} from "../MaterialCertificates.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {World} from "./World.sol";

/// @title A target that misbehaves
contract Villain {
    uint256 private _calls;

    function revertWith(uint256 length) external pure {
        assembly ("memory-safe") {
            revert(mload(0x40), length)
        }
    }

    function burn() external {
        while (true) {
            ++_calls;
        }
    }

    function enter(Inbox inbox, Call[] calldata calls) external {
        inbox.submit(calls);
    }

    function gasGiven() external {
        _calls = gasleft();
    }

    function counted() external view returns (uint256) {
        return _calls;
    }
}

/// @title Many statements in one transaction
contract InboxTest is World {
    uint256 private constant GAS = 500_000;

    Villain private _villain;

    function setUp() public override {
        super.setUp();
        _villain = new Villain();
    }

    function test_AllOfABatchAreTaken(address sender) public {
        Call[] memory calls = new Call[](3);
        calls[0] = _submission("certificate 1");
        calls[1] = _submission("certificate 2");
        calls[2] = _submission("certificate 3");
        vm.prank(sender);
        inbox.submit(calls);
        for (uint256 i = 0; i < calls.length; ++i) {
            assertEq(certificates.recordedAt(calls[i].statement), block.number);
        }
    }

    function test_AnEmptyBatchIsNothing() public {
        inbox.submit(new Call[](0));
    }

    function test_ARefusedStatementLeavesItsNeighboursAlone(uint256 place, address sender) public {
        Call[] memory calls = new Call[](3);
        calls[0] = _submission("certificate 1");
        calls[1] = _submission("certificate 2");
        calls[2] = _submission("certificate 3");
        uint256 bad = place % 3;
        inbox.submit(_only(calls[bad]));
        vm.expectEmit(address(inbox));
        emit Inbox.StatementRefused(
            calls[bad].statement,
            sender,
            bad,
            abi.encodeWithSelector(
                StatementRegister.StatementRegisterAlreadyRecorded.selector, calls[bad].statement, block.number
            )
        );
        vm.prank(sender);
        inbox.submit(calls);
        for (uint256 i = 0; i < calls.length; ++i) {
            assertEq(certificates.recordedAt(calls[i].statement), block.number);
        }
    }

    function test_ALaterStatementSeesAnEarlierOne() public {
        Call[] memory calls = new Call[](2);
        calls[0] = _submission(LETTER);
        bytes32 digest = certificates.hashCertificateReview(reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM));
        calls[1] = Call(
            address(certificates),
            GAS,
            digest,
            abi.encodeCall(
                MaterialCertificates.review,
                (reviewOf(LETTER, 1, COMMITTEE_PARTY, CONFIRM), new CarriedLine[](0), sign(committee, digest))
            )
        );
        inbox.submit(calls);
        assertTrue(certificates.certificate(LETTER).current.confirmedByCommittee, "confirmed");
    }

    function test_ATargetWithoutCodeIsARefusal(address target) public {
        vm.assume(target.code.length == 0 && uint160(target) > 0xffff);
        vm.expectEmit(address(inbox));
        emit Inbox.StatementRefused(
            "statement", address(this), 0, abi.encodeWithSelector(Inbox.InboxTargetEmpty.selector, target)
        );
        inbox.submit(_only(Call(target, GAS, "statement", "")));
    }

    function test_AReasonIsCut(uint16 length) public {
        bytes memory reason = new bytes(length > 512 ? 512 : length);
        vm.expectEmit(address(inbox));
        emit Inbox.StatementRefused("statement", address(this), 0, reason);
        inbox.submit(_only(_call(abi.encodeCall(Villain.revertWith, (length)))));
    }

    function test_AReturnBombCostsItsSenderOnly() public {
        Call[] memory calls = new Call[](2);
        calls[0] = _call(abi.encodeCall(Villain.revertWith, (200_000)));
        calls[1] = _submission(LETTER);
        uint256 before = gasleft();
        inbox.submit(calls);
        assertAtMost("gas of a batch with a return bomb", before - gasleft(), 900_000);
        assertEq(certificates.certificate(LETTER).current.version, 1);
    }

    function test_ACallThatBurnsItsGasLeavesTheRest() public {
        Call[] memory calls = new Call[](2);
        calls[0] = _call(abi.encodeCall(Villain.burn, ()));
        calls[1] = _submission(LETTER);
        vm.expectEmit(address(inbox));
        emit Inbox.StatementRefused("statement", address(this), 0, "");
        inbox.submit(calls);
        assertEq(certificates.certificate(LETTER).current.version, 1);
    }

    function test_ACallGetsTheGasItDeclares(uint256 declared) public {
        declared = within(declared, 50_000, 5_000_000);
        Call memory call = _call(abi.encodeCall(Villain.gasGiven, ()));
        call.gas = declared;
        inbox.submit(_only(call));
        uint256 given = _villain.counted();
        assertTrue(given <= declared && given + 1000 > declared, "the gas declared");
    }

    function test_ACallNeverGetsLessThanItDeclares(uint256 declared, uint256 spare, uint256 padding) public {
        declared = within(declared, 50_000, 5_000_000);
        Call memory call = _call(abi.encodePacked(Villain.gasGiven.selector, new bytes(padding % 2_000)));
        call.gas = declared;
        bytes memory data = abi.encodeCall(Inbox.submit, (_only(call)));
        vm.cool(address(_villain));
        (bool done,) = address(inbox).call{gas: declared + spare % (declared / 16 + 60_000)}(data);
        uint256 given = _villain.counted();
        assertTrue(done ? given + 1000 > declared : given == 0, "all the gas declared, or undone");
    }

    /// @dev Whatever gas the transaction has: either the whole batch is undone, or the call had its gas and is taken.
    function test_TooLittleGasIsNeverARefusal(uint256 gas_) public {
        Call[] memory calls = _only(_submission(LETTER));
        gas_ = within(gas_, 30_000, 700_000);
        (bool done, bytes memory reason) = address(inbox).call{gas: gas_}(abi.encodeCall(Inbox.submit, (calls)));
        bool taken = certificates.recordedAt(calls[0].statement) != 0;
        assertTrue(done == taken, "taken or undone");
        if (!done && reason.length != 0) assertEq(bytes4(reason), Inbox.InboxGasShort.selector);
    }

    function test_GasShortTellsWhere() public {
        Call[] memory calls = new Call[](2);
        (calls[0], calls[1]) = (_submission(LETTER), _submission("certificate 2"));
        calls[1].gas = type(uint256).max;
        (bool done, bytes memory reason) = address(inbox).call(abi.encodeCall(Inbox.submit, (calls)));
        assertTrue(!done, "undone");
        assertEq(bytes4(reason), Inbox.InboxGasShort.selector);
        assembly ("memory-safe") {
            reason := add(reason, 4)
        }
        uint256 index;
        assembly ("memory-safe") {
            index := mload(add(reason, 0x20))
        }
        assertEq(index, 1);
        assertEq(certificates.recordedAt(calls[0].statement), 0);
    }

    function test_EnteringAgainDoesNoHarm() public {
        Call[] memory inner = _only(_submission(LETTER));
        Call[] memory calls = new Call[](2);
        calls[0] = _call(abi.encodeCall(Villain.enter, (inbox, inner)));
        calls[0].gas = 4 * GAS;
        calls[1] = _submission("certificate 2");
        inbox.submit(calls);
        assertEq(certificates.certificate(LETTER).current.version, 1);
        assertEq(certificates.certificate("certificate 2").current.version, 1);
    }

    function _submission(bytes32 certificate) private view returns (Call memory) {
        CertificateSubmission memory statement = submission(certificate, 1);
        bytes32 digest = certificates.hashCertificateSubmission(statement);
        Signed memory by = sign(broker, digest);
        return Call(address(certificates), GAS, digest, abi.encodeCall(MaterialCertificates.submit, (statement, by)));
    }

    function _call(bytes memory data) private view returns (Call memory) {
        return Call(address(_villain), GAS, "statement", data);
    }

    function _only(Call memory call) private pure returns (Call[] memory calls) {
        calls = new Call[](1);
        calls[0] = call;
    }
}
