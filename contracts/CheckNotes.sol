// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "./Consortium.sol";
import {MaterialCertificates} from "./MaterialCertificates.sol";
import {OfficerStatements} from "./OfficerStatements.sol";
import {Roles} from "./Roles.sol";
import {Signed} from "./StatementRegister.sol";

/// @notice Part of what a declaration has drawn, carried by one vehicle.
/// @param declaration Identifier of the declaration.
/// @param certificate Identifier of the certificate drawn from.
/// @param line Line number.
/// @param quantity Millionths of the line's unit.
struct NoteItem {
    bytes32 declaration;
    bytes32 certificate;
    uint32 line;
    uint128 quantity;
}

/// @notice A broker asks that a vehicle may pass.
/// @param note Identifier.
/// @param contentHash Root over the note's fields.
/// @param gates 1 single gate, 2 gate 1 then gate 2.
/// @param binding 1 one vehicle for many declarations, 2 one for one, 3 many vehicles for one declaration.
/// @param items The load, empty for an empty vehicle.
/// @param signedAt When the broker signed, in Unix seconds.
struct CheckNoteOpening {
    bytes32 note;
    bytes32 contentHash;
    uint8 gates;
    uint8 binding;
    NoteItem[] items;
    uint64 signedAt;
}

/// @notice Customs lets the vehicle pass.
/// @param note Identifier.
/// @param contentHash Content approved; must be what the broker signed.
/// @param signedAt When the officer signed, in Unix seconds.
struct CheckNoteApproval {
    bytes32 note;
    bytes32 contentHash;
    uint64 signedAt;
}

/// @notice A gate reports that the barrier has lifted.
/// @param note Identifier.
/// @param gate 1 or 2.
/// @param eventHash Hash over the gate event.
/// @param signedAt When the gate signed, in Unix seconds.
struct GatePassage {
    bytes32 note;
    uint8 gate;
    bytes32 eventHash;
    uint64 signedAt;
}

/// @notice A broker gives a note up before the first gate.
/// @param note Identifier.
/// @param reasonHash Hash over the reasons.
/// @param signedAt When the broker signed, in Unix seconds.
struct CheckNoteVoiding {
    bytes32 note;
    bytes32 reasonHash;
    uint64 signedAt;
}

/// @title Check notes: one vehicle, once through each gate
/// @notice All notes together never carry more of a line than their declaration has drawn.
contract CheckNotes is OfficerStatements {
    /// @notice Where a note stands; Passed means through its last gate.
    enum NoteState {
        None,
        Open,
        Approved,
        Passed,
        Voided
    }

    /// @notice What is known of a note.
    struct NoteRecord {
        bytes32 contentHash;
        bytes32 broker;
        uint8 gates;
        uint8 binding;
        uint8 passed;
        NoteState state;
    }

    /// @notice The notes of a declaration that are not voided.
    struct LiveNotes {
        uint64 count;
        bool exclusive;
    }

    bytes32 private constant NOTE_ITEM_TYPE =
        keccak256("NoteItem(bytes32 declaration,bytes32 certificate,uint32 line,uint128 quantity)");
    bytes32 private constant CHECK_NOTE_OPENING_TYPE = keccak256(
        "CheckNoteOpening(bytes32 note,bytes32 contentHash,uint8 gates,uint8 binding,NoteItem[] items,uint64 signedAt)"
        "NoteItem(bytes32 declaration,bytes32 certificate,uint32 line,uint128 quantity)"
    );
    bytes32 private constant CHECK_NOTE_APPROVAL_TYPE =
        keccak256("CheckNoteApproval(bytes32 note,bytes32 contentHash,uint64 signedAt)");
    bytes32 private constant GATE_PASSAGE_TYPE =
        keccak256("GatePassage(bytes32 note,uint8 gate,bytes32 eventHash,uint64 signedAt)");
    bytes32 private constant CHECK_NOTE_VOIDING_TYPE =
        keccak256("CheckNoteVoiding(bytes32 note,bytes32 reasonHash,uint64 signedAt)");
    uint8 private constant MOST_GATES = 2;
    uint8 private constant BINDING_MANY_DECLARATIONS = 1;
    uint8 private constant BINDING_MANY_VEHICLES = 3;

    MaterialCertificates private immutable _certificates;
    mapping(bytes32 note => NoteRecord) private _notes;
    mapping(bytes32 note => NoteItem[]) private _items;
    mapping(bytes32 itemKey => uint256 quantity) private _noted;
    mapping(bytes32 declaration => LiveNotes) private _live;
    mapping(bytes32 note => mapping(bytes32 declaration => bool)) private _standsOn;

    /// @notice A note waits for approval.
    /// @param note Identifier.
    /// @param contentHash Root over the fields.
    /// @param gates How many gates it is for.
    /// @param binding How vehicles and declarations belong together.
    event CheckNoteOpened(bytes32 indexed note, bytes32 contentHash, uint8 gates, uint8 binding);
    /// @notice A note may pass.
    /// @param note Identifier.
    /// @param officer Who approved.
    event CheckNoteApproved(bytes32 indexed note, bytes32 officer);
    /// @notice A vehicle went through a gate.
    /// @param note Identifier.
    /// @param gate 1 or 2.
    /// @param eventHash Hash over the gate event.
    event GatePassed(bytes32 indexed note, uint8 gate, bytes32 eventHash);
    /// @notice A note was given up; its quantities are free again.
    /// @param note Identifier.
    event CheckNoteVoided(bytes32 indexed note);

    /// @notice The number of gates is neither one nor two.
    error CheckNotesGatesUnknown(uint8 gates);
    /// @notice No binding has this code.
    error CheckNotesBindingUnknown(uint8 binding);
    /// @notice The binding allows one declaration on the note.
    error CheckNotesBindingWrong(bytes32 note, uint8 binding, uint256 declarations);
    /// @notice Another note of the declaration, or its binding, leaves no room for this one.
    error CheckNotesDeclarationBound(bytes32 declaration, uint8 binding, uint256 notes, bool exclusive);
    /// @notice An item without a quantity.
    error CheckNotesItemEmpty(bytes32 declaration, bytes32 certificate, uint32 line);
    /// @notice The declaration or the note is another organisation's.
    error CheckNotesBrokerDiffers(bytes32 subject, bytes32 broker, bytes32 given);
    /// @notice All notes together would carry more than the declaration has drawn.
    error CheckNotesQuantityExceeded(
        bytes32 declaration, bytes32 certificate, uint32 line, uint256 noted, uint256 drawn
    );
    /// @notice The note's state does not allow this.
    error CheckNotesStateWrong(bytes32 note, NoteState state);
    /// @notice The content is not what the broker signed.
    error CheckNotesContentDiffers(bytes32 note, bytes32 expected, bytes32 given);
    /// @notice The note has been through this gate.
    error CheckNotesGateRepeated(bytes32 note, uint8 gate);
    /// @notice Another gate comes first, or the note is not for this gate.
    error CheckNotesGateWrong(bytes32 note, uint8 expected, uint8 given);
    /// @notice The vehicle is already past the first gate.
    error CheckNotesUnderWay(bytes32 note, uint8 passed);

    /// @notice Binds the contract to the consortium and the certificates.
    /// @param consortium_ The register of organisations and keys.
    /// @param certificates_ Where declarations draw.
    constructor(Consortium consortium_, MaterialCertificates certificates_) OfficerStatements(consortium_) {
        _certificates = certificates_;
    }

    /// @notice Opens a note over parts of what the broker's declarations have drawn.
    /// @param statement What the broker signed.
    /// @param by A key with the role BROKER of the organisation that filed the declarations.
    function open(CheckNoteOpening calldata statement, Signed calldata by) external {
        bytes32 note_ = statement.note;
        (bytes32 broker,) = _accept(hashCheckNoteOpening(statement), note_, Roles.BROKER, by);
        NoteRecord storage record = _notes[note_];
        if (record.state != NoteState.None) revert CheckNotesStateWrong(note_, record.state);
        if (statement.gates == 0 || statement.gates > MOST_GATES) revert CheckNotesGatesUnknown(statement.gates);
        uint8 binding = statement.binding;
        if (binding < BINDING_MANY_DECLARATIONS || binding > BINDING_MANY_VEHICLES) {
            revert CheckNotesBindingUnknown(binding);
        }
        record.contentHash = statement.contentHash;
        record.broker = broker;
        record.gates = statement.gates;
        record.binding = binding;
        record.state = NoteState.Open;
        emit CheckNoteOpened(note_, statement.contentHash, statement.gates, binding);

        uint256 declarations = 0;
        MaterialCertificates.DrawRecord[] memory draws;
        for (uint256 i = 0; i < statement.items.length; ++i) {
            NoteItem calldata item = statement.items[i];
            if (item.quantity == 0) revert CheckNotesItemEmpty(item.declaration, item.certificate, item.line);
            if (i == 0 || item.declaration != statement.items[i - 1].declaration) {
                draws = _drawsOf(item.declaration, broker);
                if (!_standsOn[note_][item.declaration]) {
                    ++declarations;
                    _standsOn[note_][item.declaration] = true;
                    _bind(item.declaration, binding);
                }
            }
            _noted[_itemKey(item)] += item.quantity;
            _requireCovered(item, draws);
            _items[note_].push(item);
        }
        if (binding != BINDING_MANY_DECLARATIONS && declarations > 1) {
            revert CheckNotesBindingWrong(note_, binding, declarations);
        }
    }

    /// @notice Lets a note pass.
    /// @param statement What the officer signed.
    /// @param by A key with the role DOCUMENTS_OFFICER or RELEASING_OFFICER.
    function approve(CheckNoteApproval calldata statement, Signed calldata by) external {
        bytes32 note_ = statement.note;
        (, bytes32 officer) =
            _accept(hashCheckNoteApproval(statement), note_, Roles.DOCUMENTS_OFFICER | Roles.RELEASING_OFFICER, by);
        NoteRecord storage record = _notes[note_];
        if (record.state != NoteState.Open) revert CheckNotesStateWrong(note_, record.state);
        if (statement.contentHash != record.contentHash) {
            revert CheckNotesContentDiffers(note_, record.contentHash, statement.contentHash);
        }
        record.state = NoteState.Approved;
        emit CheckNoteApproved(note_, officer);
    }

    /// @notice Takes a vehicle through a gate, once, while its declarations still cover the load.
    /// @param statement What the gate signed.
    /// @param by A key with the role GATE.
    function pass(GatePassage calldata statement, Signed calldata by) external {
        bytes32 note_ = statement.note;
        _accept(hashGatePassage(statement), note_, Roles.GATE, by);
        NoteRecord storage record = _notes[note_];
        uint8 passed = record.passed;
        if (statement.gate != 0 && statement.gate <= passed) {
            revert CheckNotesGateRepeated(note_, statement.gate);
        }
        if (record.state != NoteState.Approved) revert CheckNotesStateWrong(note_, record.state);
        if (statement.gate != passed + 1) revert CheckNotesGateWrong(note_, passed + 1, statement.gate);
        record.passed = statement.gate;
        if (statement.gate == record.gates) record.state = NoteState.Passed;
        emit GatePassed(note_, statement.gate, statement.eventHash);

        NoteItem[] memory items = _items[note_];
        MaterialCertificates.DrawRecord[] memory draws;
        for (uint256 i = 0; i < items.length; ++i) {
            if (i == 0 || items[i].declaration != items[i - 1].declaration) {
                draws = _certificates.drawsOf(items[i].declaration);
            }
            _requireCovered(items[i], draws);
        }
    }

    /// @notice Gives a note up before the first gate and frees its quantities.
    /// @param statement What the broker signed.
    /// @param by A key with the role BROKER of the organisation that opened the note.
    function void_(CheckNoteVoiding calldata statement, Signed calldata by) external {
        bytes32 note_ = statement.note;
        (bytes32 broker,) = _accept(hashCheckNoteVoiding(statement), note_, Roles.BROKER, by);
        NoteRecord storage record = _notes[note_];
        if (record.passed != 0) revert CheckNotesUnderWay(note_, record.passed);
        if (record.state != NoteState.Open && record.state != NoteState.Approved) {
            revert CheckNotesStateWrong(note_, record.state);
        }
        if (record.broker != broker) revert CheckNotesBrokerDiffers(note_, record.broker, broker);
        record.state = NoteState.Voided;
        emit CheckNoteVoided(note_);

        NoteItem[] storage items = _items[note_];
        for (uint256 i = 0; i < items.length; ++i) {
            NoteItem memory item = items[i];
            _noted[_itemKey(item)] -= item.quantity;
            if (_standsOn[note_][item.declaration]) {
                _standsOn[note_][item.declaration] = false;
                LiveNotes storage live = _live[item.declaration];
                --live.count;
                live.exclusive = false;
            }
        }
    }

    /// @notice Where declarations draw.
    /// @return The contract of material certificates.
    function certificates() external view returns (MaterialCertificates) {
        return _certificates;
    }

    /// @notice What is known of a note.
    /// @param note_ Identifier.
    /// @return The record, empty where no note was opened.
    function note(bytes32 note_) external view returns (NoteRecord memory) {
        return _notes[note_];
    }

    /// @notice The load of a note.
    /// @param note_ Identifier.
    /// @return Items in the order in which the broker signed them.
    function itemsOf(bytes32 note_) external view returns (NoteItem[] memory) {
        return _items[note_];
    }

    /// @notice What all notes that are not voided carry of a line for a declaration.
    /// @param declaration Identifier of the declaration.
    /// @param certificate Identifier of the certificate.
    /// @param line Line number.
    /// @return Millionths of the line's unit.
    function noted(bytes32 declaration, bytes32 certificate, uint32 line) external view returns (uint256) {
        return _noted[_itemKey(NoteItem(declaration, certificate, line, 0))];
    }

    /// @notice The notes of a declaration that are not voided.
    /// @param declaration Identifier of the declaration.
    /// @return How many, and whether they leave room for no other.
    function liveNotes(bytes32 declaration) external view returns (LiveNotes memory) {
        return _live[declaration];
    }

    /// @notice The digest that a broker signs to open a note.
    /// @param statement The opening.
    /// @return EIP-712 digest.
    function hashCheckNoteOpening(CheckNoteOpening calldata statement) public view returns (bytes32) {
        bytes32[] memory items = new bytes32[](statement.items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            items[i] = keccak256(abi.encode(NOTE_ITEM_TYPE, statement.items[i]));
        }
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    CHECK_NOTE_OPENING_TYPE,
                    statement.note,
                    statement.contentHash,
                    statement.gates,
                    statement.binding,
                    keccak256(abi.encodePacked(items)),
                    statement.signedAt
                )
            )
        );
    }

    /// @notice The digest that an officer signs to approve a note.
    /// @param statement The approval.
    /// @return EIP-712 digest.
    function hashCheckNoteApproval(CheckNoteApproval calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHECK_NOTE_APPROVAL_TYPE, statement)));
    }

    /// @notice The digest that a gate signs.
    /// @param statement The passage.
    /// @return EIP-712 digest.
    function hashGatePassage(GatePassage calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(GATE_PASSAGE_TYPE, statement)));
    }

    /// @notice The digest that a broker signs to void a note.
    /// @param statement The voiding.
    /// @return EIP-712 digest.
    function hashCheckNoteVoiding(CheckNoteVoiding calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHECK_NOTE_VOIDING_TYPE, statement)));
    }

    /// @dev One vehicle to itself wants the declaration to itself; vehicles of one declaration stand side by side.
    function _bind(bytes32 declaration, uint8 binding) private {
        LiveNotes storage live = _live[declaration];
        bool alone = binding != BINDING_MANY_VEHICLES;
        if (live.exclusive || (alone && live.count != 0)) {
            revert CheckNotesDeclarationBound(declaration, binding, live.count, live.exclusive);
        }
        ++live.count;
        live.exclusive = alone;
    }

    function _drawsOf(bytes32 declaration, bytes32 broker)
        private
        view
        returns (MaterialCertificates.DrawRecord[] memory)
    {
        bytes32 filedBy = _certificates.brokerOf(declaration);
        if (filedBy != broker) revert CheckNotesBrokerDiffers(declaration, filedBy, broker);
        return _certificates.drawsOf(declaration);
    }

    /// @dev A declaration may draw on one line more than once, so that all its draws are looked at.
    function _requireCovered(NoteItem memory item, MaterialCertificates.DrawRecord[] memory draws) private view {
        uint256 drawn = 0;
        for (uint256 i = 0; i < draws.length; ++i) {
            MaterialCertificates.DrawRecord memory held = draws[i];
            if (held.line == item.line && held.certificate == item.certificate) drawn += held.quantity;
        }
        uint256 noted_ = _noted[_itemKey(item)];
        if (noted_ > drawn) {
            revert CheckNotesQuantityExceeded(item.declaration, item.certificate, item.line, noted_, drawn);
        }
    }

    function _itemKey(NoteItem memory item) private pure returns (bytes32) {
        return keccak256(abi.encode(item.declaration, item.certificate, item.line));
    }
}
