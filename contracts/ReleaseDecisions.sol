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

/// @notice The decision on a declaration; a later correction names it.
/// @param declaration Identifier.
/// @param version The version on file.
/// @param contentHash The content on file.
/// @param channel 1 green, 2 yellow (documents), 3 red (goods).
/// @param outcome 1 release, 7 return shipment, 9 destroy.
/// @param rule The rule that a green release rests on, 0 for any other decision.
/// @param evidenceHash Hash over what the decision rests on.
/// @param decideBy Last second at which the decision may take effect.
/// @param signedAt When the decision was drawn up, in Unix seconds; all signers sign the same.
struct ReleaseDecision {
    bytes32 declaration;
    uint32 version;
    bytes32 contentHash;
    uint8 channel;
    uint8 outcome;
    bytes32 rule;
    bytes32 evidenceHash;
    uint64 decideBy;
    uint64 signedAt;
}

/// @notice Two officers correct the decision that counts; it stays on record and is named here.
/// @param declaration Identifier.
/// @param version The version decided on.
/// @param corrects Digest of the decision or correction that counts.
/// @param outcome 1 release, 7 return shipment, 9 destroy.
/// @param reasonHash Hash over the reasons.
/// @param evidenceHash Hash over what the decision rests on now.
/// @param decideBy Last second at which the correction may take effect.
/// @param signedAt When the correction was drawn up, in Unix seconds; both signers sign the same.
struct DecisionCorrection {
    bytes32 declaration;
    uint32 version;
    bytes32 corrects;
    uint8 outcome;
    bytes32 reasonHash;
    bytes32 evidenceHash;
    uint64 decideBy;
    uint64 signedAt;
}

/// @notice An officer puts a rule in force by which a system releases goods on the green channel.
/// @param rule Identifier.
/// @param version One more than the version before, from 1; replaces it.
/// @param contentHash Hash over the rule's text and figures.
/// @param system Officer identifier of the system that may apply the rule.
/// @param mostReleases How many declarations this version may release.
/// @param validFrom First second of validity.
/// @param validUntil Last second of validity.
/// @param signedAt When the officer signed, in Unix seconds.
struct ReleaseRule {
    bytes32 rule;
    uint32 version;
    bytes32 contentHash;
    bytes32 system;
    uint32 mostReleases;
    uint64 validFrom;
    uint64 validUntil;
    uint64 signedAt;
}

/// @notice An officer ends a rule.
/// @param rule Identifier.
/// @param version The version in force.
/// @param reasonHash Hash over the reasons.
/// @param signedAt When the officer signed, in Unix seconds.
struct ReleaseRuleRepeal {
    bytes32 rule;
    uint32 version;
    bytes32 reasonHash;
    uint64 signedAt;
}

/// @title Examination, disposition, decision and correction
/// @notice A release commits what the declaration has drawn in the same call; any other decision gives it back. Only an
/// officer, or a rule that an officer put in force, releases.
contract ReleaseDecisions is OfficerStatements {
    /// @notice What has happened to a declaration on the way to its decision.
    struct CaseRecord {
        uint32 reports;
        uint8 lastResult;
        uint32 examinedVersion;
        uint32 dispositions;
        uint8 lastOutcome;
    }

    /// @notice A decision or correction; outcome 0 means that there is none.
    struct DecisionRecord {
        bytes32 evidenceHash;
        bytes32 officer;
        bytes32 secondOfficer;
        bytes32 rule;
        bytes32 corrects;
        uint64 decidedAt;
        uint32 version;
        uint8 channel;
        uint8 outcome;
    }

    /// @notice The version of a rule that counts; version 0 means that there is none.
    struct RuleRecord {
        bytes32 contentHash;
        bytes32 system;
        uint32 version;
        uint32 mostReleases;
        uint32 releases;
        uint64 validFrom;
        uint64 validUntil;
        bool repealed;
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
        "bytes32 rule,bytes32 evidenceHash,uint64 decideBy,uint64 signedAt)"
    );
    bytes32 private constant DECISION_CORRECTION_TYPE = keccak256(
        "DecisionCorrection(bytes32 declaration,uint32 version,bytes32 corrects,uint8 outcome,bytes32 reasonHash,"
        "bytes32 evidenceHash,uint64 decideBy,uint64 signedAt)"
    );
    bytes32 private constant RELEASE_RULE_TYPE = keccak256(
        "ReleaseRule(bytes32 rule,uint32 version,bytes32 contentHash,bytes32 system,uint32 mostReleases,"
        "uint64 validFrom,uint64 validUntil,uint64 signedAt)"
    );
    bytes32 private constant RELEASE_RULE_REPEAL_TYPE =
        keccak256("ReleaseRuleRepeal(bytes32 rule,uint32 version,bytes32 reasonHash,uint64 signedAt)");

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
    mapping(bytes32 declaration => bytes32 statement) private _counting;
    mapping(bytes32 statement => DecisionRecord) private _decisions;
    mapping(bytes32 rule => RuleRecord) private _rules;

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
    /// @notice A declaration was decided.
    /// @param declaration Identifier.
    /// @param version Version decided on.
    /// @param channel 1 green, 2 yellow, 3 red.
    /// @param outcome 1 release, 7 return shipment, 9 destroy.
    /// @param evidenceHash Hash over what the decision rests on.
    /// @param rule The rule of a green release, else 0.
    event DecisionTaken(
        bytes32 indexed declaration, uint32 version, uint8 channel, uint8 outcome, bytes32 evidenceHash, bytes32 rule
    );
    /// @notice The decision that counted was corrected.
    /// @param declaration Identifier.
    /// @param corrects Digest of the decision or correction that counted.
    /// @param version Version decided on.
    /// @param outcome 1 release, 7 return shipment, 9 destroy.
    /// @param evidenceHash Hash over what the decision rests on now.
    event DecisionCorrected(
        bytes32 indexed declaration, bytes32 indexed corrects, uint32 version, uint8 outcome, bytes32 evidenceHash
    );
    /// @notice A rule is in force within its validity.
    /// @param rule Identifier.
    /// @param version Version.
    /// @param contentHash Hash over the rule.
    /// @param system Officer identifier of the system that may apply it.
    /// @param mostReleases How many declarations it may release.
    /// @param validFrom First second of validity.
    /// @param validUntil Last second of validity.
    /// @param officer Who put it in force.
    event ReleaseRuleEnacted(
        bytes32 indexed rule,
        uint32 version,
        bytes32 contentHash,
        bytes32 system,
        uint32 mostReleases,
        uint64 validFrom,
        uint64 validUntil,
        bytes32 officer
    );
    /// @notice A rule releases nothing more.
    /// @param rule Identifier.
    /// @param version Version.
    /// @param officer Who ended it.
    event ReleaseRuleRepealed(bytes32 indexed rule, uint32 version, bytes32 officer);

    /// @notice The certificates expect release decisions from another address.
    error ReleaseDecisionsAddressWrong(address expected, address actual);
    /// @notice The declaration is not on file: never filed, withdrawn or decided.
    error ReleaseDecisionsNotFiled(bytes32 declaration, MaterialCertificates.DeclarationState state);
    /// @notice The version is not the one on file.
    error ReleaseDecisionsVersionWrong(bytes32 declaration, uint32 expected, uint32 given);
    /// @notice The content is not what is on file.
    error ReleaseDecisionsContentDiffers(bytes32 declaration, uint32 version, bytes32 given);
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
    /// @notice A green release rests on no disposition of an officer; the case has one.
    error ReleaseDecisionsDispositionOnFile(bytes32 declaration, uint32 dispositions);
    /// @notice A rule can release and nothing else.
    error ReleaseDecisionsGreenReleasesOnly(bytes32 declaration, uint8 outcome);
    /// @notice Only a green release names a rule.
    error ReleaseDecisionsRuleNotForChannel(uint8 channel, bytes32 rule);
    /// @notice The rule has released as many declarations as it may.
    error ReleaseDecisionsRuleUsedUp(bytes32 rule, uint32 version, uint32 mostReleases);
    /// @notice Another system may apply the rule.
    error ReleaseDecisionsSystemDiffers(bytes32 rule, bytes32 expected, bytes32 given);
    /// @notice No rule has this identifier, or none can have it.
    error ReleaseDecisionsRuleUnknown(bytes32 rule);
    /// @notice The version of the rule is not the one that counts, or not the next one.
    error ReleaseDecisionsRuleVersionWrong(bytes32 rule, uint32 expected, uint32 given);
    /// @notice The rule's validity ends before it begins.
    error ReleaseDecisionsValidityEmpty(bytes32 rule, uint64 validFrom, uint64 validUntil);
    /// @notice The rule was repealed or its validity does not cover this moment.
    error ReleaseDecisionsRuleNotInForce(bytes32 rule, uint32 version);
    /// @notice The time in which the decision could take effect is over.
    error ReleaseDecisionsTooLate(bytes32 declaration, uint64 decideBy, uint256 blockTime);
    /// @notice Nothing was decided that could be corrected.
    error ReleaseDecisionsNotDecided(bytes32 declaration);
    /// @notice Another decision or correction counts now.
    error ReleaseDecisionsCorrectsOther(bytes32 declaration, bytes32 expected, bytes32 given);
    /// @notice What was turned away stays so: the broker files anew.
    error ReleaseDecisionsCannotRevive(bytes32 declaration, uint8 outcome);
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

    /// @notice Puts a rule in force, or a new version of it; the count of releases starts anew.
    /// @param statement What the officer signed.
    /// @param by A key with the role SUPERVISOR.
    function enact(ReleaseRule calldata statement, Signed calldata by) external {
        bytes32 rule_ = statement.rule;
        (, bytes32 officer) = _accept(hashReleaseRule(statement), rule_, Roles.SUPERVISOR, by);
        if (rule_ == 0) revert ReleaseDecisionsRuleUnknown(rule_);
        uint32 next = _rules[rule_].version + 1;
        if (statement.version != next) revert ReleaseDecisionsRuleVersionWrong(rule_, next, statement.version);
        if (statement.validUntil < statement.validFrom) {
            revert ReleaseDecisionsValidityEmpty(rule_, statement.validFrom, statement.validUntil);
        }
        _rules[rule_] = RuleRecord({
            contentHash: statement.contentHash,
            system: statement.system,
            version: statement.version,
            mostReleases: statement.mostReleases,
            releases: 0,
            validFrom: statement.validFrom,
            validUntil: statement.validUntil,
            repealed: false
        });
        emit ReleaseRuleEnacted(
            rule_,
            statement.version,
            statement.contentHash,
            statement.system,
            statement.mostReleases,
            statement.validFrom,
            statement.validUntil,
            officer
        );
    }

    /// @notice Ends a rule that is in force.
    /// @param statement What the officer signed.
    /// @param by A key with the role SUPERVISOR or RELEASING_OFFICER.
    function repeal(ReleaseRuleRepeal calldata statement, Signed calldata by) external {
        bytes32 rule_ = statement.rule;
        (, bytes32 officer) =
            _accept(hashReleaseRuleRepeal(statement), rule_, Roles.SUPERVISOR | Roles.RELEASING_OFFICER, by);
        RuleRecord storage record = _rules[rule_];
        if (record.version == 0) revert ReleaseDecisionsRuleUnknown(rule_);
        if (statement.version != record.version) {
            revert ReleaseDecisionsRuleVersionWrong(rule_, record.version, statement.version);
        }
        if (!_isInForce(record)) revert ReleaseDecisionsRuleNotInForce(rule_, record.version);
        record.repealed = true;
        emit ReleaseRuleRepealed(rule_, record.version, officer);
    }

    /// @notice Takes the decision on a declaration, of which there is one.
    /// @param statement What was signed.
    /// @param signatures Green: one key with the role SYSTEM of the rule's system. Yellow: one key with the role
    /// RELEASING_OFFICER. Red: keys of two officers, one with RELEASING_OFFICER, the other with RELEASING_OFFICER or
    /// SUPERVISOR. None of them has examined the goods.
    function decide(ReleaseDecision calldata statement, Signed[] calldata signatures) external {
        bytes32 digest = hashReleaseDecision(statement);
        _requireNew(digest);
        bytes32 declaration = statement.declaration;
        _requireInTime(declaration, statement.decideBy);
        _requireAllowed(statement, signatures.length);
        (bytes32 organisation, bytes32 officer, bytes32 secondOfficer) = statement.channel == CHANNEL_RED
            ? _checkPair(digest, declaration, signatures)
            : _checkOne(digest, declaration, signatures, statement.channel == CHANNEL_GREEN);
        if (statement.channel == CHANNEL_GREEN) _applyRule(statement.rule, officer);

        _record(digest, declaration, organisation, keccak256(signatures[0].signer));
        _counting[declaration] = digest;
        _decisions[digest] = DecisionRecord({
            evidenceHash: statement.evidenceHash,
            officer: officer,
            secondOfficer: secondOfficer,
            rule: statement.rule,
            corrects: 0,
            decidedAt: uint64(block.timestamp),
            version: statement.version,
            channel: statement.channel,
            outcome: statement.outcome
        });
        emit DecisionTaken(
            declaration, statement.version, statement.channel, statement.outcome, statement.evidenceHash, statement.rule
        );
        if (statement.outcome == OUTCOME_RELEASE) {
            _certificates.commit(declaration, statement.version, statement.contentHash);
        } else {
            _certificates.giveBack(declaration, statement.version, statement.contentHash);
        }
    }

    /// @notice Corrects the decision that counts. A release that becomes a refusal gives back what it committed; a
    /// refusal never becomes a release.
    /// @param statement What the officers signed.
    /// @param signatures Two, as for the red channel.
    function correct(DecisionCorrection calldata statement, Signed[] calldata signatures) external {
        bytes32 digest = hashDecisionCorrection(statement);
        _requireNew(digest);
        bytes32 declaration = statement.declaration;
        _requireInTime(declaration, statement.decideBy);
        bool wasRelease = _requireCorrectable(statement);
        if (signatures.length != 2) revert ReleaseDecisionsSignaturesWrong(CHANNEL_RED, 2, signatures.length);
        (bytes32 organisation, bytes32 officer, bytes32 secondOfficer) = _checkPair(digest, declaration, signatures);

        _record(digest, declaration, organisation, keccak256(signatures[0].signer));
        _counting[declaration] = digest;
        _decisions[digest] = DecisionRecord({
            evidenceHash: statement.evidenceHash,
            officer: officer,
            secondOfficer: secondOfficer,
            rule: 0,
            corrects: statement.corrects,
            decidedAt: uint64(block.timestamp),
            version: statement.version,
            channel: _decisions[statement.corrects].channel,
            outcome: statement.outcome
        });
        emit DecisionCorrected(
            declaration, statement.corrects, statement.version, statement.outcome, statement.evidenceHash
        );
        if (wasRelease && statement.outcome != OUTCOME_RELEASE) _certificates.giveBackCommitted(declaration);
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

    /// @notice The decision or correction that counts.
    /// @param declaration Identifier.
    /// @return The record, empty where nothing was decided.
    function decision(bytes32 declaration) external view returns (DecisionRecord memory) {
        return _decisions[_counting[declaration]];
    }

    /// @notice The statement by which a declaration is decided.
    /// @param declaration Identifier.
    /// @return Digest of the decision or correction that counts, 0 where nothing was decided.
    function decisionStatement(bytes32 declaration) external view returns (bytes32) {
        return _counting[declaration];
    }

    /// @notice A decision or correction, whether it still counts or not.
    /// @param statement Its digest.
    /// @return The record, empty where there is none.
    function decisionOf(bytes32 statement) external view returns (DecisionRecord memory) {
        return _decisions[statement];
    }

    /// @notice The version of a rule that counts.
    /// @param rule_ Identifier.
    /// @return The record, empty where there is none.
    function rule(bytes32 rule_) external view returns (RuleRecord memory) {
        return _rules[rule_];
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

    /// @notice The digest that officers sign to correct a decision.
    /// @param statement The correction.
    /// @return EIP-712 digest.
    function hashDecisionCorrection(DecisionCorrection calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(DECISION_CORRECTION_TYPE, statement)));
    }

    /// @notice The digest that an officer signs to put a rule in force.
    /// @param statement The rule.
    /// @return EIP-712 digest.
    function hashReleaseRule(ReleaseRule calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RELEASE_RULE_TYPE, statement)));
    }

    /// @notice The digest that an officer signs to end a rule.
    /// @param statement The repeal.
    /// @return EIP-712 digest.
    function hashReleaseRuleRepeal(ReleaseRuleRepeal calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RELEASE_RULE_REPEAL_TYPE, statement)));
    }

    /// @notice The digest that officers sign for the decision.
    /// @param statement The decision.
    /// @return EIP-712 digest.
    function hashReleaseDecision(ReleaseDecision calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RELEASE_DECISION_TYPE, statement)));
    }

    function _requireInTime(bytes32 declaration, uint64 decideBy) private view {
        if (block.timestamp > decideBy) revert ReleaseDecisionsTooLate(declaration, decideBy, block.timestamp);
    }

    function _requireAllowed(ReleaseDecision calldata statement, uint256 signatures) private view {
        bytes32 declaration = statement.declaration;
        _requireFiled(declaration, statement.version);
        if (_certificates.filedAt(declaration, statement.version, statement.contentHash) == 0) {
            revert ReleaseDecisionsContentDiffers(declaration, statement.version, statement.contentHash);
        }
        uint8 outcome = statement.outcome;
        _requireFinal(outcome);
        CaseRecord storage record = _cases[declaration];
        uint8 channel = statement.channel;
        if (channel < CHANNEL_GREEN || channel > CHANNEL_RED) revert ReleaseDecisionsChannelUnknown(channel);
        if (channel != CHANNEL_RED && record.reports != 0) {
            revert ReleaseDecisionsChannelNotRed(declaration, channel, record.reports);
        }
        if (channel == CHANNEL_GREEN) {
            if (outcome != OUTCOME_RELEASE) revert ReleaseDecisionsGreenReleasesOnly(declaration, outcome);
            if (record.dispositions != 0) {
                revert ReleaseDecisionsDispositionOnFile(declaration, record.dispositions);
            }
            if (!_isInForce(_rules[statement.rule])) revert ReleaseDecisionsGreenRuleMissing(declaration);
        } else if (statement.rule != 0) {
            revert ReleaseDecisionsRuleNotForChannel(channel, statement.rule);
        }
        uint256 needed = channel == CHANNEL_RED ? 2 : 1;
        if (signatures != needed) revert ReleaseDecisionsSignaturesWrong(channel, needed, signatures);
        bool conform = record.lastResult == RESULT_CONFORM && record.examinedVersion == statement.version;
        if (channel == CHANNEL_RED && outcome == OUTCOME_RELEASE && !conform) {
            revert ReleaseDecisionsNotConform(declaration, record.reports, record.lastResult, record.examinedVersion);
        }
    }

    function _requireCorrectable(DecisionCorrection calldata statement) private view returns (bool wasRelease) {
        bytes32 declaration = statement.declaration;
        bytes32 counting = _counting[declaration];
        if (counting == 0) revert ReleaseDecisionsNotDecided(declaration);
        if (statement.corrects != counting) {
            revert ReleaseDecisionsCorrectsOther(declaration, counting, statement.corrects);
        }
        DecisionRecord storage record = _decisions[counting];
        if (statement.version != record.version) {
            revert ReleaseDecisionsVersionWrong(declaration, record.version, statement.version);
        }
        _requireFinal(statement.outcome);
        wasRelease = record.outcome == OUTCOME_RELEASE;
        if (!wasRelease && statement.outcome == OUTCOME_RELEASE) {
            revert ReleaseDecisionsCannotRevive(declaration, record.outcome);
        }
    }

    function _requireFinal(uint8 outcome) private pure {
        if (outcome != OUTCOME_RELEASE && outcome != OUTCOME_RETURN_SHIPMENT && outcome != OUTCOME_DESTROY) {
            revert ReleaseDecisionsOutcomeNotFinal(outcome);
        }
    }

    function _applyRule(bytes32 rule_, bytes32 officer) private {
        RuleRecord storage record = _rules[rule_];
        if (officer != record.system) revert ReleaseDecisionsSystemDiffers(rule_, record.system, officer);
        if (record.releases >= record.mostReleases) {
            revert ReleaseDecisionsRuleUsedUp(rule_, record.version, record.mostReleases);
        }
        ++record.releases;
    }

    function _isInForce(RuleRecord storage record) private view returns (bool) {
        return record.version != 0 && !record.repealed && block.timestamp >= record.validFrom
            && block.timestamp <= record.validUntil;
    }

    function _checkOne(bytes32 digest, bytes32 declaration, Signed[] calldata signatures, bool green)
        private
        view
        returns (bytes32 organisation, bytes32 officer, bytes32 none)
    {
        uint256 role = green ? Roles.SYSTEM : Roles.RELEASING_OFFICER;
        (organisation, officer) = _checkSigner(digest, declaration, signatures[0], role);
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
        (organisation, officer,) = consortium().check(by.signer, digest, by.signature, roles);
        if (_inspectors[declaration][officer]) revert ReleaseDecisionsInspectorDecides(declaration, officer);
    }

    function _requireFiled(bytes32 declaration, uint32 version) private view {
        (MaterialCertificates.DeclarationState state, uint32 filed) = _certificates.versionOf(declaration);
        if (state != MaterialCertificates.DeclarationState.Filed) revert ReleaseDecisionsNotFiled(declaration, state);
        if (filed != version) revert ReleaseDecisionsVersionWrong(declaration, filed, version);
    }
}
