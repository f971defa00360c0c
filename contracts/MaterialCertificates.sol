// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Consortium} from "./Consortium.sol";
import {OfficerStatements} from "./OfficerStatements.sol";
import {Roles} from "./Roles.sol";
import {Signed} from "./StatementRegister.sol";

/// @notice A broker puts a version of a material certificate forward.
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

/// @title Material certificates and what declarations draw from them
/// @notice One declaration, three-party confirmation: a certificate is active only when broker, committee and customs
/// have signed the same content of the same version. Each line is drawn down: reserved when a declaration is filed,
/// committed when it is released, given back when it is withdrawn, replaced or turned away; never above the ceiling.
contract MaterialCertificates is OfficerStatements {
    /// @notice Where a certificate stands.
    enum CertificateState {
        None,
        Submitted,
        Returned,
        Rejected,
        Active,
        Revoked
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
    struct CertificateRecord {
        bytes32 contentHash;
        bytes32 linesRoot;
        bytes32 broker;
        bytes32 holder;
        uint64 validFrom;
        uint64 validUntil;
        uint32 version;
        CertificateState state;
        bool confirmedByCommittee;
        bool confirmedByCustoms;
    }

    /// @notice The version of a declaration that counts.
    struct DeclarationRecord {
        bytes32 contentHash;
        bytes32 broker;
        uint32 version;
        DeclarationState state;
    }

    /// @notice What a declaration holds of one line.
    struct DrawRecord {
        bytes32 certificate;
        uint32 line;
        uint128 quantity;
    }

    struct LineRecord {
        uint128 reserved;
        uint128 committed;
        bytes32 certificate;
        uint32 line;
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
    mapping(bytes32 certificate => CertificateRecord) private _certificates;
    mapping(bytes32 declaration => DeclarationRecord) private _declarations;
    mapping(bytes32 lineKey => LineRecord) private _lines;
    mapping(bytes32 declaration => bytes32[] lineKeys) private _drawnLines;
    mapping(bytes32 declaration => mapping(bytes32 lineKey => uint128 quantity)) private _drawn;

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
    /// @notice A reservation was given back.
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
    /// @notice Another organisation submitted the certificate.
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
    error MaterialCertificatesDeclarationContentDiffers(bytes32 declaration, bytes32 expected, bytes32 given);
    /// @notice Every draw needs the proof of its line.
    error MaterialCertificatesProofsMissing(uint256 draws, uint256 proofs);
    /// @notice A draw of nothing.
    error MaterialCertificatesDrawEmpty(bytes32 certificate, uint32 line);
    /// @notice The line does not stand in the certificate's list with this unit and ceiling.
    error MaterialCertificatesLineUnproven(bytes32 certificate, uint32 line, bytes3 unit, uint128 ceiling);
    /// @notice The line has less left than is asked for.
    error MaterialCertificatesLineOverdrawn(bytes32 certificate, uint32 line, uint256 left, uint128 asked);
    /// @notice Only the contract of release decisions may do this.
    error MaterialCertificatesCallerWrong(address expected, address given);

    /// @notice Binds the contract to the consortium and to the contract that may commit draws.
    /// @param consortium_ The register of organisations and keys.
    /// @param releaseDecisions_ Address at which ReleaseDecisions is going to be created.
    constructor(Consortium consortium_, address releaseDecisions_) OfficerStatements(consortium_) {
        _releaseDecisions = releaseDecisions_;
    }

    /// @notice Takes a first version, or a new one after the last was returned.
    /// @param statement What the broker signed.
    /// @param by A key with the role BROKER.
    function submit(CertificateSubmission calldata statement, Signed calldata by) external {
        bytes32 certificate_ = statement.certificate;
        (bytes32 broker,) = _accept(hashCertificateSubmission(statement), certificate_, Roles.BROKER, by);
        CertificateRecord storage record = _certificates[certificate_];
        if (record.state != CertificateState.None && record.state != CertificateState.Returned) {
            revert MaterialCertificatesStateWrong(certificate_, record.state);
        }
        if (statement.version != record.version + 1) {
            revert MaterialCertificatesVersionWrong(certificate_, record.version + 1, statement.version);
        }
        if (record.state == CertificateState.Returned && record.broker != broker) {
            revert MaterialCertificatesBrokerDiffers(certificate_, record.broker, broker);
        }
        if (statement.validUntil < statement.validFrom) {
            revert MaterialCertificatesValidityEmpty(certificate_, statement.validFrom, statement.validUntil);
        }
        _certificates[certificate_] = CertificateRecord({
            contentHash: statement.contentHash,
            linesRoot: statement.linesRoot,
            broker: broker,
            holder: statement.holder,
            validFrom: statement.validFrom,
            validUntil: statement.validUntil,
            version: statement.version,
            state: CertificateState.Submitted,
            confirmedByCommittee: false,
            confirmedByCustoms: false
        });
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

    /// @notice Takes the verdict of the committee or of customs; the second confirmation makes the certificate active.
    /// @param statement What the officer signed.
    /// @param by A key with the role COMMITTEE for party 1, DOCUMENTS_OFFICER for party 2.
    function review(CertificateReview calldata statement, Signed calldata by) external {
        bytes32 certificate_ = statement.certificate;
        (, bytes32 officer) = _accept(hashCertificateReview(statement), certificate_, _roleOf(statement.party), by);
        CertificateRecord storage record = _certificates[certificate_];
        if (record.state != CertificateState.Submitted) {
            revert MaterialCertificatesStateWrong(certificate_, record.state);
        }
        if (statement.version != record.version) {
            revert MaterialCertificatesVersionWrong(certificate_, record.version, statement.version);
        }
        if (statement.contentHash != record.contentHash) {
            revert MaterialCertificatesContentDiffers(certificate_, record.contentHash, statement.contentHash);
        }
        bool asCommittee = statement.party == PARTY_COMMITTEE;
        if (asCommittee ? record.confirmedByCommittee : record.confirmedByCustoms) {
            revert MaterialCertificatesReviewRepeated(certificate_, statement.version, statement.party);
        }
        emit CertificateReviewed(certificate_, statement.version, statement.party, statement.verdict, officer);

        if (statement.verdict == VERDICT_RETURN) {
            record.state = CertificateState.Returned;
        } else if (statement.verdict == VERDICT_REJECT) {
            record.state = CertificateState.Rejected;
        } else if (statement.verdict == VERDICT_CONFIRM) {
            if (asCommittee) record.confirmedByCommittee = true;
            else record.confirmedByCustoms = true;
            if (record.confirmedByCommittee && record.confirmedByCustoms) {
                record.state = CertificateState.Active;
                emit CertificateActivated(certificate_, statement.version);
            }
        } else {
            revert MaterialCertificatesVerdictUnknown(statement.verdict);
        }
    }

    /// @notice Ends an active certificate; what is reserved stays reserved until its declaration is decided.
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
        if (statement.version != record.version) {
            revert MaterialCertificatesVersionWrong(certificate_, record.version, statement.version);
        }
        record.state = CertificateState.Revoked;
        emit CertificateRevoked(certificate_, statement.version);
    }

    /// @notice Puts a declaration on file and reserves what it draws; a new version first gives back the old draws.
    /// @param statement What the broker signed.
    /// @param proofs For each draw, in the same order, the proof of its line.
    /// @param by A key with the role BROKER of the organisation that submitted the certificates drawn from.
    function file(DeclarationFiling calldata statement, LineProof[] calldata proofs, Signed calldata by) external {
        bytes32 declaration_ = statement.declaration;
        (bytes32 broker,) = _accept(hashDeclarationFiling(statement), declaration_, Roles.BROKER, by);
        DeclarationRecord storage record = _declarations[declaration_];
        if (record.state == DeclarationState.None) {
            record.broker = broker;
            record.state = DeclarationState.Filed;
        } else if (record.state != DeclarationState.Filed) {
            revert MaterialCertificatesDeclarationStateWrong(declaration_, record.state);
        } else if (record.broker != broker) {
            revert MaterialCertificatesDeclarationBrokerDiffers(declaration_, record.broker, broker);
        }
        if (statement.version != record.version + 1) {
            revert MaterialCertificatesDeclarationVersionWrong(declaration_, record.version + 1, statement.version);
        }
        if (proofs.length != statement.draws.length) {
            revert MaterialCertificatesProofsMissing(statement.draws.length, proofs.length);
        }
        record.version = statement.version;
        record.contentHash = statement.contentHash;
        emit DeclarationFiled(declaration_, statement.version, statement.contentHash);

        _giveBack(declaration_);
        for (uint256 i = 0; i < proofs.length; ++i) {
            _reserve(declaration_, broker, statement.draws[i], proofs[i]);
        }
    }

    /// @notice Takes a declaration off file and gives its draws back.
    /// @param statement What the broker signed.
    /// @param by A key with the role BROKER of the organisation that filed.
    function withdraw(DeclarationWithdrawal calldata statement, Signed calldata by) external {
        bytes32 declaration_ = statement.declaration;
        (bytes32 broker,) = _accept(hashDeclarationWithdrawal(statement), declaration_, Roles.BROKER, by);
        DeclarationRecord storage record = _requireFiled(declaration_, statement.version);
        if (record.broker != broker) {
            revert MaterialCertificatesDeclarationBrokerDiffers(declaration_, record.broker, broker);
        }
        record.state = DeclarationState.Withdrawn;
        emit DeclarationWithdrawn(declaration_, statement.version);
        _giveBack(declaration_);
    }

    /// @notice Turns the reservations of a released declaration into final draws. Only for ReleaseDecisions.
    /// @param declaration_ Identifier.
    /// @param version The version on file.
    /// @param contentHash The content on file.
    function commit(bytes32 declaration_, uint32 version, bytes32 contentHash) external {
        _requireDecided(declaration_, version, contentHash).state = DeclarationState.Released;
        bytes32[] storage keys = _drawnLines[declaration_];
        for (uint256 i = 0; i < keys.length; ++i) {
            LineRecord storage line_ = _lines[keys[i]];
            uint128 quantity = _drawn[declaration_][keys[i]];
            uint128 reserved = line_.reserved - quantity;
            uint128 committed = line_.committed + quantity;
            (line_.reserved, line_.committed) = (reserved, committed);
            emit LineCommitted(line_.certificate, line_.line, declaration_, quantity, reserved, committed);
        }
    }

    /// @notice Gives back the reservations of a declaration that was decided without release. Only for ReleaseDecisions.
    /// @param declaration_ Identifier.
    /// @param version The version on file.
    /// @param contentHash The content on file.
    function giveBack(bytes32 declaration_, uint32 version, bytes32 contentHash) external {
        _requireDecided(declaration_, version, contentHash).state = DeclarationState.Denied;
        _giveBack(declaration_);
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

    /// @notice Totals of a line over all declarations.
    /// @param certificate_ Identifier.
    /// @param line_ Line number.
    /// @return reserved Millionths of the unit held by declarations under way.
    /// @return committed Millionths of the unit released.
    function line(bytes32 certificate_, uint32 line_) external view returns (uint128 reserved, uint128 committed) {
        LineRecord storage record = _lines[_lineKey(certificate_, line_)];
        return (record.reserved, record.committed);
    }

    /// @notice The version of a declaration that counts.
    /// @param declaration_ Identifier.
    /// @return The record, empty where nothing was filed.
    function declaration(bytes32 declaration_) external view returns (DeclarationRecord memory) {
        return _declarations[declaration_];
    }

    /// @notice What a declaration holds of one line, reserved or committed.
    /// @param declaration_ Identifier.
    /// @param certificate_ Identifier of the certificate.
    /// @param line_ Line number.
    /// @return Millionths of the unit.
    function drawn(bytes32 declaration_, bytes32 certificate_, uint32 line_) external view returns (uint128) {
        return _drawn[declaration_][_lineKey(certificate_, line_)];
    }

    /// @notice Everything that a declaration holds, reserved or committed.
    /// @param declaration_ Identifier.
    /// @return held One entry a line.
    function drawsOf(bytes32 declaration_) external view returns (DrawRecord[] memory held) {
        bytes32[] storage keys = _drawnLines[declaration_];
        held = new DrawRecord[](keys.length);
        for (uint256 i = 0; i < keys.length; ++i) {
            LineRecord storage line_ = _lines[keys[i]];
            held[i] = DrawRecord(line_.certificate, line_.line, _drawn[declaration_][keys[i]]);
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

    function _reserve(bytes32 declaration_, bytes32 broker, Draw calldata draw, LineProof calldata proof) private {
        if (draw.quantity == 0) revert MaterialCertificatesDrawEmpty(draw.certificate, draw.line);
        _requireDrawable(draw, proof, broker);

        bytes32 key = _lineKey(draw.certificate, draw.line);
        LineRecord storage record = _lines[key];
        (uint128 reserved, uint128 committed) = (record.reserved, record.committed);
        uint256 taken = uint256(reserved) + committed;
        uint256 left = proof.ceiling > taken ? proof.ceiling - taken : 0;
        if (draw.quantity > left) {
            revert MaterialCertificatesLineOverdrawn(draw.certificate, draw.line, left, draw.quantity);
        }
        reserved += draw.quantity;
        record.reserved = reserved;
        if (record.certificate == 0) (record.certificate, record.line) = (draw.certificate, draw.line);
        uint128 before = _drawn[declaration_][key];
        if (before == 0) _drawnLines[declaration_].push(key);
        _drawn[declaration_][key] = before + draw.quantity;
        emit LineReserved(draw.certificate, draw.line, declaration_, draw.quantity, reserved, committed);
    }

    function _giveBack(bytes32 declaration_) private {
        bytes32[] storage keys = _drawnLines[declaration_];
        for (uint256 i = 0; i < keys.length; ++i) {
            LineRecord storage line_ = _lines[keys[i]];
            uint128 quantity = _drawn[declaration_][keys[i]];
            uint128 reserved = line_.reserved - quantity;
            line_.reserved = reserved;
            delete _drawn[declaration_][keys[i]];
            emit LineReturned(line_.certificate, line_.line, declaration_, quantity, reserved, line_.committed);
        }
        delete _drawnLines[declaration_];
    }

    function _requireDrawable(Draw calldata draw, LineProof calldata proof, bytes32 broker) private view {
        CertificateRecord storage record = _certificates[draw.certificate];
        if (record.state != CertificateState.Active) {
            revert MaterialCertificatesStateWrong(draw.certificate, record.state);
        }
        if (block.timestamp < record.validFrom || block.timestamp > record.validUntil) {
            revert MaterialCertificatesNotValid(draw.certificate, record.validFrom, record.validUntil, block.timestamp);
        }
        if (record.broker != broker) {
            revert MaterialCertificatesBrokerDiffers(draw.certificate, record.broker, broker);
        }
        bytes32 leaf =
            keccak256(bytes.concat(keccak256(abi.encode(draw.certificate, draw.line, draw.unit, proof.ceiling))));
        if (!MerkleProof.verifyCalldata(proof.proof, record.linesRoot, leaf)) {
            revert MaterialCertificatesLineUnproven(draw.certificate, draw.line, draw.unit, proof.ceiling);
        }
    }

    function _requireDecided(bytes32 declaration_, uint32 version, bytes32 contentHash)
        private
        view
        returns (DeclarationRecord storage record)
    {
        if (msg.sender != _releaseDecisions) revert MaterialCertificatesCallerWrong(_releaseDecisions, msg.sender);
        record = _requireFiled(declaration_, version);
        if (record.contentHash != contentHash) {
            revert MaterialCertificatesDeclarationContentDiffers(declaration_, record.contentHash, contentHash);
        }
    }

    function _requireFiled(bytes32 declaration_, uint32 version)
        private
        view
        returns (DeclarationRecord storage record)
    {
        record = _declarations[declaration_];
        if (record.state != DeclarationState.Filed) {
            revert MaterialCertificatesDeclarationStateWrong(declaration_, record.state);
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
}
