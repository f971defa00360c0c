// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Consortium} from "./Consortium.sol";
import {MaterialCertificates} from "./MaterialCertificates.sol";
import {OfficerStatements} from "./OfficerStatements.sol";
import {Roles} from "./Roles.sol";
import {Signed} from "./StatementRegister.sol";

/// @notice An inspector tells what an examination found.
/// @param declaration Identifier.
/// @param version The version on file.
/// @param sequence Number of the report on this declaration, from 1.
/// @param result 1 conform, 2 not conform.
/// @param evidenceHash Hash over pictures, readings, samples.
/// @param signedAt When the inspector signed, in Unix seconds.
struct ExaminationReport {
    bytes32 declaration;
    uint32 version;
    uint32 sequence;
    uint8 result;
    bytes32 evidenceHash;
    uint64 signedAt;
}

/// @notice An officer says what happens next with goods that are held.
/// @param declaration Identifier.
/// @param version The version on file.
/// @param sequence Number of the disposition of this declaration, from 1.
/// @param outcome 1 release, 2 release with amendment, 3 supplement documents, 4 sample and hold, 5 re-examine,
/// 6 seal and isolate, 7 return shipment, 8 hand to investigation, 9 destroy.
/// @param evidenceHash Hash over what the officer looked at.
/// @param signedAt When the officer signed, in Unix seconds.
struct Disposition {
    bytes32 declaration;
    uint32 version;
    uint32 sequence;
    uint8 outcome;
    bytes32 evidenceHash;
    uint64 signedAt;
}

/// @notice The one final decision on a declaration.
/// @param declaration Identifier.
/// @param version The version on file.
/// @param contentHash The content on file.
/// @param channel 1 green, 2 yellow (documents), 3 red (goods).
/// @param outcome 1 release, 7 return shipment, 9 destroy.
/// @param evidenceHash Hash over what the decision rests on.
/// @param signedAt When the decision was drawn up, in Unix seconds; all signers sign the same.
struct ReleaseDecision {
    bytes32 declaration;
    uint32 version;
    bytes32 contentHash;
    uint8 channel;
    uint8 outcome;
    bytes32 evidenceHash;
    uint64 signedAt;
}

/// @title Examination, disposition and the final decision
/// @notice A release commits what the declaration has drawn in the same call; any other final decision gives it back.
contract ReleaseDecisions is OfficerStatements {
    /// @notice What has happened to a declaration on the way to its decision.
    struct CaseRecord {
        uint32 reports;
        uint8 lastResult;
        uint32 examinedVersion;
        uint32 dispositions;
        uint8 lastOutcome;
    }

    /// @notice The final decision; outcome 0 means that there is none.
    struct DecisionRecord {
        bytes32 statement;
        bytes32 evidenceHash;
        bytes32 officer;
        bytes32 secondOfficer;
        uint64 decidedAt;
        uint32 version;
        uint8 channel;
        uint8 outcome;
    }

    bytes32 private constant EXAMINATION_REPORT_TYPE = keccak256(
        "ExaminationReport(bytes32 declaration,uint32 version,uint32 sequence,uint8 result,bytes32 evidenceHash,"
        "uint64 signedAt)"
    );
    bytes32 private constant DISPOSITION_TYPE = keccak256(
        "Disposition(bytes32 declaration,uint32 version,uint32 sequence,uint8 outcome,bytes32 evidenceHash,"
        "uint64 signedAt)"
    );
    bytes32 private constant RELEASE_DECISION_TYPE = keccak256(
        "ReleaseDecision(bytes32 declaration,uint32 version,bytes32 contentHash,uint8 channel,uint8 outcome,"
        "bytes32 evidenceHash,uint64 signedAt)"
    );

    uint8 private constant CHANNEL_GREEN = 1;
    uint8 private constant CHANNEL_YELLOW = 2;
    uint8 private constant CHANNEL_RED = 3;
    uint8 private constant RESULT_CONFORM = 1;
    uint8 private constant RESULT_NOT_CONFORM = 2;
    uint8 private constant OUTCOME_RELEASE = 1;
    uint8 private constant OUTCOME_RETURN_SHIPMENT = 7;
    uint8 private constant OUTCOME_DESTROY = 9;

    MaterialCertificates private immutable _certificates;
    mapping(bytes32 declaration => CaseRecord) private _cases;
    mapping(bytes32 declaration => mapping(bytes32 officer => bool)) private _inspectors;
    mapping(bytes32 declaration => DecisionRecord) private _decisions;

    /// @notice An examination was reported.
    /// @param declaration Identifier.
    /// @param version Version examined.
    /// @param sequence Number of the report.
    /// @param result 1 conform, 2 not conform.
    /// @param officer The inspector.
    event ExaminationReported(
        bytes32 indexed declaration, uint32 version, uint32 sequence, uint8 result, bytes32 officer
    );
    /// @notice Goods that are held got a disposition.
    /// @param declaration Identifier.
    /// @param version Version on file.
    /// @param sequence Number of the disposition.
    /// @param outcome Code of the disposition.
    /// @param officer Who decided.
    event DispositionTaken(
        bytes32 indexed declaration, uint32 version, uint32 sequence, uint8 outcome, bytes32 officer
    );
    /// @notice A declaration was decided for good.
    /// @param declaration Identifier.
    /// @param version Version decided on.
    /// @param channel 2 yellow, 3 red.
    /// @param outcome 1 release, 7 return shipment, 9 destroy.
    /// @param evidenceHash Hash over what the decision rests on.
    event DecisionTaken(
        bytes32 indexed declaration, uint32 version, uint8 channel, uint8 outcome, bytes32 evidenceHash
    );

    /// @notice The certificates expect release decisions from another address.
    error ReleaseDecisionsAddressWrong(address expected, address actual);
    /// @notice The declaration is not on file: never filed, withdrawn or decided.
    error ReleaseDecisionsNotFiled(bytes32 declaration, MaterialCertificates.DeclarationState state);
    /// @notice The version is not the one on file.
    error ReleaseDecisionsVersionWrong(bytes32 declaration, uint32 expected, uint32 given);
    /// @notice The content is not what is on file.
    error ReleaseDecisionsContentDiffers(bytes32 declaration, bytes32 expected, bytes32 given);
    /// @notice The report or disposition is not the next one.
    error ReleaseDecisionsSequenceWrong(bytes32 declaration, uint32 expected, uint32 given);
    /// @notice The result is neither conform nor not conform.
    error ReleaseDecisionsResultUnknown(uint8 result);
    /// @notice No disposition has this code.
    error ReleaseDecisionsOutcomeUnknown(uint8 outcome);
    /// @notice The outcome does not end a case.
    error ReleaseDecisionsOutcomeNotFinal(uint8 outcome);
    /// @notice No channel has this code.
    error ReleaseDecisionsChannelUnknown(uint8 channel);
    /// @notice No rule is in force that lets goods through without an officer.
    error ReleaseDecisionsGreenRuleMissing(bytes32 declaration);
    /// @notice Goods were examined, so that only the red channel is left.
    error ReleaseDecisionsChannelNotRed(bytes32 declaration, uint8 channel, uint32 reports);
    /// @notice The channel asks for another number of signatures.
    error ReleaseDecisionsSignaturesWrong(uint8 channel, uint256 needed, uint256 given);
    /// @notice Both signatures come from one officer.
    error ReleaseDecisionsOfficerRepeated(bytes32 officer);
    /// @notice Neither signer is a releasing officer.
    error ReleaseDecisionsReleasingOfficerMissing(bytes32 declaration);
    /// @notice Who examined the goods cannot decide on them.
    error ReleaseDecisionsInspectorDecides(bytes32 declaration, bytes32 officer);
    /// @notice The last examination did not find this version conform.
    error ReleaseDecisionsNotConform(bytes32 declaration, uint32 reports, uint8 lastResult, uint32 examinedVersion);

    /// @notice Binds the contract to the consortium and the certificates.
    /// @param consortium_ The register of organisations and keys.
    /// @param certificates_ Where declarations are filed; it must expect this contract's address.
    constructor(Consortium consortium_, MaterialCertificates certificates_) OfficerStatements(consortium_) {
        address expected = certificates_.releaseDecisions();
        if (expected != address(this)) revert ReleaseDecisionsAddressWrong(expected, address(this));
        _certificates = certificates_;
    }

    /// @notice Takes an inspector's report.
    /// @param statement What the inspector signed.
    /// @param by A key with the role INSPECTOR.
    function report(ExaminationReport calldata statement, Signed calldata by) external {
        bytes32 declaration = statement.declaration;
        (, bytes32 officer) = _accept(hashExaminationReport(statement), declaration, Roles.INSPECTOR, by);
        _requireFiled(declaration, statement.version);
        CaseRecord storage record = _cases[declaration];
        if (statement.sequence != record.reports + 1) {
            revert ReleaseDecisionsSequenceWrong(declaration, record.reports + 1, statement.sequence);
        }
        if (statement.result != RESULT_CONFORM && statement.result != RESULT_NOT_CONFORM) {
            revert ReleaseDecisionsResultUnknown(statement.result);
        }
        record.reports = statement.sequence;
        record.lastResult = statement.result;
        record.examinedVersion = statement.version;
        _inspectors[declaration][officer] = true;
        emit ExaminationReported(declaration, statement.version, statement.sequence, statement.result, officer);
    }

    /// @notice Takes an officer's disposition of goods that are held.
    /// @param statement What the officer signed.
    /// @param by A key with the role RELEASING_OFFICER, SUPERVISOR or DOCUMENTS_OFFICER.
    function dispose(Disposition calldata statement, Signed calldata by) external {
        bytes32 declaration = statement.declaration;
        (, bytes32 officer) = _accept(
            hashDisposition(statement),
            declaration,
            Roles.RELEASING_OFFICER | Roles.SUPERVISOR | Roles.DOCUMENTS_OFFICER,
            by
        );
        _requireFiled(declaration, statement.version);
        CaseRecord storage record = _cases[declaration];
        if (statement.sequence != record.dispositions + 1) {
            revert ReleaseDecisionsSequenceWrong(declaration, record.dispositions + 1, statement.sequence);
        }
        if (statement.outcome < OUTCOME_RELEASE || statement.outcome > OUTCOME_DESTROY) {
            revert ReleaseDecisionsOutcomeUnknown(statement.outcome);
        }
        record.dispositions = statement.sequence;
        record.lastOutcome = statement.outcome;
        emit DispositionTaken(declaration, statement.version, statement.sequence, statement.outcome, officer);
    }

    /// @notice Takes the final decision on a declaration, of which there is one.
    /// @param statement What the officers signed.
    /// @param signatures Yellow: one key with the role RELEASING_OFFICER. Red: keys of two officers, one with
    /// RELEASING_OFFICER, the other with RELEASING_OFFICER or SUPERVISOR. None of them has examined the goods.
    function decide(ReleaseDecision calldata statement, Signed[] calldata signatures) external {
        bytes32 digest = hashReleaseDecision(statement);
        _requireNew(digest);
        _requireAllowed(statement, signatures.length);
        bool red = statement.channel == CHANNEL_RED;
        (bytes32 organisation, bytes32 officer, bytes32 secondOfficer) = red
            ? _checkPair(digest, statement.declaration, signatures)
            : _checkOne(digest, statement.declaration, signatures);

        _record(digest, statement.declaration, organisation, keccak256(signatures[0].signer));
        _decisions[statement.declaration] = DecisionRecord({
            statement: digest,
            evidenceHash: statement.evidenceHash,
            officer: officer,
            secondOfficer: secondOfficer,
            decidedAt: uint64(block.timestamp),
            version: statement.version,
            channel: statement.channel,
            outcome: statement.outcome
        });
        emit DecisionTaken(
            statement.declaration, statement.version, statement.channel, statement.outcome, statement.evidenceHash
        );
        if (statement.outcome == OUTCOME_RELEASE) {
            _certificates.commit(statement.declaration, statement.version, statement.contentHash);
        } else {
            _certificates.giveBack(statement.declaration, statement.version, statement.contentHash);
        }
    }

    /// @notice Where declarations are filed.
    /// @return The contract of material certificates.
    function certificates() external view returns (MaterialCertificates) {
        return _certificates;
    }

    /// @notice What has happened to a declaration on the way to its decision.
    /// @param declaration Identifier.
    /// @return Counts and last results.
    function caseOf(bytes32 declaration) external view returns (CaseRecord memory) {
        return _cases[declaration];
    }

    /// @notice Tells whether an officer has examined the goods.
    /// @param declaration Identifier.
    /// @param officer Person.
    /// @return True after the first report.
    function isInspector(bytes32 declaration, bytes32 officer) external view returns (bool) {
        return _inspectors[declaration][officer];
    }

    /// @notice The final decision.
    /// @param declaration Identifier.
    /// @return The record, empty where nothing was decided.
    function decision(bytes32 declaration) external view returns (DecisionRecord memory) {
        return _decisions[declaration];
    }

    /// @notice The digest that an inspector signs.
    /// @param statement The report.
    /// @return EIP-712 digest.
    function hashExaminationReport(ExaminationReport calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(EXAMINATION_REPORT_TYPE, statement)));
    }

    /// @notice The digest that an officer signs for a disposition.
    /// @param statement The disposition.
    /// @return EIP-712 digest.
    function hashDisposition(Disposition calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(DISPOSITION_TYPE, statement)));
    }

    /// @notice The digest that officers sign for the final decision.
    /// @param statement The decision.
    /// @return EIP-712 digest.
    function hashReleaseDecision(ReleaseDecision calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RELEASE_DECISION_TYPE, statement)));
    }

    function _requireAllowed(ReleaseDecision calldata statement, uint256 signatures) private view {
        bytes32 declaration = statement.declaration;
        bytes32 contentHash = _requireFiled(declaration, statement.version);
        if (statement.contentHash != contentHash) {
            revert ReleaseDecisionsContentDiffers(declaration, contentHash, statement.contentHash);
        }
        uint8 outcome = statement.outcome;
        if (outcome != OUTCOME_RELEASE && outcome != OUTCOME_RETURN_SHIPMENT && outcome != OUTCOME_DESTROY) {
            revert ReleaseDecisionsOutcomeNotFinal(outcome);
        }
        CaseRecord storage record = _cases[declaration];
        uint8 channel = statement.channel;
        if (channel < CHANNEL_GREEN || channel > CHANNEL_RED) revert ReleaseDecisionsChannelUnknown(channel);
        if (channel != CHANNEL_RED && record.reports != 0) {
            revert ReleaseDecisionsChannelNotRed(declaration, channel, record.reports);
        }
        if (channel == CHANNEL_GREEN) revert ReleaseDecisionsGreenRuleMissing(declaration);
        uint256 needed = channel == CHANNEL_YELLOW ? 1 : 2;
        if (signatures != needed) revert ReleaseDecisionsSignaturesWrong(channel, needed, signatures);
        bool conform = record.lastResult == RESULT_CONFORM && record.examinedVersion == statement.version;
        if (channel == CHANNEL_RED && outcome == OUTCOME_RELEASE && !conform) {
            revert ReleaseDecisionsNotConform(declaration, record.reports, record.lastResult, record.examinedVersion);
        }
    }

    function _checkOne(bytes32 digest, bytes32 declaration, Signed[] calldata signatures)
        private
        view
        returns (bytes32 organisation, bytes32 officer, bytes32 none)
    {
        (organisation, officer) = _checkSigner(digest, declaration, signatures[0], Roles.RELEASING_OFFICER);
        return (organisation, officer, 0);
    }

    function _checkPair(bytes32 digest, bytes32 declaration, Signed[] calldata signatures)
        private
        view
        returns (bytes32 organisation, bytes32 officer, bytes32 secondOfficer)
    {
        uint256 either = Roles.RELEASING_OFFICER | Roles.SUPERVISOR;
        (organisation, officer) = _checkSigner(digest, declaration, signatures[0], either);
        (, secondOfficer) = _checkSigner(digest, declaration, signatures[1], either);
        if (officer == secondOfficer) revert ReleaseDecisionsOfficerRepeated(officer);
        uint256 held = consortium().rolesOf(keccak256(signatures[0].signer))
            | consortium().rolesOf(keccak256(signatures[1].signer));
        if (held & Roles.RELEASING_OFFICER == 0) revert ReleaseDecisionsReleasingOfficerMissing(declaration);
    }

    function _checkSigner(bytes32 digest, bytes32 declaration, Signed calldata by, uint256 roles)
        private
        view
        returns (bytes32 organisation, bytes32 officer)
    {
        (organisation, officer) = consortium().check(by.signer, digest, by.signature, roles);
        if (_inspectors[declaration][officer]) revert ReleaseDecisionsInspectorDecides(declaration, officer);
    }

    function _requireFiled(bytes32 declaration, uint32 version) private view returns (bytes32 contentHash) {
        MaterialCertificates.DeclarationRecord memory filed = _certificates.declaration(declaration);
        if (filed.state != MaterialCertificates.DeclarationState.Filed) {
            revert ReleaseDecisionsNotFiled(declaration, filed.state);
        }
        if (filed.version != version) revert ReleaseDecisionsVersionWrong(declaration, filed.version, version);
        return filed.contentHash;
    }
}
