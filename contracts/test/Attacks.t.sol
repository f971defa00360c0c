// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CheckNotes, GatePassage} from "../CheckNotes.sol";
import {Consortium, ConsortiumChange} from "../Consortium.sol";
import {Call, Inbox} from "../Inbox.sol";
import {DeclarationFiling, LineProof, MaterialCertificates} from "../MaterialCertificates.sol";
import {ReleaseDecision, ReleaseDecisions} from "../ReleaseDecisions.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {Kind, Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title A contract as signer (ERC-1271) that tries to use the moment in which it is asked
contract TreacherousSigner {
    /// @notice What the signer does when asked.
    enum Deed {
        Agree,
        ReEnter,
        BurnGas,
        ReturnBomb,
        Refuse
    }

    Deed private immutable _deed;
    address private _target;
    bytes private _data;

    constructor(Deed deed) {
        _deed = deed;
    }

    function prepare(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        if (_deed == Deed.ReEnter) {
            (bool done,) = _target.call(_data);
            assert(done);
        }
        while (_deed == Deed.BurnGas) {
            _target = address(uint160(_target) + 1);
        }
        if (_deed == Deed.ReturnBomb) {
            assembly ("memory-safe") {
                return(0, 100000)
            }
        }
        return _deed == Deed.Refuse ? bytes4(0) : this.isValidSignature.selector;
    }
}

/// @title A relay, a former officer or a stranger who tries to get something recorded that nobody signed
contract AttacksTest is World {
    uint256 private constant GAS = 600_000;
    uint256 private constant SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint256 private constant MOST_TRANSACTION_GAS = 1 << 24;

    function setUp() public override {
        super.setUp();
        activate(LETTER, broker);
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, 3e6))), broker);
    }

    // ------------------------------------------------------------------------------------------ the relay as attacker

    /// @dev Whatever order the relay gives to a filing, its replacement and its withdrawal: what is recorded is a
    /// beginning of the broker's own sequence, and what is refused leaves nothing behind.
    function test_ARelayThatReordersDropsAndRepeatsForgesNothing(uint256 seed) public {
        Call[] memory own = new Call[](3);
        own[0] = _filing("declaration 2", 1, 1e6);
        own[1] = _filing("declaration 2", 2, 2e6);
        own[2] = _filing("declaration 2", 3, 3e6);
        Call[] memory sent = new Call[](8);
        uint256 next = 0;
        for (uint256 i = 0; i < sent.length; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 pick = seed % own.length;
            sent[i] = own[pick];
            if (pick == next) ++next;
        }
        inbox.submit(sent);
        (, uint32 version) = certificates.versionOf("declaration 2");
        assertEq(version, next);
        assertLine(LETTER, 1, uint128(3e6 + next * 1e6), 0);
        for (uint32 i = 1; i <= 3; ++i) {
            assertEq(
                certificates.filedAt("declaration 2", i, contentOf("declaration 2", i)) != 0 ? 1 : 0, i <= next ? 1 : 0
            );
        }
    }

    /// @dev Every byte of a call is either signed or proven, or does not matter for what is recorded.
    function test_ARelayThatChangesAByteRecordsNothingElse(uint256 place, uint8 change) public {
        vm.assume(change != 0);
        Call memory call = _filing("declaration 2", 1, 1e6);
        uint256 index = place % call.data.length;
        call.data[index] = bytes1(uint8(call.data[index]) ^ change);
        inbox.submit(_only(call));
        (MaterialCertificates.DeclarationState state,) = certificates.versionOf("declaration 2");
        if (state == MaterialCertificates.DeclarationState.None) {
            assertLine(LETTER, 1, 3e6, 0);
        } else {
            // The byte was padding or an unused part: what the broker signed is what stands.
            assertEq(certificates.filedAt("declaration 2", 1, contentOf("declaration 2", 1)), block.number);
            assertLine(LETTER, 1, 4e6, 0);
            assertEq(certificates.brokerOf("declaration 2"), FIRM);
        }
    }

    function test_ARelayCannotBorrowASignatureForOtherContent(bytes32 content) public {
        vm.assume(content != contentOf("declaration 2", 1));
        DeclarationFiling memory statement = filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1)));
        Signed memory by = sign(broker, certificates.hashDeclarationFiling(statement));
        statement.contentHash = content;
        _refuseFiling(statement, by, _signatureWrong(broker, certificates.hashDeclarationFiling(statement)));
    }

    function test_ASignatureOfAnotherVersionDoesNotCount(uint32 version) public {
        vm.assume(version != 1);
        DeclarationFiling memory statement = filing("declaration 2", version, draws(drawOf(LETTER, 1, 1)));
        Signed memory by = sign(broker, certificates.hashDeclarationFiling(statement));
        statement.version = 1;
        _refuseFiling(statement, by, _signatureWrong(broker, certificates.hashDeclarationFiling(statement)));
        // And an officer's decision on one version is none on the next.
        ReleaseDecision memory decided = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        Signed[] memory signatures = alone(sign(releasing, decisions.hashReleaseDecision(decided)));
        file(filing(ENTRY, 2, draws(drawOf(LETTER, 1, 9e6))), broker);
        vm.expectRevert(abi.encodeWithSelector(ReleaseDecisions.ReleaseDecisionsVersionWrong.selector, ENTRY, 2, 1));
        decisions.decide(decided, signatures);
    }

    /// @dev Somebody sends a statement before its time, so that it is refused: it can be sent again and counts.
    function test_ARefusalBroughtAboutByFrontRunningIsNotForGood(address attacker) public {
        Call[] memory second = _only(_filing("declaration 2", 2, 2e6));
        vm.prank(attacker);
        inbox.submit(second);
        (, uint32 version) = certificates.versionOf("declaration 2");
        assertEq(version, 0);
        inbox.submit(_only(_filing("declaration 2", 1, 1e6)));
        inbox.submit(second);
        (, version) = certificates.versionOf("declaration 2");
        assertEq(version, 2);
    }

    /// @dev Somebody sends a statement with too little gas in a batch of his own: it can be sent again and counts.
    function test_ARefusalBroughtAboutByTooLittleGasIsNotForGood(uint256 given) public {
        Call[] memory calls = _only(_filing("declaration 2", 1, 1e6));
        calls[0].gas = within(given, 0, GAS / 10);
        inbox.submit(calls);
        calls[0].gas = GAS;
        inbox.submit(calls);
        (, uint32 version) = certificates.versionOf("declaration 2");
        assertEq(version, 1);
    }

    // ---------------------------------------------------------------------------------------------------- replay

    function test_EachStatementCountsOnceThroughAnyDoor(uint8 doors) public {
        Call memory call = _filing("declaration 2", 1, 1e6);
        for (uint8 i = 0; i < 4; ++i) {
            if (doors >> i & 1 == 0) inbox.submit(_only(call));
            // Straight to the contract: taken or refused, but never a second time.
            else if (!_taken(call)) assertTrue(i != 0, "refused at first");
        }
        assertLine(LETTER, 1, 4e6, 0);
    }

    function test_AStatementForOneContractCountsForNoOther() public {
        // The same fields under the domain of another contract give another digest.
        GatePassage memory statement = GatePassage(NOTE, 1, "barrier up", START);
        bytes32 foreign = keccak256(
            abi.encodePacked(
                hex"1901",
                domainOf(address(certificates)),
                keccak256(
                    abi.encode(
                        keccak256("GatePassage(bytes32 note,uint8 gate,bytes32 eventHash,uint64 signedAt)"), statement
                    )
                )
            )
        );
        Signed memory by = sign(gate, foreign);
        vm.expectRevert(_signatureWrong(gate, notes.hashGatePassage(statement)));
        notes.pass(statement, by);
    }

    function test_AStatementOfATwinCountsForNoOther() public {
        CheckNotes twin = CheckNotes(deploy("CheckNotes", abi.encode(consortium, certificates)));
        GatePassage memory statement = GatePassage(NOTE, 1, "barrier up", START);
        Signed memory by = sign(gate, twin.hashGatePassage(statement));
        vm.expectRevert(_signatureWrong(gate, notes.hashGatePassage(statement)));
        notes.pass(statement, by);
    }

    function test_AStatementOfAnotherChainCountsForNoOther(uint64 chain) public {
        uint256 home = block.chainid;
        vm.assume(chain != home && chain != 0);
        DeclarationFiling memory statement = filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1)));
        vm.chainId(chain);
        Signed memory by = sign(broker, certificates.hashDeclarationFiling(statement));
        vm.chainId(home);
        _refuseFiling(statement, by, _signatureWrong(broker, certificates.hashDeclarationFiling(statement)));
    }

    // --------------------------------------------------------------------------------------------- malleable signatures

    function test_NoOtherFormOfASignatureCounts(uint8 form) public {
        DeclarationFiling memory statement = filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1)));
        bytes32 digest = certificates.hashDeclarationFiling(statement);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(broker.secret, digest);
        bytes32 high = bytes32(SECP256K1_ORDER - uint256(s));
        uint8 flipped = v == 27 ? 28 : 27;
        bytes32 compact = v == 28 ? s | bytes32(uint256(1) << 255) : s;
        bytes[7] memory forms = [
            abi.encodePacked(r, high, flipped),
            abi.encodePacked(r, high, v),
            abi.encodePacked(r, s, flipped),
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, compact),
            abi.encodePacked(r, s, v, bytes1(0)),
            abi.encodePacked(s, r, v)
        ];
        _refuseFiling(statement, Signed(broker.signer, forms[form % 7]), _signatureWrong(broker, digest));
    }

    /// @dev Even a second valid signature (ECDSA has many) gives the same statement, which is recorded once.
    function test_AnotherValidSignatureIsTheSameStatement() public {
        Officer memory passkey = newOfficer(Kind.Passkey, "passkey broker", FIRM, Roles.BROKER);
        apply_(granting(passkey));
        DeclarationFiling memory statement = filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1)));
        bytes32 digest = certificates.hashDeclarationFiling(statement);
        file(statement, broker);
        LineProof[] memory proofs = proofsOf(statement.draws);
        Signed memory by = sign(passkey, digest);
        vm.expectRevert(
            abi.encodeWithSelector(StatementRegister.StatementRegisterAlreadyRecorded.selector, digest, block.number)
        );
        certificates.file(statement, proofs, by);
    }

    // ------------------------------------------------------------------------------------------------ revoked officers

    function test_ARevocationBitesInTheSameBlock() public {
        ReleaseDecision memory decided = decisionOf(ENTRY, 1, YELLOW, RELEASE);
        bytes32 digest = decisions.hashReleaseDecision(decided);
        ConsortiumChange memory change = revoking(releasing);
        Call[] memory calls = new Call[](2);
        calls[0] =
            Call(address(consortium), GAS, 0, abi.encodeCall(Consortium.change, (change, signedByFounders(change))));
        calls[1] = Call(
            address(decisions),
            GAS,
            digest,
            abi.encodeCall(ReleaseDecisions.decide, (decided, alone(sign(releasing, digest))))
        );
        vm.expectEmit(address(inbox));
        emit Inbox.StatementRefused(
            digest,
            address(this),
            1,
            abi.encodeWithSelector(Consortium.ConsortiumKeyRevoked.selector, keyOf(releasing), block.timestamp)
        );
        inbox.submit(calls);
        assertEq(decisions.decisionStatement(ENTRY), 0);
        assertLine(LETTER, 1, 3e6, 0);
    }

    // ---------------------------------------------------------------------------------------------- contracts as signers

    function test_ASignerThatReEntersChangesNothing(bool sameStatement) public {
        (Officer memory traitor, TreacherousSigner signer) = _traitor(TreacherousSigner.Deed.ReEnter);
        DeclarationFiling memory statement = filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1e6)));
        Signed memory by = Signed(traitor.signer, "");
        bytes memory data = abi.encodeCall(MaterialCertificates.file, (statement, proofsOf(statement.draws), by));
        if (sameStatement) signer.prepare(address(certificates), data);
        else signer.prepare(address(inbox), abi.encodeCall(Inbox.submit, (_only(_filing("declaration 3", 1, 1e6)))));
        (bool done,) = address(certificates).call{gas: 4 * GAS}(data);
        assertTrue(!done, "refused");
        assertLine(LETTER, 1, 3e6, 0);
        assertEq(certificates.filedAt("declaration 3", 1, contentOf("declaration 3", 1)), 0);
    }

    function test_ASignerThatMisbehavesHurtsItselfOnly(uint8 deed) public {
        TreacherousSigner.Deed how = TreacherousSigner.Deed(within(deed, 2, 4));
        (Officer memory traitor,) = _traitor(how);
        DeclarationFiling memory statement = filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1e6)));
        Signed memory by = Signed(traitor.signer, "");
        Call[] memory calls = new Call[](2);
        calls[0] = Call(
            address(certificates),
            GAS,
            "bad",
            abi.encodeCall(MaterialCertificates.file, (statement, proofsOf(statement.draws), by))
        );
        calls[1] = _filing("declaration 3", 1, 1e6);
        uint256 before = gasleft();
        inbox.submit(calls);
        assertAtMost("gas of a batch with a traitor", before - gasleft(), 3 * GAS);
        assertEq(certificates.filedAt("declaration 2", 1, contentOf("declaration 2", 1)), 0);
        assertEq(certificates.filedAt("declaration 3", 1, contentOf("declaration 3", 1)), block.number);
    }

    function test_AnHonestContractMaySign() public {
        (Officer memory honest,) = _traitor(TreacherousSigner.Deed.Agree);
        DeclarationFiling memory statement = filing("declaration 2", 1, draws(drawOf(LETTER, 1, 1e6)));
        certificates.file(statement, proofsOf(statement.draws), Signed(honest.signer, ""));
        assertLine(LETTER, 1, 4e6, 0);
    }

    // -------------------------------------------------------------------------------------------------- gas and size

    /// @dev A batch beyond what a transaction holds is undone as a whole, whatever gas it is given, and can be divided.
    function test_AnOversizedBatchIsUndoneAsAWhole(uint256 given) public {
        Call[] memory calls = new Call[](40);
        for (uint32 i = 0; i < calls.length; ++i) {
            calls[i] = _filing(keccak256(abi.encode(i)), 1, 1);
        }
        given = within(given, 100_000, 3_500_000);
        (bool done,) = address(inbox).call{gas: given}(abi.encodeCall(Inbox.submit, (calls)));
        assertTrue(!done, "undone");
        assertLine(LETTER, 1, 3e6, 0);
        Call[] memory half = new Call[](20);
        for (uint256 i = 0; i < half.length; ++i) {
            half[i] = calls[i];
        }
        (done,) = address(inbox).call{gas: MOST_TRANSACTION_GAS}(abi.encodeCall(Inbox.submit, (half)));
        assertTrue(done, "half of it");
        assertLine(LETTER, 1, 3e6 + 20, 0);
    }

    /// @dev A declaration with more draws than its gas carries is refused alone and leaves no trace.
    function test_AStatementTooLargeForItsGasLeavesItsNeighboursAlone() public {
        Call[] memory calls = new Call[](2);
        MaterialCertificates.DrawRecord[] memory before = certificates.drawsOf(ENTRY);
        calls[0] = _filing("declaration 2", 1, 1e6);
        calls[0].gas = 60_000;
        calls[1] = _filing("declaration 3", 1, 1e6);
        vm.expectEmit(address(inbox));
        emit Inbox.StatementRefused(calls[0].statement, address(this), 0, "");
        inbox.submit(calls);
        assertEq(certificates.filedAt("declaration 2", 1, contentOf("declaration 2", 1)), 0);
        assertLine(LETTER, 1, 4e6, 0);
        assertEq(certificates.drawsOf(ENTRY).length, before.length);
    }

    // --------------------------------------------------------------------------------------------------- what recurs

    function _traitor(TreacherousSigner.Deed deed) private returns (Officer memory officer, TreacherousSigner signer) {
        signer = new TreacherousSigner(deed);
        officer = newOfficer(Kind.Secp256k1, "contract broker", FIRM, Roles.BROKER);
        officer.signer = abi.encodePacked(address(signer));
        apply_(granting(officer));
    }

    function _filing(bytes32 id, uint32 version, uint128 quantity) private view returns (Call memory) {
        DeclarationFiling memory statement = filing(id, version, draws(drawOf(LETTER, 1, quantity)));
        bytes32 digest = certificates.hashDeclarationFiling(statement);
        Signed memory by = sign(broker, digest);
        return Call(
            address(certificates),
            GAS,
            digest,
            abi.encodeCall(MaterialCertificates.file, (statement, proofsOf(statement.draws), by))
        );
    }

    function _taken(Call memory call) private returns (bool taken) {
        (taken,) = call.target.call(call.data);
    }

    function _refuseFiling(DeclarationFiling memory statement, Signed memory by, bytes memory refusal) private {
        LineProof[] memory proofs = proofsOf(statement.draws);
        vm.expectRevert(refusal);
        certificates.file(statement, proofs, by);
    }

    function _signatureWrong(Officer memory officer, bytes32 digest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Consortium.ConsortiumSignatureWrong.selector, keyOf(officer), digest);
    }

    function _only(Call memory call) private pure returns (Call[] memory calls) {
        calls = new Call[](1);
        calls[0] = call;
    }
}
