// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    CheckNoteApproval,
    CheckNoteOpening,
    CheckNotes,
    CheckNoteVoiding,
    GatePassage,
    NoteItem
} from "../CheckNotes.sol";
import {Consortium} from "../Consortium.sol";
import {Roles} from "../Roles.sol";
import {Signed, StatementRegister} from "../StatementRegister.sol";
import {Officer} from "./Officers.sol";
import {World} from "./World.sol";

/// @title Check notes: approved, once through each gate, never more than was drawn
contract CheckNotesTest is World {
    uint128 private constant DRAWN = 6e6;

    function setUp() public override {
        super.setUp();
        activate(LETTER, broker);
        file(filing(ENTRY, 1, draws(drawOf(LETTER, 1, DRAWN), drawOf(LETTER, 2, 1e6))), broker);
    }

    function test_ANoteIsOpened() public {
        CheckNoteOpening memory statement = opening(NOTE, 2, itemsOf(_item(2e6)));
        bytes32 digest = notes.hashCheckNoteOpening(statement);
        Signed memory by = sign(broker, digest);
        vm.expectEmit(address(notes));
        emit StatementRegister.StatementRecorded(digest, NOTE, FIRM, keyOf(broker));
        vm.expectEmit(address(notes));
        emit CheckNotes.CheckNoteOpened(NOTE, statement.contentHash, 2, MANY_VEHICLES);
        notes.open(statement, by);
        CheckNotes.NoteRecord memory record = notes.note(NOTE);
        assertEq(record.contentHash, statement.contentHash);
        assertEq(record.broker, FIRM);
        assertEq(record.gates, 2);
        assertEq(record.passed, 0);
        _assertState(CheckNotes.NoteState.Open);
        NoteItem[] memory items = notes.itemsOf(NOTE);
        assertEq(items.length, 1);
        assertEq(items[0].declaration, ENTRY);
        assertEq(items[0].certificate, LETTER);
        assertEq(items[0].line, 1);
        assertEq(items[0].quantity, 2e6);
        assertEq(notes.noted(ENTRY, LETTER, 1), 2e6);
        assertEq(address(notes.certificates()), address(certificates));
        assertEq(address(notes.consortium()), address(consortium));
    }

    function test_AnEmptyVehicleHasANoteToo() public {
        open(opening(NOTE, 1, new NoteItem[](0)), broker);
        approve(NOTE, documents);
        pass(NOTE, 1, gate);
        _assertState(CheckNotes.NoteState.Passed);
    }

    function test_ANoteIsOpenedOnce() public {
        open(opening(NOTE, 1, new NoteItem[](0)), broker);
        refuse(_stateWrong(CheckNotes.NoteState.Open));
        open(opening(NOTE, 2, new NoteItem[](0)), broker);
    }

    function test_OneGateOrTwo(uint8 gates) public {
        vm.assume(gates == 0 || gates > 2);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesGatesUnknown.selector, gates));
        open(opening(NOTE, gates, new NoteItem[](0)), broker);
    }

    function test_AllNotesTogetherCarryNoMoreThanWasDrawn(uint128 first, uint128 second) public {
        first = uint128(within(first, 1, DRAWN));
        second = uint128(within(second, 1, type(uint128).max));
        open(opening(NOTE, 1, itemsOf(_item(first))), broker);
        if (second > DRAWN - first) refuse(_exceeded(uint256(first) + second, DRAWN));
        open(opening("note 2", 1, itemsOf(_item(second))), broker);
    }

    function test_OneNoteCannotSplitItsWayPastTheLimit() public {
        NoteItem[] memory items = new NoteItem[](2);
        (items[0], items[1]) = (_item(DRAWN), _item(1));
        refuse(_exceeded(DRAWN + 1, DRAWN));
        open(opening(NOTE, 1, items), broker);
    }

    function test_AnItemIsOfSomething() public {
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesItemEmpty.selector, ENTRY, LETTER, 1));
        open(opening(NOTE, 1, itemsOf(_item(0))), broker);
    }

    function test_AnotherFirmsDeclarationIsNotOnMyNote() public {
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesBrokerDiffers.selector, ENTRY, FIRM, RIVAL));
        open(opening(NOTE, 1, itemsOf(_item(1))), rival);
        refuse(
            abi.encodeWithSelector(CheckNotes.CheckNotesBrokerDiffers.selector, bytes32("no such"), bytes32(0), FIRM)
        );
        open(opening(NOTE, 1, itemsOf(NoteItem("no such", LETTER, 1, 1))), broker);
    }

    function test_DocumentsAndReleasingOfficersApprove(bool release) public {
        Officer memory officer = release ? releasing : documents;
        open(opening(NOTE, 1, itemsOf(_item(1))), broker);
        CheckNoteApproval memory statement = CheckNoteApproval(NOTE, contentOf(NOTE, 1), START);
        Signed memory by = sign(officer, notes.hashCheckNoteApproval(statement));
        vm.expectEmit(address(notes));
        emit CheckNotes.CheckNoteApproved(NOTE, officer.id);
        notes.approve(statement, by);
        _assertState(CheckNotes.NoteState.Approved);
    }

    function test_AnApprovalIsOfWhatTheBrokerSigned(bytes32 content) public {
        vm.assume(content != contentOf(NOTE, 1));
        open(opening(NOTE, 1, itemsOf(_item(1))), broker);
        CheckNoteApproval memory statement = CheckNoteApproval(NOTE, content, START);
        Signed memory by = sign(documents, notes.hashCheckNoteApproval(statement));
        vm.expectRevert(
            abi.encodeWithSelector(CheckNotes.CheckNotesContentDiffers.selector, NOTE, contentOf(NOTE, 1), content)
        );
        notes.approve(statement, by);
    }

    function test_OnlyAnOpenNoteIsApproved() public {
        refuse(_stateWrong(CheckNotes.NoteState.None));
        approve(NOTE, documents);
        open(opening(NOTE, 1, itemsOf(_item(1))), broker);
        approve(NOTE, documents);
        vm.warp(START + 1);
        refuse(_stateWrong(CheckNotes.NoteState.Approved));
        approve(NOTE, releasing);
    }

    function test_TwoGatesOnceEachInOrder() public {
        open(opening(NOTE, 2, itemsOf(_item(DRAWN))), broker);
        refuse(_stateWrong(CheckNotes.NoteState.Open));
        pass(NOTE, 1, gate);
        approve(NOTE, documents);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesGateWrong.selector, NOTE, 1, 2));
        pass(NOTE, 2, gate);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesGateWrong.selector, NOTE, 1, 0));
        pass(NOTE, 0, gate);

        GatePassage memory statement = GatePassage(NOTE, 1, "barrier up", START);
        Signed memory by = sign(gate, notes.hashGatePassage(statement));
        vm.expectEmit(address(notes));
        emit CheckNotes.GatePassed(NOTE, 1, "barrier up");
        notes.pass(statement, by);
        assertEq(notes.note(NOTE).passed, 1);
        _assertState(CheckNotes.NoteState.Approved);

        vm.warp(START + 60);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesGateRepeated.selector, NOTE, 1));
        pass(NOTE, 1, gate);
        pass(NOTE, 2, gate);
        _assertState(CheckNotes.NoteState.Passed);
        vm.warp(START + 120);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesGateRepeated.selector, NOTE, 2));
        pass(NOTE, 2, gate);
    }

    function test_ASingleGateIsTheLast() public {
        open(opening(NOTE, 1, itemsOf(_item(1))), broker);
        approve(NOTE, documents);
        pass(NOTE, 1, gate);
        _assertState(CheckNotes.NoteState.Passed);
        refuse(_stateWrong(CheckNotes.NoteState.Passed));
        pass(NOTE, 2, gate);
    }

    function test_NothingPassesThatIsNoLongerDrawn() public {
        open(opening(NOTE, 1, itemsOf(_item(5e6))), broker);
        approve(NOTE, documents);
        file(filing(ENTRY, 2, draws(drawOf(LETTER, 1, 4e6))), broker);
        refuse(_exceeded(5e6, 4e6));
        pass(NOTE, 1, gate);
        file(filing(ENTRY, 3, draws(drawOf(LETTER, 1, 5e6))), broker);
        pass(NOTE, 1, gate);
    }

    function test_NothingPassesOfAWithdrawnDeclaration() public {
        open(opening(NOTE, 1, itemsOf(_item(5e6))), broker);
        approve(NOTE, documents);
        withdraw(withdrawal(ENTRY, 1), broker);
        refuse(_exceeded(5e6, 0));
        pass(NOTE, 1, gate);
    }

    function test_AReleasedDeclarationStillPasses() public {
        open(opening(NOTE, 1, itemsOf(_item(5e6))), broker);
        approve(NOTE, documents);
        decide(decisionOf(ENTRY, 1, YELLOW, RELEASE), releasing);
        pass(NOTE, 1, gate);
        _assertState(CheckNotes.NoteState.Passed);
    }

    function test_AVoidedNoteFreesItsQuantities(bool approved) public {
        open(opening(NOTE, 2, itemsOf(_item(DRAWN))), broker);
        if (approved) approve(NOTE, documents);
        CheckNoteVoiding memory statement = CheckNoteVoiding(NOTE, "no vehicle", START);
        Signed memory by = sign(broker, notes.hashCheckNoteVoiding(statement));
        vm.expectEmit(address(notes));
        emit CheckNotes.CheckNoteVoided(NOTE);
        notes.void_(statement, by);
        _assertState(CheckNotes.NoteState.Voided);
        assertEq(notes.noted(ENTRY, LETTER, 1), 0);
        open(opening("note 2", 1, itemsOf(_item(DRAWN))), broker);
        vm.warp(START + 1);
        refuse(_stateWrong(CheckNotes.NoteState.Voided));
        approve(NOTE, documents);
        refuse(_stateWrong(CheckNotes.NoteState.Voided));
        pass(NOTE, 1, gate);
    }

    function test_ANoteIsVoidedBeforeTheFirstGateOnly() public {
        refuse(_stateWrong(CheckNotes.NoteState.None));
        void_(NOTE, broker);
        open(opening(NOTE, 2, itemsOf(_item(1))), broker);
        approve(NOTE, documents);
        pass(NOTE, 1, gate);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesUnderWay.selector, NOTE, 1));
        void_(NOTE, broker);
        pass(NOTE, 2, gate);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesUnderWay.selector, NOTE, 2));
        void_(NOTE, broker);
    }

    function test_ANoteIsVoidedByWhoOpenedIt() public {
        open(opening(NOTE, 1, itemsOf(_item(1))), broker);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesBrokerDiffers.selector, NOTE, FIRM, RIVAL));
        void_(NOTE, rival);
    }

    function test_EachStepNeedsItsRole() public {
        refuse(_roleMissing(gate, Roles.BROKER));
        open(opening(NOTE, 1, itemsOf(_item(1))), gate);
        open(opening(NOTE, 1, itemsOf(_item(1))), broker);
        refuse(_roleMissing(broker, Roles.DOCUMENTS_OFFICER | Roles.RELEASING_OFFICER));
        approve(NOTE, broker);
        approve(NOTE, documents);
        refuse(_roleMissing(documents, Roles.GATE));
        pass(NOTE, 1, documents);
        refuse(_roleMissing(gate, Roles.BROKER));
        void_(NOTE, gate);
    }

    // ------------------------------------------------------------------------------------------------------ binding

    function test_BindingsAreKnown(uint8 binding) public {
        vm.assume(binding < MANY_DECLARATIONS || binding > MANY_VEHICLES);
        refuse(abi.encodeWithSelector(CheckNotes.CheckNotesBindingUnknown.selector, binding));
        open(opening(NOTE, 1, binding, itemsOf(_item(1))), broker);
    }

    function test_OneVehicleHasItsDeclarationToItself(uint8 first, uint8 second) public {
        (first, second) = (uint8(within(first, 1, 3)), uint8(within(second, 1, 3)));
        open(opening(NOTE, 1, first, itemsOf(_item(1))), broker);
        bool together = first == MANY_VEHICLES && second == MANY_VEHICLES;
        if (!together) refuse(_bound(second, 1, first != MANY_VEHICLES));
        open(opening("note 2", 1, second, itemsOf(_item(1))), broker);
        assertEq(notes.liveNotes(ENTRY).count, together ? 2 : 1);
        assertEq(notes.note(NOTE).binding, first);
    }

    function test_APassedNoteStillBindsAndAVoidedOneDoesNot(bool voided) public {
        open(opening(NOTE, 1, ONE_FOR_ONE, itemsOf(_item(1))), broker);
        if (voided) {
            void_(NOTE, broker);
            assertEq(notes.liveNotes(ENTRY).count, 0);
        } else {
            approve(NOTE, documents);
            pass(NOTE, 1, gate);
            refuse(_bound(MANY_DECLARATIONS, 1, true));
        }
        open(opening("note 2", 1, MANY_DECLARATIONS, itemsOf(_item(1))), broker);
    }

    function test_VoidingOneOfManyVehiclesLeavesTheOthers() public {
        open(opening(NOTE, 1, itemsOf(_item(1))), broker);
        open(opening("note 2", 1, itemsOf(_item(1))), broker);
        void_(NOTE, broker);
        assertEq(notes.liveNotes(ENTRY).count, 1);
        refuse(_bound(ONE_FOR_ONE, 1, false));
        open(opening("note 3", 1, ONE_FOR_ONE, itemsOf(_item(1))), broker);
        open(opening("note 3", 1, itemsOf(_item(1))), broker);
    }

    function test_OneBindingTakesManyDeclarations(uint8 binding) public {
        binding = uint8(within(binding, 1, 3));
        file(filing("declaration 2", 1, draws(drawOf(LETTER, 2, 1e6))), broker);
        NoteItem[] memory items = new NoteItem[](4);
        (items[0], items[1]) = (_item(1), NoteItem("declaration 2", LETTER, 2, 1));
        // Two items of one declaration count once.
        (items[2], items[3]) = (NoteItem(ENTRY, LETTER, 2, 1), NoteItem("declaration 2", LETTER, 2, 2));
        if (binding != MANY_DECLARATIONS) {
            refuse(abi.encodeWithSelector(CheckNotes.CheckNotesBindingWrong.selector, NOTE, binding, 2));
            open(opening(NOTE, 1, binding, items), broker);
            return;
        }
        open(opening(NOTE, 1, binding, items), broker);
        assertEq(notes.liveNotes(ENTRY).count, 1);
        assertTrue(notes.liveNotes("declaration 2").exclusive, "exclusive");
        void_(NOTE, broker);
        assertEq(notes.liveNotes(ENTRY).count + notes.liveNotes("declaration 2").count, 0);
        assertTrue(!notes.liveNotes("declaration 2").exclusive, "exclusive");
        assertEq(notes.noted("declaration 2", LETTER, 2), 0);
    }

    function test_AnEmptyVehicleIsBoundToNothing(uint8 binding) public {
        binding = uint8(within(binding, 1, 3));
        open(opening(NOTE, 1, binding, new NoteItem[](0)), broker);
        open(opening("note 2", 1, binding, new NoteItem[](0)), broker);
    }

    function test_TheDigestsAreThoseOfEip712() public view {
        CheckNoteOpening memory opened = opening(NOTE, 2, itemsOf(_item(7)));
        bytes memory itemType = "NoteItem(bytes32 declaration,bytes32 certificate,uint32 line,uint128 quantity)";
        bytes32 openingType = keccak256(
            bytes.concat(
                "CheckNoteOpening(bytes32 note,bytes32 contentHash,uint8 gates,uint8 binding,NoteItem[] items,",
                "uint64 signedAt)",
                itemType
            )
        );
        bytes32 itemsHash = keccak256(abi.encodePacked(keccak256(abi.encode(keccak256(itemType), opened.items[0]))));
        assertEq(
            notes.hashCheckNoteOpening(opened),
            _digest(
                keccak256(
                    abi.encode(
                        openingType,
                        opened.note,
                        opened.contentHash,
                        opened.gates,
                        opened.binding,
                        itemsHash,
                        opened.signedAt
                    )
                )
            )
        );
        bytes32 approvalType = keccak256("CheckNoteApproval(bytes32 note,bytes32 contentHash,uint64 signedAt)");
        assertEq(
            notes.hashCheckNoteApproval(CheckNoteApproval(NOTE, "content", 5)),
            _digest(keccak256(abi.encode(approvalType, NOTE, bytes32("content"), 5)))
        );
        bytes32 passageType = keccak256("GatePassage(bytes32 note,uint8 gate,bytes32 eventHash,uint64 signedAt)");
        assertEq(
            notes.hashGatePassage(GatePassage(NOTE, 2, "event", 5)),
            _digest(keccak256(abi.encode(passageType, NOTE, 2, bytes32("event"), 5)))
        );
        bytes32 voidingType = keccak256("CheckNoteVoiding(bytes32 note,bytes32 reasonHash,uint64 signedAt)");
        assertEq(
            notes.hashCheckNoteVoiding(CheckNoteVoiding(NOTE, "reason", 5)),
            _digest(keccak256(abi.encode(voidingType, NOTE, bytes32("reason"), 5)))
        );
    }

    function _digest(bytes32 message) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(address(notes)), message));
    }

    function _item(uint128 quantity) private pure returns (NoteItem memory) {
        return NoteItem(ENTRY, LETTER, 1, quantity);
    }

    function _assertState(CheckNotes.NoteState state) private view {
        assertEq(uint8(notes.note(NOTE).state), uint8(state));
    }

    function _stateWrong(CheckNotes.NoteState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(CheckNotes.CheckNotesStateWrong.selector, NOTE, state);
    }

    function _exceeded(uint256 noted, uint128 drawn) private pure returns (bytes memory) {
        return abi.encodeWithSelector(CheckNotes.CheckNotesQuantityExceeded.selector, ENTRY, LETTER, 1, noted, drawn);
    }

    function _bound(uint8 binding, uint256 count, bool exclusive) private pure returns (bytes memory) {
        return abi.encodeWithSelector(CheckNotes.CheckNotesDeclarationBound.selector, ENTRY, binding, count, exclusive);
    }

    function _roleMissing(Officer memory officer, uint256 needed) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Consortium.ConsortiumRoleMissing.selector, keyOf(officer), officer.roles, needed);
    }
}
