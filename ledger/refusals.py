"""Why a contract refused a statement, in words: one sentence in two languages for each custom error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from kernel.database import from_micro
from kernel.errors import Language, Text
from ledger.chain.interfaces import SELECTOR_BYTES, decode_error, errors, json_values
from ledger.keys.roles import ROLE_WORDS
from ledger.statements import UNIT_BYTES

OUT_OF_GAS = "OutOfGas"
NO_VERDICT = "NoVerdict"
UNKNOWN = "UnknownReason"
SHOWN_BYTES = 4

REFUSAL_WORDS: dict[str, Text] = {
    "CheckNotesBindingUnknown": Text("There is no binding {binding}.", "不存在绑定方式{binding}。"),
    "CheckNotesBindingWrong": Text(
        "Binding {binding} takes one declaration; the check note has {declarations}.",
        "绑定方式{binding}只能对应一份报关单，核放单中有{declarations}份。",
    ),
    "CheckNotesBrokerDiffers": Text(
        "The declaration or check note {subject} belongs to another organisation.",
        "报关单或核放单{subject}属于其他单位。",
    ),
    "CheckNotesContentDiffers": Text(
        "The check note's content is not what the broker signed.", "核放单内容与报关行签署的内容不一致。"
    ),
    "CheckNotesDeclarationBound": Text(
        "The declaration stands on {notes} other check note(s); the bindings allow one vehicle only.",
        "该报关单已在其他{notes}份核放单上，绑定方式只允许一车。",
    ),
    "CheckNotesGateRepeated": Text(
        "The check note has been through gate {gate} before.", "该核放单已通过{gate}号卡口，不得重复通过。"
    ),
    "CheckNotesGateWrong": Text(
        "Gate {expected} is next, not gate {given}.", "下一道应为{expected}号卡口，而非{given}号卡口。"
    ),
    "CheckNotesGatesUnknown": Text(
        "A check note is for one gate or two, not {gates}.", "核放单只能对应一道或两道卡口，不能为{gates}道。"
    ),
    "CheckNotesItemEmpty": Text(
        "The check note carries nothing of line {line}.", "核放单中第{line}行的数量为零。"
    ),
    "CheckNotesQuantityExceeded": Text(
        "Check notes over line {line} would carry {noted}, but the declaration has drawn {drawn}.",
        "第{line}行的核放单合计数量{noted}超过报关单申报数量{drawn}。",
    ),
    "CheckNotesStateWrong": Text(
        "The check note is {state}; that does not allow this.", "核放单状态为{state}，不能进行此操作。"
    ),
    "CheckNotesUnderWay": Text(
        "The vehicle is past gate {passed}; the check note can no longer be voided.",
        "车辆已通过{passed}号卡口，核放单不能作废。",
    ),
    "ConsortiumFounderRepeated": Text(
        "A founding organisation or key is named twice.", "创始单位或其密钥重复。"
    ),
    "ConsortiumFounderUnknown": Text(
        "Key {keyId} is not a founding member's.", "密钥{keyId}不是创始成员的密钥。"
    ),
    "ConsortiumIdentifierEmpty": Text("An identifier is empty.", "标识为空。"),
    "ConsortiumKeyNotValid": Text(
        "Key {keyId} is valid from {validFrom} until {validUntil}, not now.",
        "密钥{keyId}的有效期为{validFrom}至{validUntil}，当前无效。",
    ),
    "ConsortiumKeyRevoked": Text(
        "Key {keyId} was revoked at {revokedAt}.", "密钥{keyId}已于{revokedAt}被吊销。"
    ),
    "ConsortiumKeyTaken": Text("Key {keyId} belongs to another officer.", "密钥{keyId}属于其他人员。"),
    "ConsortiumKeyUnknown": Text(
        "Key {keyId} is not in the consortium's register.", "密钥{keyId}未在联盟登记。"
    ),
    "ConsortiumOrganisationNotValid": Text(
        "The organisation is a member from {validFrom} until {validUntil}, not now.",
        "该单位的成员有效期为{validFrom}至{validUntil}，当前无效。",
    ),
    "ConsortiumOrganisationUnknown": Text(
        "The organisation {organisation} is not a member.", "单位{organisation}不是联盟成员。"
    ),
    "ConsortiumRoleMissing": Text(
        "The key holds {held}; this needs {needed}.", "密钥的角色为{held}，此操作需要{needed}。"
    ),
    "ConsortiumRolesBeyondOrganisation": Text(
        "The organisation may hold {allowed}; its key was to get {given}.",
        "该单位可持有的角色为{allowed}，其密钥拟授予{given}。",
    ),
    "ConsortiumRolesUnknown": Text("There is no such role.", "不存在该角色。"),
    "ConsortiumSequenceWrong": Text(
        "Change {expected} of the consortium is next, not {given}.",
        "联盟的下一次变更应为第{expected}号，而非第{given}号。",
    ),
    "ConsortiumSignatureRepeated": Text("Key {keyId} signed twice.", "密钥{keyId}重复签名。"),
    "ConsortiumSignatureWrong": Text(
        "The signature is not one of key {keyId} over this statement.", "签名与密钥{keyId}及本声明不符。"
    ),
    "ConsortiumSignaturesMissing": Text(
        "{needed} founding members must sign; {given} did.", "需要{needed}个创始成员签名，现有{given}个。"
    ),
    "ConsortiumSignerMalformed": Text("The signer cannot be read.", "签名方标识格式错误。"),
    "ConsortiumThresholdWrong": Text(
        "The threshold {threshold} does not fit {founders} founding members.",
        "门限{threshold}与{founders}个创始成员不符。",
    ),
    "ConsortiumValidityEmpty": Text(
        "The validity ends ({validUntil}) before it begins ({validFrom}).",
        "有效期止（{validUntil}）早于有效期起（{validFrom}）。",
    ),
    "Error": Text("The contract refused: {message}", "合约拒绝：{message}"),
    "EvidenceLogForked": Text(
        "Another checkpoint over {size} leaves is anchored: the past of the log was changed.",
        "已有另一个覆盖{size}条记录的检查点：日志历史被改动。",
    ),
    "EvidenceLogInconsistent": Text(
        "The checkpoint over {size} leaves does not continue the one over {lastSize}.",
        "覆盖{size}条记录的检查点与覆盖{lastSize}条的检查点不一致。",
    ),
    "EvidenceLogNotAnchored": Text(
        "No checkpoint over {size} leaves with this root is anchored.",
        "没有覆盖{size}条记录且根相同的检查点上链。",
    ),
    "EvidenceLogNotGrown": Text(
        "The log has no more than the {size} leaves of the last checkpoint.",
        "日志记录数未超过上一检查点的{size}条。",
    ),
    "EvidenceLogShrunk": Text(
        "The log had {last} leaves and cannot shrink to {given}.",
        "日志已有{last}条记录，不能减少到{given}条。",
    ),
    "EvidenceLogWitnessRepeated": Text(
        "The organisation has witnessed the checkpoint over {size} leaves before.",
        "该单位已见证过覆盖{size}条记录的检查点。",
    ),
    "InboxGasShort": Text(
        "The transaction had too little gas for statement {index}.", "交易的燃料不足以执行第{index}个声明。"
    ),
    "InboxTargetEmpty": Text("No contract stands at {target}.", "{target}处没有合约。"),
    "InvalidShortString": Text("A text of the contract cannot be read.", "合约中的文本无法读取。"),
    "MaterialCertificatesBrokerDiffers": Text(
        "Another organisation submitted the certificate.", "该证明函由其他单位提交。"
    ),
    "MaterialCertificatesCallerWrong": Text(
        "Only a release decision may do this.", "只有放行决定才能执行此操作。"
    ),
    "MaterialCertificatesCeilingTooLow": Text(
        "{drawn} are drawn of line {line}; the amendment's ceiling is {ceiling}.",
        "第{line}行已申报{drawn}，变更后的上限为{ceiling}。",
    ),
    "MaterialCertificatesContentDiffers": Text(
        "The certificate's content is not what the broker signed.", "证明函内容与报关行签署的内容不一致。"
    ),
    "MaterialCertificatesDeclarationBrokerDiffers": Text(
        "Another organisation filed the declaration.", "该报关单由其他单位申报。"
    ),
    "MaterialCertificatesDeclarationContentDiffers": Text(
        "The declaration's content is not what is on file.", "报关单内容与已申报的内容不一致。"
    ),
    "MaterialCertificatesDeclarationStateWrong": Text(
        "The declaration is {state}; that does not allow this.", "报关单状态为{state}，不能进行此操作。"
    ),
    "MaterialCertificatesDeclarationVersionWrong": Text(
        "The declaration is at another version ({expected} expected, {given} given).",
        "报关单版本不符（应为{expected}，提交的是{given}）。",
    ),
    "MaterialCertificatesDelegationSequenceWrong": Text(
        "Delegation {expected} of this broker is next, not {given}.",
        "该报关行的下一次授权应为第{expected}号，而非第{given}号。",
    ),
    "MaterialCertificatesDrawEmpty": Text(
        "The declaration draws nothing of line {line}.", "报关单对第{line}行的申报数量为零。"
    ),
    "MaterialCertificatesHolderDiffers": Text(
        "Another organisation holds the certificate.", "该证明函由其他单位持有。"
    ),
    "MaterialCertificatesLineNotDrawn": Text(
        "Nothing was ever drawn of line {line}.", "第{line}行从未申报过数量。"
    ),
    "MaterialCertificatesLineOverdrawn": Text(
        "Line {line} has {left} left; {asked} were asked for.",
        "第{line}行剩余数量为{left}，申报数量为{asked}。",
    ),
    "MaterialCertificatesLineUnproven": Text(
        "The certificate has no line {line} in {unit} with a ceiling of {ceiling}.",
        "证明函中没有单位为{unit}、上限为{ceiling}的第{line}行。",
    ),
    "MaterialCertificatesLinesNotCarried": Text(
        "{used} lines are drawn from; the new ceilings of {carried} are proven.",
        "已有{used}行发生申报，其中仅{carried}行的新上限得到证明。",
    ),
    "MaterialCertificatesNotValid": Text(
        "The certificate is valid from {validFrom} until {validUntil}, not now.",
        "证明函有效期为{validFrom}至{validUntil}，当前无效。",
    ),
    "MaterialCertificatesPartyUnknown": Text(
        "Party {party} is neither committee nor customs.", "第{party}方既不是组委会也不是海关。"
    ),
    "MaterialCertificatesProofsMissing": Text(
        "{draws} draws came with {proofs} proofs.", "共有{draws}项申报，但只有{proofs}项证明。"
    ),
    "MaterialCertificatesReviewRepeated": Text(
        "The party has confirmed version {version} before.", "该方已确认过第{version}版。"
    ),
    "MaterialCertificatesStateWrong": Text(
        "The certificate is {state}; that does not allow this.", "证明函状态为{state}，不能进行此操作。"
    ),
    "MaterialCertificatesUnitDiffers": Text(
        "Line {line} is drawn in {expected}, not in {given}.",
        "第{line}行的计量单位为{expected}，而非{given}。",
    ),
    "MaterialCertificatesValidityEmpty": Text(
        "The certificate's validity ends ({validUntil}) before it begins ({validFrom}).",
        "证明函有效期止（{validUntil}）早于有效期起（{validFrom}）。",
    ),
    "MaterialCertificatesVerdictUnknown": Text("There is no verdict {verdict}.", "不存在结论{verdict}。"),
    "MaterialCertificatesVersionWrong": Text(
        "The certificate is at another version ({expected} expected, {given} given).",
        "证明函版本不符（应为{expected}，提交的是{given}）。",
    ),
    "Panic": Text("The contract failed (code {code}).", "合约执行失败（代码{code}）。"),
    "ReleaseDecisionsAddressWrong": Text(
        "The contracts were not deployed for each other.", "合约之间的部署地址不匹配。"
    ),
    "ReleaseDecisionsCannotRevive": Text(
        "Goods that were turned away are not released by a correction; file a new declaration.",
        "已退运或销毁的货物不能通过更正放行，请重新申报。",
    ),
    "ReleaseDecisionsChannelNotRed": Text(
        "The goods were examined {reports} time(s), so that only the red channel is left.",
        "货物已查验{reports}次，只能走红色通道。",
    ),
    "ReleaseDecisionsChannelUnknown": Text("There is no channel {channel}.", "不存在通道{channel}。"),
    "ReleaseDecisionsContentDiffers": Text(
        "The decision is on other content than what is on file.", "决定所依据的内容与已申报的内容不一致。"
    ),
    "ReleaseDecisionsCorrectsOther": Text(
        "Another decision counts now; correct that one.", "现行有效的是另一决定，请更正该决定。"
    ),
    "ReleaseDecisionsDispositionOnFile": Text(
        "The goods were held {dispositions} time(s); an officer decides.",
        "货物曾被布控{dispositions}次，须由关员决定。",
    ),
    "ReleaseDecisionsGreenReleasesOnly": Text(
        "The green channel only releases; outcome {outcome} needs an officer.",
        "绿色通道只能放行，处置结果{outcome}须由关员决定。",
    ),
    "ReleaseDecisionsGreenRuleMissing": Text(
        "No rule is in force that releases on the green channel.", "目前没有生效的绿色通道放行规则。"
    ),
    "ReleaseDecisionsInspectorDecides": Text(
        "Who examined the goods cannot decide on their release.", "查验人员不得作出放行决定。"
    ),
    "ReleaseDecisionsNotConform": Text(
        "The last examination did not find this version conform.", "最近一次查验未认定该版本相符。"
    ),
    "ReleaseDecisionsNotDecided": Text("The declaration is not decided yet.", "该报关单尚未作出决定。"),
    "ReleaseDecisionsNotFiled": Text(
        "The declaration is {state}, not on file.", "报关单状态为{state}，不在申报状态。"
    ),
    "ReleaseDecisionsOfficerRepeated": Text(
        "Both signatures come from one officer.", "两个签名来自同一关员。"
    ),
    "ReleaseDecisionsOutcomeNotFinal": Text(
        "Outcome {outcome} does not end a case.", "处置结果{outcome}不能结束案件。"
    ),
    "ReleaseDecisionsOutcomeUnknown": Text("There is no outcome {outcome}.", "不存在处置结果{outcome}。"),
    "ReleaseDecisionsReleasingOfficerMissing": Text(
        "Neither signer is a releasing officer.", "签署人中没有放行关员。"
    ),
    "ReleaseDecisionsResultUnknown": Text("There is no result {result}.", "不存在查验结果{result}。"),
    "ReleaseDecisionsRuleNotForChannel": Text(
        "Channel {channel} is decided by officers, not by a rule.", "通道{channel}由关员决定，不适用规则。"
    ),
    "ReleaseDecisionsRuleNotInForce": Text(
        "Version {version} of the rule is not in force.", "该规则第{version}版未生效。"
    ),
    "ReleaseDecisionsRuleUnknown": Text("There is no such rule.", "不存在该规则。"),
    "ReleaseDecisionsRuleUsedUp": Text(
        "Version {version} of the rule has released {mostReleases} declarations, the most it may.",
        "该规则第{version}版已放行{mostReleases}份报关单，达到上限。",
    ),
    "ReleaseDecisionsRuleVersionWrong": Text(
        "The rule is at another version ({expected} expected, {given} given).",
        "规则版本不符（应为{expected}，提交的是{given}）。",
    ),
    "ReleaseDecisionsSequenceWrong": Text(
        "Number {expected} is next, not {given}.", "下一个序号应为{expected}，而非{given}。"
    ),
    "ReleaseDecisionsSignaturesWrong": Text(
        "Channel {channel} needs {needed} signature(s); {given} came.",
        "通道{channel}需要{needed}个签名，现有{given}个。",
    ),
    "ReleaseDecisionsSystemDiffers": Text(
        "The rule may be applied by another system only.", "该规则只能由另一系统执行。"
    ),
    "ReleaseDecisionsTooLate": Text(
        "The decision had to be recorded by {decideBy}; decide anew.",
        "该决定须在{decideBy}前上链，请重新决定。",
    ),
    "ReleaseDecisionsValidityEmpty": Text(
        "The rule's validity ends ({validUntil}) before it begins ({validFrom}).",
        "规则有效期止（{validUntil}）早于有效期起（{validFrom}）。",
    ),
    "ReleaseDecisionsVersionWrong": Text(
        "The declaration is at version {expected}, not {given}.",
        "报关单当前为第{expected}版，而非第{given}版。",
    ),
    "StatementRegisterAlreadyRecorded": Text(
        "The statement was recorded in block {blockNumber} before.", "该声明已在区块{blockNumber}中记录。"
    ),
    "StringTooLong": Text("A text of the contract is too long.", "合约中的文本过长。"),
    OUT_OF_GAS: Text(
        "The contract needed more gas than it can be given.", "合约执行所需燃料超过可提供的上限。"
    ),
    NO_VERDICT: Text("The contract gave no verdict on the statement.", "合约未对该声明作出任何结论。"),
    UNKNOWN: Text(
        "The contract refused for a reason unknown here ({data}).", "合约因未知原因拒绝（{data}）。"
    ),
}
_DECLARATION_STATES = (
    Text("unknown", "不存在"),
    Text("filed", "已申报"),
    Text("withdrawn", "已撤回"),
    Text("released", "已放行"),
    Text("denied", "未予放行"),
)
STATE_WORDS: dict[str, tuple[Text, ...]] = {
    "CheckNotesStateWrong": (
        Text("unknown", "不存在"),
        Text("open", "待批准"),
        Text("approved", "已批准"),
        Text("passed", "已过卡"),
        Text("voided", "已作废"),
    ),
    "MaterialCertificatesStateWrong": (
        Text("unknown", "不存在"),
        Text("submitted", "已提交"),
        Text("returned", "已退回"),
        Text("rejected", "已拒绝"),
        Text("active", "有效"),
        Text("revoked", "已撤销"),
        Text("expired", "已失效"),
    ),
    "MaterialCertificatesDeclarationStateWrong": _DECLARATION_STATES,
    "ReleaseDecisionsNotFiled": _DECLARATION_STATES,
}
_TIMES = {"validFrom", "validUntil", "blockTime", "revokedAt", "decideBy"}
_QUANTITIES = {"left", "asked", "ceiling", "noted", "drawn"}
_ROLE_ERRORS = {"ConsortiumRoleMissing", "ConsortiumRolesBeyondOrganisation", "ConsortiumRolesUnknown"}


@dataclass(frozen=True)
class Refusal:
    """A contract's reason."""

    error_name: str
    """Name of the custom error, or one of ours where the contract gave none."""
    values: dict[str, Any]
    """The error's values as JSON."""
    words: Text

    def to_json(self) -> dict[str, Any]:
        """Give the refusal as JSON."""
        return {"error": self.error_name, "values": self.values, "words": list(self.words)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a refusal back."""
        return cls(data["error"], data["values"], Text(*data["words"]))


def refusal_of(reason: bytes) -> Refusal:
    """Put a contract's revert data into words; empty data mean that the call ran out of gas."""
    if not reason:
        return plain_refusal(OUT_OF_GAS)
    decoded = decode_error(reason)
    if decoded is None:
        return plain_refusal(UNKNOWN, data="0x" + reason[:64].hex())
    entry = errors()[reason[:SELECTOR_BYTES]]
    types = {item["name"]: item["type"] for item in entry.inputs}
    words = REFUSAL_WORDS[decoded.name]
    return Refusal(
        decoded.name,
        json_values(decoded.values, types),
        Text(
            words.fill(_facts(decoded.name, decoded.values, "en")).en,
            words.fill(_facts(decoded.name, decoded.values, "zh")).zh,
        ),
    )


def plain_refusal(name: str, **values: object) -> Refusal:
    """Make a refusal for which the contract gave no reason of its own."""
    return Refusal(name, dict(values), REFUSAL_WORDS[name].fill(values))


def _facts(error: str, values: Mapping[str, Any], language: Language) -> dict[str, object]:
    return {name: _fact(error, name, value, language) for name, value in values.items()}


def _fact(error: str, name: str, value: object, language: Language) -> object:
    if isinstance(value, bytes):
        shown = value.rstrip(b"\0").decode("ascii", errors="replace")
        return shown if len(value) == UNIT_BYTES else "0x" + value[:SHOWN_BYTES].hex() + "…"
    if not isinstance(value, int):
        return value
    if name in _TIMES:
        return _moment(value)
    if name in _QUANTITIES:
        return f"{from_micro(value):f}"
    if error in _ROLE_ERRORS:
        return _roles(value, language)
    states = STATE_WORDS.get(error, ())
    return states[value].in_language(language) if name == "state" and value < len(states) else value


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _roles(value: int, language: Language) -> str:
    words = [text.in_language(language) for role, text in ROLE_WORDS.items() if value & role]
    return ("、" if language == "zh" else ", ").join(words) or Text("nothing", "无").in_language(language)
