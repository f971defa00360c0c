// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Consortium} from "./Consortium.sol";
import {OfficerStatements} from "./OfficerStatements.sol";
import {Roles} from "./Roles.sol";
import {DeclarationSlot, LineSlot, Slots} from "./Slots.sol";
import {Signed} from "./StatementRegister.sol";

/// @notice A broker puts a version of a material certificate forward; while one is active, an amendment of it.
/// @param certificate Identifier.
/// @param version One more than the version before, from 1.
/// @param contentHash Root over the certificate's fields.
/// @param linesRoot Merkle root over (certificate, line, unit, ceiling).
/// @param holder Organisation that the certificate speaks for.
/// @param validFrom First second at which quantities may be drawn.
/// @param validUntil Last second at which quantities may be drawn.
/// @param signedAt When the broker signed, in Unix seconds.
struct CertificateSubmission {
    bytes32 certificate;
    uint32 version;
    bytes32 contentHash;
    bytes32 linesRoot;
    bytes32 holder;
    uint64 validFrom;
    uint64 validUntil;
    uint64 signedAt;
}

/// @notice The committee or customs judges the version that lies before it.
/// @param certificate Identifier.
/// @param version Version judged.
/// @param contentHash Content judged; must be what the broker signed.
/// @param party 1 committee, 2 customs.
/// @param verdict 1 confirm, 2 return, 3 reject.
/// @param reasonHash Hash over the reasons.
/// @param signedAt When the officer signed, in Unix seconds.
struct CertificateReview {
    bytes32 certificate;
    uint32 version;
    bytes32 contentHash;
    uint8 party;
    uint8 verdict;
    bytes32 reasonHash;
    uint64 signedAt;
}

/// @notice An officer ends an active certificate.
/// @param certificate Identifier.
/// @param version The active version.
/// @param reasonHash Hash over the reasons.
/// @param signedAt When the officer signed, in Unix seconds.
struct CertificateRevocation {
    bytes32 certificate;
    uint32 version;
    bytes32 reasonHash;
    uint64 signedAt;
}

/// @notice The holder of a certificate lets another broker draw from it.
/// @param certificate Identifier.
/// @param broker Organisation that may draw.
/// @param sequence Number of the delegation to this broker, from 1; replaces the one before.
/// @param validFrom First second at which the broker may draw.
/// @param validUntil Last second at which the broker may draw; 0 and 0 withdraw the delegation.
/// @param signedAt When the holder signed, in Unix seconds.
struct CertificateDelegation {
    bytes32 certificate;
    bytes32 broker;
    uint32 sequence;
    uint64 validFrom;
    uint64 validUntil;
    uint64 signedAt;
}

/// @notice What a declaration takes from one line of a certificate.
/// @param certificate Identifier.
/// @param line Line number.
/// @param unit UNECE Rec 20 code.
/// @param quantity Millionths of the unit.
struct Draw {
    bytes32 certificate;
    uint32 line;
    bytes3 unit;
    uint128 quantity;
}

/// @notice A broker files a declaration, or a new version that replaces the one before.
/// @param declaration Identifier.
/// @param version One more than the version before, from 1.
/// @param contentHash Root over the declaration's fields.
/// @param draws Everything that this version draws.
/// @param signedAt When the broker signed, in Unix seconds.
struct DeclarationFiling {
    bytes32 declaration;
    uint32 version;
    bytes32 contentHash;
    Draw[] draws;
    uint64 signedAt;
}

/// @notice A broker takes a declaration back before it is decided.
/// @param declaration Identifier.
/// @param version The version on file.
/// @param reasonHash Hash over the reasons.
/// @param signedAt When the broker signed, in Unix seconds.
struct DeclarationWithdrawal {
    bytes32 declaration;
    uint32 version;
    bytes32 reasonHash;
    uint64 signedAt;
}

/// @notice Shows that a line with this ceiling stands in the certificate's list. Needs no signature.
/// @param ceiling Millionths of the unit.
/// @param proof Sibling hashes from the leaf to the root.
struct LineProof {
    uint128 ceiling;
    bytes32[] proof;
}

/// @notice Shows the ceiling that an amendment gives to a line drawn from before. Needs no signature.
/// @param line Line number.
/// @param ceiling Millionths of the unit in which the line was first drawn.
/// @param proof Sibling hashes from the leaf to the amendment's root.
struct CarriedLine {
    uint32 line;
    uint128 ceiling;
    bytes32[] proof;
}

/// @title Material certificates and what declarations draw from them
/// @notice One declaration, three-party confirmation: a certificate is active only when broker, committee and customs
/// have signed the same content of the same version. Each line is drawn down: reserved when a declaration is filed,
/// committed when it is released, given back when it is withdrawn, replaced or turned away; never above the ceiling.
/// An amendment waits beside the active version until it is confirmed and carries every line drawn from.
contract MaterialCertificates is OfficerStatements {
    /// @notice Where a certificate stands; Expired is told by stateOf and never kept.
    enum CertificateState {
        None,
        Submitted,
        Returned,
        Rejected,
        Active,
        Revoked,
        Expired
    }

    /// @notice Where a declaration stands; Denied means decided without release.
    enum DeclarationState {
        None,
        Filed,
        Withdrawn,
        Released,
        Denied
    }

    /// @notice The version of a certificate that counts.
    /// @dev `linesUsed` counts the lines that were ever drawn from; `lastVersion` is the last one submitted.
    struct CertificateRecord {
        VersionRecord current;
        bytes32 broker;
        CertificateState state;
        bool amending;
        uint32 number;
        uint32 lastVersion;
        uint32 linesUsed;
    }

    /// @notice What was submitted, and who has confirmed it.
    /// @dev `linesCarried` counts the lines of an amendment whose ceiling was shown.
    struct VersionRecord {
        bytes32 contentHash;
        bytes32 linesRoot;
        bytes32 holder;
        uint64 validFrom;
        uint64 validUntil;
        uint32 version;
        uint32 linesCarried;
        bool confirmedByCommittee;
        bool confirmedByCustoms;
    }

    /// @notice The last word of a holder about a broker.
    struct DelegationRecord {
        bytes32 holder;
        uint32 sequence;
        uint64 validFrom;
        uint64 validUntil;
    }

    /// @notice What a declaration holds of one line.
    struct DrawRecord {
        bytes32 certificate;
        uint32 line;
        uint128 quantity;
    }

    /// @dev A draw after the first.
    struct FurtherDraw {
        uint32 certificate;
        uint32 line;
        uint112 quantity;
    }

    struct CarriedRecord {
        uint32 version;
        uint128 ceiling;
    }

    bytes32 private constant CERTIFICATE_SUBMISSION_TYPE = keccak256(
        "CertificateSubmission(bytes32 certificate,uint32 version,bytes32 contentHash,bytes32 linesRoot,bytes32 holder,"
        "uint64 validFrom,uint64 validUntil,uint64 signedAt)"
    );
    bytes32 private constant CERTIFICATE_REVIEW_TYPE = keccak256(
        "CertificateReview(bytes32 certificate,uint32 version,bytes32 contentHash,uint8 party,uint8 verdict,"
        "bytes32 reasonHash,uint64 signedAt)"
    );
    bytes32 private constant CERTIFICATE_REVOCATION_TYPE =
        keccak256("CertificateRevocation(bytes32 certificate,uint32 version,bytes32 reasonHash,uint64 signedAt)");
    bytes32 private constant CERTIFICATE_DELEGATION_TYPE = keccak256(
        "CertificateDelegation(bytes32 certificate,bytes32 broker,uint32 sequence,uint64 validFrom,uint64 validUntil,"
        "uint64 signedAt)"
    );
    bytes32 private constant DRAW_TYPE =
        keccak256("Draw(bytes32 certificate,uint32 line,bytes3 unit,uint128 quantity)");
    bytes32 private constant DECLARATION_FILING_TYPE = keccak256(
        "DeclarationFiling(bytes32 declaration,uint32 version,bytes32 contentHash,Draw[] draws,uint64 signedAt)"
        "Draw(bytes32 certificate,uint32 line,bytes3 unit,uint128 quantity)"
    );
    bytes32 private constant DECLARATION_WITHDRAWAL_TYPE =
        keccak256("DeclarationWithdrawal(bytes32 declaration,uint32 version,bytes32 reasonHash,uint64 signedAt)");

    uint8 private constant PARTY_COMMITTEE = 1;
    uint8 private constant PARTY_CUSTOMS = 2;
    uint8 private constant VERDICT_CONFIRM = 1;
    uint8 private constant VERDICT_RETURN = 2;
    uint8 private constant VERDICT_REJECT = 3;

    address private immutable _releaseDecisions;
    uint32 private _lastNumber;
    mapping(uint32 number => bytes32 certificate) private _numbered;
    mapping(bytes32 certificate => CertificateRecord) private _certificates;
    mapping(bytes32 certificate => VersionRecord) private _amendments;
    mapping(bytes32 certificate => mapping(bytes32 broker => DelegationRecord)) private _delegations;
    mapping(bytes32 lineKey => uint256 slot) private _lines;
    mapping(bytes32 lineKey => CarriedRecord) private _carried;
    mapping(bytes32 filingKey => uint256 slot) private _filings;
    mapping(bytes32 declaration => uint256 slot) private _declarations;
    mapping(bytes32 declaration => mapping(uint256 place => FurtherDraw)) private _further;

    /// @notice A version was put forward.
    /// @param certificate Identifier.
    /// @param version Version.
    /// @param contentHash Root over the fields.
    /// @param linesRoot Root over the lines.
    /// @param broker Organisation that submitted.
    /// @param holder Organisation that the certificate speaks for.
    /// @param validFrom First second of validity.
    /// @param validUntil Last second of validity.
    event CertificateSubmitted(
        bytes32 indexed certificate,
        uint32 version,
        bytes32 contentHash,
        bytes32 linesRoot,
        bytes32 broker,
        bytes32 holder,
        uint64 validFrom,
        uint64 validUntil
    );
    /// @notice A party gave its verdict.
    /// @param certificate Identifier.
    /// @param version Version judged.
    /// @param party 1 committee, 2 customs.
    /// @param verdict 1 confirm, 2 return, 3 reject.
    /// @param officer Who judged.
    event CertificateReviewed(bytes32 indexed certificate, uint32 version, uint8 party, uint8 verdict, bytes32 officer);
    /// @notice All three parties have confirmed.
    /// @param certificate Identifier.
    /// @param version Version.
    event CertificateActivated(bytes32 indexed certificate, uint32 version);
    /// @notice Nothing more can be drawn.
    /// @param certificate Identifier.
    /// @param version Version.
    event CertificateRevoked(bytes32 indexed certificate, uint32 version);
    /// @notice An amendment has shown what it gives to a line that was drawn from.
    /// @param certificate Identifier.
    /// @param version Version of the amendment.
    /// @param line Line number.
    /// @param ceiling Millionths of the unit.
    event CertificateLineCarried(bytes32 indexed certificate, uint32 version, uint32 line, uint128 ceiling);
    /// @notice The holder lets a broker draw, or no longer.
    /// @param certificate Identifier.
    /// @param broker Organisation that may draw.
    /// @param sequence Number of the delegation to this broker.
    /// @param validFrom First second at which the broker may draw.
    /// @param validUntil Last second at which the broker may draw; 0 and 0 withdraw the delegation.
    event CertificateDelegated(
        bytes32 indexed certificate, bytes32 indexed broker, uint32 sequence, uint64 validFrom, uint64 validUntil
    );
    /// @notice A version of a declaration is on file.
    /// @param declaration Identifier.
    /// @param version Version.
    /// @param contentHash Root over the fields.
    event DeclarationFiled(bytes32 indexed declaration, uint32 version, bytes32 contentHash);
    /// @notice The broker took the declaration back.
    /// @param declaration Identifier.
    /// @param version Version.
    event DeclarationWithdrawn(bytes32 indexed declaration, uint32 version);
    /// @notice A declaration reserved a quantity.
    /// @param certificate Identifier.
    /// @param line Line number.
    /// @param declaration Identifier of the declaration.
    /// @param quantity Millionths of the unit.
    /// @param reserved The line's total of reservations after this.
    /// @param committed The line's total of releases after this.
    event LineReserved(
        bytes32 indexed certificate,
        uint32 indexed line,
        bytes32 indexed declaration,
        uint128 quantity,
        uint128 reserved,
        uint128 committed
    );
    /// @notice A reservation became final with the release.
    /// @param certificate Identifier.
    /// @param line Line number.
    /// @param declaration Identifier of the declaration.
    /// @param quantity Millionths of the unit.
    /// @param reserved The line's total of reservations after this.
    /// @param committed The line's total of releases after this.
    event LineCommitted(
        bytes32 indexed certificate,
        uint32 indexed line,
        bytes32 indexed declaration,
        uint128 quantity,
        uint128 reserved,
        uint128 committed
    );
    /// @notice A reservation was given back, or what was committed by a release that was corrected.
    /// @param certificate Identifier.
    /// @param line Line number.
    /// @param declaration Identifier of the declaration.
    /// @param quantity Millionths of the unit.
    /// @param reserved The line's total of reservations after this.
    /// @param committed The line's total of releases after this.
    event LineReturned(
        bytes32 indexed certificate,
        uint32 indexed line,
        bytes32 indexed declaration,
        uint128 quantity,
        uint128 reserved,
        uint128 committed
    );

    /// @notice The version is not the one that the certificate is at, or not the next one.
    error MaterialCertificatesVersionWrong(bytes32 certificate, uint32 expected, uint32 given);
    /// @notice The certificate's state does not allow this.
    error MaterialCertificatesStateWrong(bytes32 certificate, CertificateState state);
    /// @notice Another organisation submitted the certificate, and its holder has not let this one draw.
    error MaterialCertificatesBrokerDiffers(bytes32 certificate, bytes32 broker, bytes32 given);
    /// @notice The validity ends before it begins.
    error MaterialCertificatesValidityEmpty(bytes32 certificate, uint64 validFrom, uint64 validUntil);
    /// @notice The content is not what the broker signed.
    error MaterialCertificatesContentDiffers(bytes32 certificate, bytes32 expected, bytes32 given);
    /// @notice The party is neither committee nor customs.
    error MaterialCertificatesPartyUnknown(uint8 party);
    /// @notice The verdict is none of confirm, return, reject.
    error MaterialCertificatesVerdictUnknown(uint8 verdict);
    /// @notice The party has confirmed this version before.
    error MaterialCertificatesReviewRepeated(bytes32 certificate, uint32 version, uint8 party);
    /// @notice The certificate is not valid at this moment.
    error MaterialCertificatesNotValid(bytes32 certificate, uint64 validFrom, uint64 validUntil, uint256 blockTime);
    /// @notice The declaration's version is not the one on file, or not the next one.
    error MaterialCertificatesDeclarationVersionWrong(bytes32 declaration, uint32 expected, uint32 given);
    /// @notice The declaration's state does not allow this.
    error MaterialCertificatesDeclarationStateWrong(bytes32 declaration, DeclarationState state);
    /// @notice Another organisation filed the declaration.
    error MaterialCertificatesDeclarationBrokerDiffers(bytes32 declaration, bytes32 broker, bytes32 given);
    /// @notice The content is not what is on file.
    error MaterialCertificatesDeclarationContentDiffers(bytes32 declaration, uint32 version, bytes32 given);
    /// @notice Every draw needs the proof of its line.
    error MaterialCertificatesProofsMissing(uint256 draws, uint256 proofs);
    /// @notice A draw of nothing.
    error MaterialCertificatesDrawEmpty(bytes32 certificate, uint32 line);
    /// @notice The line does not stand in the certificate's list with this unit and ceiling.
    error MaterialCertificatesLineUnproven(bytes32 certificate, uint32 line, bytes3 unit, uint128 ceiling);
    /// @notice The line has less left than is asked for.
    error MaterialCertificatesLineOverdrawn(bytes32 certificate, uint32 line, uint256 left, uint128 asked);
    /// @notice The line was first drawn in another unit.
    error MaterialCertificatesUnitDiffers(bytes32 certificate, uint32 line, bytes3 expected, bytes3 given);
    /// @notice The amendment would give a line less than is drawn from it.
    error MaterialCertificatesCeilingTooLow(bytes32 certificate, uint32 line, uint256 drawn, uint128 ceiling);
    /// @notice Nothing was ever drawn from the line, so that there is nothing to carry.
    error MaterialCertificatesLineNotDrawn(bytes32 certificate, uint32 line);
    /// @notice Not every line drawn from has shown its ceiling in the amendment.
    error MaterialCertificatesLinesNotCarried(bytes32 certificate, uint32 used, uint32 carried);
    /// @notice The certificate speaks for another organisation.
    error MaterialCertificatesHolderDiffers(bytes32 certificate, bytes32 holder, bytes32 given);
    /// @notice The delegation is not the next one to this broker.
    error MaterialCertificatesDelegationSequenceWrong(
        bytes32 certificate, bytes32 broker, uint32 expected, uint32 given
    );
    /// @notice Only the contract of release decisions may do this.
    error MaterialCertificatesCallerWrong(address expected, address given);

    /// @notice Binds the contract to the consortium and to the contract that may commit draws.
    /// @param consortium_ The register of organisations and keys.
    /// @param releaseDecisions_ Address at which ReleaseDecisions is going to be created.
    constructor(Consortium consortium_, address releaseDecisions_) OfficerStatements(consortium_) {
        _releaseDecisions = releaseDecisions_;
    }

    /// @notice Takes a first version, a new one after the last was returned, or an amendment of the active one.
    /// @param statement What the broker signed.
    /// @param by A key with the role BROKER.
    function submit(CertificateSubmission calldata statement, Signed calldata by) external {
        bytes32 certificate_ = statement.certificate;
        (bytes32 broker,) = _accept(hashCertificateSubmission(statement), certificate_, Roles.BROKER, by);
        CertificateRecord storage record = _certificates[certificate_];
        CertificateState state = record.amending ? CertificateState.Submitted : record.state;
        bool amends = state == CertificateState.Active;
        if (state != CertificateState.None && state != CertificateState.Returned && !amends) {
            revert MaterialCertificatesStateWrong(certificate_, state);
        }
        uint32 next = record.lastVersion + 1;
        if (statement.version != next) revert MaterialCertificatesVersionWrong(certificate_, next, statement.version);
        if (state != CertificateState.None && record.broker != broker) {
            revert MaterialCertificatesBrokerDiffers(certificate_, record.broker, broker);
        }
        if (statement.validUntil < statement.validFrom) {
            revert MaterialCertificatesValidityEmpty(certificate_, statement.validFrom, statement.validUntil);
        }
        _keep(amends ? _amendments[certificate_] : record.current, statement);
        record.lastVersion = next;
        if (amends) {
            record.amending = true;
        } else {
            record.broker = broker;
            record.state = CertificateState.Submitted;
            if (record.number == 0) {
                record.number = ++_lastNumber;
                _numbered[record.number] = certificate_;
            }
        }
        emit CertificateSubmitted(
            certificate_,
            statement.version,
            statement.contentHash,
            statement.linesRoot,
            broker,
            statement.holder,
            statement.validFrom,
            statement.validUntil
        );
    }

    /// @notice Takes the verdict of the committee or of customs; the second confirmation makes the version active.
    /// @param statement What the officer signed.
    /// @param carried Lines of an amendment whose ceilings are shown first, as by `carry`.
    /// @param by A key with the role COMMITTEE for party 1, DOCUMENTS_OFFICER for party 2.
    function review(CertificateReview calldata statement, CarriedLine[] calldata carried, Signed calldata by) external {
        bytes32 certificate_ = statement.certificate;
        (, bytes32 officer) = _accept(hashCertificateReview(statement), certificate_, _roleOf(statement.party), by);
        CertificateRecord storage record = _certificates[certificate_];
        bool amends = record.amending;
        if (!amends && record.state != CertificateState.Submitted) {
            revert MaterialCertificatesStateWrong(certificate_, record.state);
        }
        VersionRecord storage version_ = amends ? _amendments[certificate_] : record.current;
        if (statement.version != version_.version) {
            revert MaterialCertificatesVersionWrong(certificate_, version_.version, statement.version);
        }
        if (statement.contentHash != version_.contentHash) {
            revert MaterialCertificatesContentDiffers(certificate_, version_.contentHash, statement.contentHash);
        }
        bool asCommittee = statement.party == PARTY_COMMITTEE;
        if (asCommittee ? version_.confirmedByCommittee : version_.confirmedByCustoms) {
            revert MaterialCertificatesReviewRepeated(certificate_, statement.version, statement.party);
        }
        emit CertificateReviewed(certificate_, statement.version, statement.party, statement.verdict, officer);
        if (carried.length != 0) _carry(certificate_, statement.version, carried);

        if (statement.verdict == VERDICT_CONFIRM) {
            if (asCommittee) version_.confirmedByCommittee = true;
            else version_.confirmedByCustoms = true;
            if (version_.confirmedByCommittee && version_.confirmedByCustoms) {
                _activate(certificate_, record, version_);
            }
        } else if (statement.verdict != VERDICT_RETURN && statement.verdict != VERDICT_REJECT) {
            revert MaterialCertificatesVerdictUnknown(statement.verdict);
        } else if (amends) {
            record.amending = false;
        } else {
            bool returned = statement.verdict == VERDICT_RETURN;
            record.state = returned ? CertificateState.Returned : CertificateState.Rejected;
        }
    }

    /// @notice Shows the ceilings that the waiting amendment gives to lines drawn from; in as many calls as it takes. A
    /// line that was shown before is passed over.
    /// @param certificate_ Identifier.
    /// @param version Version of the amendment.
    /// @param lines The lines.
    function carry(bytes32 certificate_, uint32 version, CarriedLine[] calldata lines) external {
        _carry(certificate_, version, lines);
    }

    /// @notice Lets a broker draw from a certificate, or no longer.
    /// @param statement What the holder signed.
    /// @param by A key with the role HOLDER of the organisation that the certificate speaks for.
    function delegate(CertificateDelegation calldata statement, Signed calldata by) external {
        bytes32 certificate_ = statement.certificate;
        (bytes32 organisation,) = _accept(hashCertificateDelegation(statement), certificate_, Roles.HOLDER, by);
        bytes32 holder = _certificates[certificate_].current.holder;
        if (holder != organisation) revert MaterialCertificatesHolderDiffers(certificate_, holder, organisation);
        DelegationRecord storage record = _delegations[certificate_][statement.broker];
        uint32 next = record.sequence + 1;
        if (statement.sequence != next) {
            revert MaterialCertificatesDelegationSequenceWrong(certificate_, statement.broker, next, statement.sequence);
        }
        if (statement.validUntil < statement.validFrom) {
            revert MaterialCertificatesValidityEmpty(certificate_, statement.validFrom, statement.validUntil);
        }
        record.holder = holder;
        record.sequence = next;
        record.validFrom = statement.validFrom;
        record.validUntil = statement.validUntil;
        emit CertificateDelegated(certificate_, statement.broker, next, statement.validFrom, statement.validUntil);
    }

    /// @notice Ends an active certificate and drops its amendment; what is reserved stays reserved until its declaration is decided.
    /// @param statement What the officer signed.
    /// @param by A key with the role COMMITTEE, DOCUMENTS_OFFICER or SUPERVISOR.
    function revoke(CertificateRevocation calldata statement, Signed calldata by) external {
        bytes32 certificate_ = statement.certificate;
        _accept(
            hashCertificateRevocation(statement),
            certificate_,
            Roles.COMMITTEE | Roles.DOCUMENTS_OFFICER | Roles.SUPERVISOR,
            by
        );
        CertificateRecord storage record = _certificates[certificate_];
        if (record.state != CertificateState.Active) {
            revert MaterialCertificatesStateWrong(certificate_, record.state);
        }
        if (statement.version != record.current.version) {
            revert MaterialCertificatesVersionWrong(certificate_, record.current.version, statement.version);
        }
        record.state = CertificateState.Revoked;
        record.amending = false;
        emit CertificateRevoked(certificate_, statement.version);
    }

    /// @notice Puts a declaration on file and reserves what it draws; a new version first gives back the old draws.
    /// @param statement What the broker signed.
    /// @param proofs For each draw, in the same order, the proof of its line.
    /// @param by A key with the role BROKER of an organisation that submitted the certificates drawn from, or to which
    /// their holders have delegated.
    function file(DeclarationFiling calldata statement, LineProof[] calldata proofs, Signed calldata by) external {
        (bytes32 broker, uint24 number) = _acceptFiling(statement, by);
        bytes32 declaration_ = statement.declaration;
        DeclarationSlot memory record = Slots.declaration(_declarations[declaration_]);
        if (record.state == uint8(DeclarationState.None)) {
            record.broker = number;
            record.state = uint8(DeclarationState.Filed);
        } else if (record.state != uint8(DeclarationState.Filed)) {
            revert MaterialCertificatesDeclarationStateWrong(declaration_, DeclarationState(record.state));
        } else if (record.broker != number) {
            revert MaterialCertificatesDeclarationBrokerDiffers(declaration_, _organisationAt(record.broker), broker);
        }
        if (statement.version != record.version + 1) {
            revert MaterialCertificatesDeclarationVersionWrong(declaration_, record.version + 1, statement.version);
        }
        if (proofs.length != statement.draws.length) {
            revert MaterialCertificatesProofsMissing(statement.draws.length, proofs.length);
        }
        emit DeclarationFiled(declaration_, statement.version, statement.contentHash);

        _giveBack(declaration_, record, false);
        record.version = statement.version;
        for (uint256 i = 0; i < proofs.length; ++i) {
            uint32 certificate_ = _reserve(declaration_, broker, statement.draws[i], proofs[i]);
            _hold(declaration_, record, certificate_, statement.draws[i]);
        }
        _declarations[declaration_] = Slots.pack(record);
    }

    /// @notice Takes a declaration off file and gives its draws back.
    /// @param statement What the broker signed.
    /// @param by A key with the role BROKER of the organisation that filed.
    function withdraw(DeclarationWithdrawal calldata statement, Signed calldata by) external {
        bytes32 declaration_ = statement.declaration;
        (bytes32 broker,) = _accept(hashDeclarationWithdrawal(statement), declaration_, Roles.BROKER, by);
        DeclarationSlot memory record = Slots.declaration(_declarations[declaration_]);
        _requireFiled(declaration_, record, statement.version);
        bytes32 filedBy = _organisationAt(record.broker);
        if (filedBy != broker) revert MaterialCertificatesDeclarationBrokerDiffers(declaration_, filedBy, broker);
        emit DeclarationWithdrawn(declaration_, statement.version);
        _giveBack(declaration_, record, false);
        record.state = uint8(DeclarationState.Withdrawn);
        _declarations[declaration_] = Slots.pack(record);
    }

    /// @notice Turns the reservations of a released declaration into final draws. Only for ReleaseDecisions.
    /// @param declaration_ Identifier.
    /// @param version The version on file.
    /// @param contentHash The content on file.
    function commit(bytes32 declaration_, uint32 version, bytes32 contentHash) external {
        DeclarationSlot memory record = _requireDecided(declaration_, version, contentHash);
        record.state = uint8(DeclarationState.Released);
        _declarations[declaration_] = Slots.pack(record);
        for (uint256 i = 0; i < record.draws; ++i) {
            FurtherDraw memory held = _held(declaration_, record, i);
            bytes32 certificate_ = _numbered[held.certificate];
            bytes32 key = _lineKey(certificate_, held.line);
            LineSlot memory line_ = Slots.line(_lines[key]);
            line_.reserved -= held.quantity;
            line_.committed += held.quantity;
            _lines[key] = Slots.pack(line_);
            emit LineCommitted(certificate_, held.line, declaration_, held.quantity, line_.reserved, line_.committed);
        }
    }

    /// @notice Gives back the reservations of a declaration that was decided without release. Only for ReleaseDecisions.
    /// @param declaration_ Identifier.
    /// @param version The version on file.
    /// @param contentHash The content on file.
    function giveBack(bytes32 declaration_, uint32 version, bytes32 contentHash) external {
        DeclarationSlot memory record = _requireDecided(declaration_, version, contentHash);
        _giveBack(declaration_, record, false);
        record.state = uint8(DeclarationState.Denied);
        _declarations[declaration_] = Slots.pack(record);
    }

    /// @notice Gives back what a release committed that was corrected into a refusal. Only for ReleaseDecisions.
    /// @param declaration_ Identifier.
    function giveBackCommitted(bytes32 declaration_) external {
        _requireReleaseDecisions();
        DeclarationSlot memory record = Slots.declaration(_declarations[declaration_]);
        if (record.state != uint8(DeclarationState.Released)) {
            revert MaterialCertificatesDeclarationStateWrong(declaration_, DeclarationState(record.state));
        }
        _giveBack(declaration_, record, true);
        record.state = uint8(DeclarationState.Denied);
        _declarations[declaration_] = Slots.pack(record);
    }

    /// @notice The contract that may commit draws.
    /// @return Its address.
    function releaseDecisions() external view returns (address) {
        return _releaseDecisions;
    }

    /// @notice The version of a certificate that counts.
    /// @param certificate_ Identifier.
    /// @return The record, empty where nothing was submitted.
    function certificate(bytes32 certificate_) external view returns (CertificateRecord memory) {
        return _certificates[certificate_];
    }

    /// @notice The last amendment of a certificate; it waits for confirmation while the certificate is `amending`.
    /// @param certificate_ Identifier.
    /// @return The record, empty where there was none.
    function amendment(bytes32 certificate_) external view returns (VersionRecord memory) {
        return _amendments[certificate_];
    }

    /// @notice Where a certificate stands at this moment.
    /// @param certificate_ Identifier.
    /// @return The state; Expired where it is active and its last second has passed.
    function stateOf(bytes32 certificate_) external view returns (CertificateState) {
        CertificateRecord storage record = _certificates[certificate_];
        bool expired = record.state == CertificateState.Active && block.timestamp > record.current.validUntil;
        return expired ? CertificateState.Expired : record.state;
    }

    /// @notice The last word of a holder about a broker; it counts while the certificate's holder is the same.
    /// @param certificate_ Identifier.
    /// @param broker Organisation that may draw.
    /// @return The record, empty where there is none.
    function delegation(bytes32 certificate_, bytes32 broker) external view returns (DelegationRecord memory) {
        return _delegations[certificate_][broker];
    }

    /// @notice Totals of a line over all declarations.
    /// @param certificate_ Identifier.
    /// @param line_ Line number.
    /// @return reserved Millionths of the unit held by declarations under way.
    /// @return committed Millionths of the unit released.
    function line(bytes32 certificate_, uint32 line_) external view returns (uint128 reserved, uint128 committed) {
        LineSlot memory record = Slots.line(_lines[_lineKey(certificate_, line_)]);
        return (record.reserved, record.committed);
    }

    /// @notice The unit in which a line was first drawn.
    /// @param certificate_ Identifier.
    /// @param line_ Line number.
    /// @return unit UNECE Rec 20 code.
    /// @return used True once anything was drawn.
    function unitOf(bytes32 certificate_, uint32 line_) external view returns (bytes3 unit, bool used) {
        LineSlot memory record = Slots.line(_lines[_lineKey(certificate_, line_)]);
        return (record.unit, record.used);
    }

    /// @notice Where a declaration stands, and its version.
    /// @param declaration_ Identifier.
    /// @return state None where nothing was filed.
    /// @return version The version that counts.
    function versionOf(bytes32 declaration_) external view returns (DeclarationState state, uint32 version) {
        DeclarationSlot memory record = Slots.declaration(_declarations[declaration_]);
        return (DeclarationState(record.state), record.version);
    }

    /// @notice The organisation that filed a declaration.
    /// @param declaration_ Identifier.
    /// @return Identifier of the organisation, 0 where nothing was filed.
    function brokerOf(bytes32 declaration_) external view returns (bytes32) {
        return _organisationAt(Slots.declaration(_declarations[declaration_]).broker);
    }

    /// @notice Tells whether and when a version of a declaration was filed with this content.
    /// @param declaration_ Identifier.
    /// @param version Version.
    /// @param contentHash Root over the fields.
    /// @return Block of the record, 0 where there is none.
    function filedAt(bytes32 declaration_, uint32 version, bytes32 contentHash) external view returns (uint256) {
        return Slots.blockOf(_filings[_filingKey(declaration_, version, contentHash)]);
    }

    /// @notice What a declaration holds of one line, reserved or committed.
    /// @param declaration_ Identifier.
    /// @param certificate_ Identifier of the certificate.
    /// @param line_ Line number.
    /// @return quantity Millionths of the unit.
    function drawn(bytes32 declaration_, bytes32 certificate_, uint32 line_) external view returns (uint128 quantity) {
        DeclarationSlot memory record = Slots.declaration(_declarations[declaration_]);
        uint32 number = _certificates[certificate_].number;
        for (uint256 i = 0; i < record.draws; ++i) {
            FurtherDraw memory held = _held(declaration_, record, i);
            if (held.certificate == number && held.line == line_) quantity += held.quantity;
        }
    }

    /// @notice Everything that a declaration holds, reserved or committed.
    /// @param declaration_ Identifier.
    /// @return draws One entry a draw, in the order of the filing.
    function drawsOf(bytes32 declaration_) external view returns (DrawRecord[] memory draws) {
        DeclarationSlot memory record = Slots.declaration(_declarations[declaration_]);
        draws = new DrawRecord[](record.draws);
        for (uint256 i = 0; i < draws.length; ++i) {
            FurtherDraw memory held = _held(declaration_, record, i);
            draws[i] = DrawRecord(_numbered[held.certificate], held.line, held.quantity);
        }
    }

    /// @notice The digest that a broker signs to submit.
    /// @param statement The submission.
    /// @return EIP-712 digest.
    function hashCertificateSubmission(CertificateSubmission calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CERTIFICATE_SUBMISSION_TYPE, statement)));
    }

    /// @notice The digest that an officer signs to judge.
    /// @param statement The review.
    /// @return EIP-712 digest.
    function hashCertificateReview(CertificateReview calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CERTIFICATE_REVIEW_TYPE, statement)));
    }

    /// @notice The digest that an officer signs to revoke.
    /// @param statement The revocation.
    /// @return EIP-712 digest.
    function hashCertificateRevocation(CertificateRevocation calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CERTIFICATE_REVOCATION_TYPE, statement)));
    }

    /// @notice The digest that a holder signs to delegate.
    /// @param statement The delegation.
    /// @return EIP-712 digest.
    function hashCertificateDelegation(CertificateDelegation calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CERTIFICATE_DELEGATION_TYPE, statement)));
    }

    /// @notice The digest that a broker signs to file.
    /// @param statement The filing.
    /// @return EIP-712 digest.
    function hashDeclarationFiling(DeclarationFiling calldata statement) public view returns (bytes32) {
        bytes32[] memory draws = new bytes32[](statement.draws.length);
        for (uint256 i = 0; i < draws.length; ++i) {
            draws[i] = keccak256(abi.encode(DRAW_TYPE, statement.draws[i]));
        }
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    DECLARATION_FILING_TYPE,
                    statement.declaration,
                    statement.version,
                    statement.contentHash,
                    keccak256(abi.encodePacked(draws)),
                    statement.signedAt
                )
            )
        );
    }

    /// @notice The digest that a broker signs to withdraw.
    /// @param statement The withdrawal.
    /// @return EIP-712 digest.
    function hashDeclarationWithdrawal(DeclarationWithdrawal calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(DECLARATION_WITHDRAWAL_TYPE, statement)));
    }

    function _keep(VersionRecord storage version_, CertificateSubmission calldata statement) private {
        version_.contentHash = statement.contentHash;
        version_.linesRoot = statement.linesRoot;
        version_.holder = statement.holder;
        version_.validFrom = statement.validFrom;
        version_.validUntil = statement.validUntil;
        version_.version = statement.version;
        version_.linesCarried = 0;
        version_.confirmedByCommittee = false;
        version_.confirmedByCustoms = false;
    }

    function _activate(bytes32 certificate_, CertificateRecord storage record, VersionRecord storage version_) private {
        if (record.amending) {
            if (version_.linesCarried != record.linesUsed) {
                revert MaterialCertificatesLinesNotCarried(certificate_, record.linesUsed, version_.linesCarried);
            }
            record.amending = false;
            record.current = version_;
        } else {
            record.state = CertificateState.Active;
        }
        emit CertificateActivated(certificate_, version_.version);
    }

    function _carry(bytes32 certificate_, uint32 version, CarriedLine[] calldata lines) private {
        CertificateRecord storage record = _certificates[certificate_];
        if (!record.amending) revert MaterialCertificatesStateWrong(certificate_, record.state);
        VersionRecord storage version_ = _amendments[certificate_];
        if (version != version_.version) {
            revert MaterialCertificatesVersionWrong(certificate_, version_.version, version);
        }
        for (uint256 i = 0; i < lines.length; ++i) {
            CarriedLine calldata entry = lines[i];
            bytes32 key = _lineKey(certificate_, entry.line);
            // Anybody may carry: whoever comes first must not make a later call fail.
            if (_carried[key].version == version) continue;
            LineSlot memory line_ = Slots.line(_lines[key]);
            if (!line_.used) revert MaterialCertificatesLineNotDrawn(certificate_, entry.line);
            _requireListed(version_.linesRoot, certificate_, entry.line, line_.unit, entry.ceiling, entry.proof);
            uint256 taken = uint256(line_.reserved) + line_.committed;
            if (entry.ceiling < taken) {
                revert MaterialCertificatesCeilingTooLow(certificate_, entry.line, taken, entry.ceiling);
            }
            _carried[key] = CarriedRecord(version, entry.ceiling);
            ++version_.linesCarried;
            emit CertificateLineCarried(certificate_, version, entry.line, entry.ceiling);
        }
    }

    /// @dev Checks a filing's signature and records it under declaration, version and content, because a decision names
    /// these: one slot serves both questions. A version is filed once, so that no two statements share the slot.
    function _acceptFiling(DeclarationFiling calldata statement, Signed calldata by)
        private
        returns (bytes32 broker, uint24 number)
    {
        bytes32 digest = hashDeclarationFiling(statement);
        bytes32 key = _filingKey(statement.declaration, statement.version, statement.contentHash);
        uint256 filing = _filings[key];
        if (Slots.isOf(filing, digest)) revert StatementRegisterAlreadyRecorded(digest, Slots.blockOf(filing));
        (broker,, number) = consortium().check(by.signer, digest, by.signature, Roles.BROKER);
        _filings[key] = Slots.pack(block.number, digest);
        emit StatementRecorded(digest, statement.declaration, broker, keccak256(by.signer));
    }

    function _reserve(bytes32 declaration_, bytes32 broker, Draw calldata draw, LineProof calldata proof)
        private
        returns (uint32 number)
    {
        bytes32 certificate_ = draw.certificate;
        if (draw.quantity == 0) revert MaterialCertificatesDrawEmpty(certificate_, draw.line);
        CertificateRecord storage record = _certificates[certificate_];
        _requireDrawable(certificate_, record, broker);
        _requireListed(record.current.linesRoot, certificate_, draw.line, draw.unit, proof.ceiling, proof.proof);
        bytes32 key = _lineKey(certificate_, draw.line);
        LineSlot memory line_ = Slots.line(_lines[key]);
        if (!line_.used) {
            (line_.used, line_.unit) = (true, draw.unit);
            ++record.linesUsed;
        } else if (line_.unit != draw.unit) {
            revert MaterialCertificatesUnitDiffers(certificate_, draw.line, line_.unit, draw.unit);
        }
        uint256 ceiling = Math.min(proof.ceiling, type(uint112).max);
        if (record.amending) {
            CarriedRecord memory carried = _carried[key];
            if (carried.version == _amendments[certificate_].version) ceiling = Math.min(ceiling, carried.ceiling);
        }
        uint256 left = Math.saturatingSub(ceiling, uint256(line_.reserved) + line_.committed);
        if (draw.quantity > left) {
            revert MaterialCertificatesLineOverdrawn(certificate_, draw.line, left, draw.quantity);
        }
        // Not above the ceiling, which is not above what the type holds.
        // forge-lint: disable-next-line(unsafe-typecast)
        line_.reserved += uint112(draw.quantity);
        _lines[key] = Slots.pack(line_);
        emit LineReserved(certificate_, draw.line, declaration_, draw.quantity, line_.reserved, line_.committed);
        return record.number;
    }

    /// @dev Adds a draw to what a declaration holds: the first to its own slot, which is written by the caller.
    function _hold(bytes32 declaration_, DeclarationSlot memory record, uint32 certificate_, Draw calldata draw)
        private
    {
        // Fits, because it was reserved.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint112 quantity = uint112(draw.quantity);
        if (record.draws == 0) {
            (record.certificate, record.line, record.quantity) = (certificate_, draw.line, quantity);
        } else {
            _further[declaration_][record.draws] = FurtherDraw(certificate_, draw.line, quantity);
        }
        ++record.draws;
    }

    /// @dev Returns what a declaration holds, and empties the record in memory; the caller writes it.
    function _giveBack(bytes32 declaration_, DeclarationSlot memory record, bool committed) private {
        for (uint256 i = 0; i < record.draws; ++i) {
            FurtherDraw memory held = _held(declaration_, record, i);
            if (i != 0) delete _further[declaration_][i];
            bytes32 certificate_ = _numbered[held.certificate];
            bytes32 key = _lineKey(certificate_, held.line);
            LineSlot memory line_ = Slots.line(_lines[key]);
            if (committed) line_.committed -= held.quantity;
            else line_.reserved -= held.quantity;
            _lines[key] = Slots.pack(line_);
            emit LineReturned(certificate_, held.line, declaration_, held.quantity, line_.reserved, line_.committed);
        }
        (record.draws, record.certificate, record.line, record.quantity) = (0, 0, 0, 0);
    }

    function _held(bytes32 declaration_, DeclarationSlot memory record, uint256 place)
        private
        view
        returns (FurtherDraw memory)
    {
        if (place == 0) return FurtherDraw(record.certificate, record.line, record.quantity);
        return _further[declaration_][place];
    }

    function _requireDrawable(bytes32 certificate_, CertificateRecord storage record, bytes32 broker) private view {
        if (record.state != CertificateState.Active) {
            revert MaterialCertificatesStateWrong(certificate_, record.state);
        }
        (uint64 validFrom, uint64 validUntil) = (record.current.validFrom, record.current.validUntil);
        if (block.timestamp < validFrom || block.timestamp > validUntil) {
            revert MaterialCertificatesNotValid(certificate_, validFrom, validUntil, block.timestamp);
        }
        if (record.broker == broker) return;
        DelegationRecord storage delegated = _delegations[certificate_][broker];
        if (
            delegated.holder != record.current.holder || block.timestamp < delegated.validFrom
                || block.timestamp > delegated.validUntil
        ) {
            revert MaterialCertificatesBrokerDiffers(certificate_, record.broker, broker);
        }
    }

    function _requireListed(
        bytes32 linesRoot,
        bytes32 certificate_,
        uint32 line_,
        bytes3 unit,
        uint128 ceiling,
        bytes32[] calldata proof
    ) private pure {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(certificate_, line_, unit, ceiling))));
        if (!MerkleProof.verifyCalldata(proof, linesRoot, leaf)) {
            revert MaterialCertificatesLineUnproven(certificate_, line_, unit, ceiling);
        }
    }

    function _requireDecided(bytes32 declaration_, uint32 version, bytes32 contentHash)
        private
        view
        returns (DeclarationSlot memory record)
    {
        _requireReleaseDecisions();
        record = Slots.declaration(_declarations[declaration_]);
        _requireFiled(declaration_, record, version);
        if (_filings[_filingKey(declaration_, version, contentHash)] == 0) {
            revert MaterialCertificatesDeclarationContentDiffers(declaration_, version, contentHash);
        }
    }

    function _requireReleaseDecisions() private view {
        if (msg.sender != _releaseDecisions) revert MaterialCertificatesCallerWrong(_releaseDecisions, msg.sender);
    }

    function _organisationAt(uint24 number) private view returns (bytes32) {
        return consortium().organisationAt(number);
    }

    function _requireFiled(bytes32 declaration_, DeclarationSlot memory record, uint32 version) private pure {
        if (record.state != uint8(DeclarationState.Filed)) {
            revert MaterialCertificatesDeclarationStateWrong(declaration_, DeclarationState(record.state));
        }
        if (record.version != version) {
            revert MaterialCertificatesDeclarationVersionWrong(declaration_, record.version, version);
        }
    }

    function _roleOf(uint8 party) private pure returns (uint256) {
        if (party == PARTY_COMMITTEE) return Roles.COMMITTEE;
        if (party == PARTY_CUSTOMS) return Roles.DOCUMENTS_OFFICER;
        revert MaterialCertificatesPartyUnknown(party);
    }

    function _lineKey(bytes32 certificate_, uint32 line_) private pure returns (bytes32) {
        return keccak256(abi.encode(certificate_, line_));
    }

    function _filingKey(bytes32 declaration_, uint32 version, bytes32 contentHash) private pure returns (bytes32) {
        return keccak256(abi.encode(declaration_, version, contentHash));
    }
}
