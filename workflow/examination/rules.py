"""Rules of holds, examinations and dispositions: a person picks only among what the table allows.

Source: DOMAIN.md §5 (dispositions), §6 (radiation, two stages).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from kernel.errors import Kind, PisteError, Text
from ledger.keys.roles import Role
from workflow.engine.life_cycle import SYSTEM, Edge, LifeCycle


class Disposition(IntEnum):
    """What may be done about an anomaly; the numbers are those of the contract."""

    RELEASE = 1
    RELEASE_WITH_AMENDMENT = 2
    SUPPLEMENT_DOCUMENTS = 3
    SAMPLE_AND_HOLD = 4
    RE_EXAMINE = 5
    SEAL_AND_ISOLATE = 6
    RETURN_SHIPMENT = 7
    HAND_TO_INVESTIGATION = 8
    DESTROY = 9

    @property
    def words(self) -> Text:
        """The disposition in both languages."""
        return _WORDS[self]


_WORDS = {
    Disposition.RELEASE: Text("Lift the hold: the finding is explained", "解除布控：疑点已排除"),
    Disposition.RELEASE_WITH_AMENDMENT: Text("Release after the declaration is amended", "修改申报后放行"),
    Disposition.SUPPLEMENT_DOCUMENTS: Text("Ask the firm for documents", "要求补充单证"),
    Disposition.SAMPLE_AND_HOLD: Text("Take a sample and hold", "取样暂扣"),
    Disposition.RE_EXAMINE: Text("Examine again", "重新查验"),
    Disposition.SEAL_AND_ISOLATE: Text("Seal and isolate", "封存隔离"),
    Disposition.RETURN_SHIPMENT: Text("Return the shipment", "退运"),
    Disposition.HAND_TO_INVESTIGATION: Text("Hand to investigation", "移交调查"),
    Disposition.DESTROY: Text("Destroy", "销毁"),
}

DECIDERS = Role.RELEASING_OFFICER | Role.DOCUMENTS_OFFICER | Role.SUPERVISOR


class Anomaly(IntEnum):
    """Why a declaration is held."""

    PACKAGES_DIFFER = 1
    QUANTITY_DIFFERS = 2
    VALUE_DIFFERS = 3
    DOCUMENT_UNREADABLE = 4
    DOCUMENT_CONTRADICTS = 5
    RADIATION = 6
    GOODS_NOT_CONFORM = 7

    @property
    def words(self) -> Text:
        """The anomaly in both languages."""
        return _ANOMALIES[self]


_ANOMALIES = {
    Anomaly.PACKAGES_DIFFER: Text("The number of packages differs", "件数不符"),
    Anomaly.QUANTITY_DIFFERS: Text("The quantity differs", "数量不符"),
    Anomaly.VALUE_DIFFERS: Text("The value differs", "价值不符"),
    Anomaly.DOCUMENT_UNREADABLE: Text("A document could not be read with certainty", "单证无法可靠识读"),
    Anomaly.DOCUMENT_CONTRADICTS: Text("A document contradicts the declaration", "单证与申报不符"),
    Anomaly.RADIATION: Text("The radiation portal rang", "辐射门报警"),
    Anomaly.GOODS_NOT_CONFORM: Text("The goods are not as declared", "查验不符"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the decision table: for this anomaly, these dispositions."""

    anomaly: Anomaly
    allowed: tuple[Disposition, ...]
    because: Text


TABLE: tuple[Row, ...] = (
    Row(
        anomaly=Anomaly.PACKAGES_DIFFER,
        allowed=(
            Disposition.RELEASE_WITH_AMENDMENT,
            Disposition.SUPPLEMENT_DOCUMENTS,
            Disposition.RE_EXAMINE,
            Disposition.RETURN_SHIPMENT,
            Disposition.HAND_TO_INVESTIGATION,
        ),
        because=Text("What is declared must be what is there.", "申报内容须与实货一致。"),
    ),
    Row(
        anomaly=Anomaly.QUANTITY_DIFFERS,
        allowed=(
            Disposition.RELEASE_WITH_AMENDMENT,
            Disposition.SUPPLEMENT_DOCUMENTS,
            Disposition.RE_EXAMINE,
            Disposition.RETURN_SHIPMENT,
            Disposition.HAND_TO_INVESTIGATION,
        ),
        because=Text("A quantity in excess is never released as declared.", "数量超出不得按原申报放行。"),
    ),
    Row(
        anomaly=Anomaly.VALUE_DIFFERS,
        allowed=(Disposition.RELEASE, Disposition.RELEASE_WITH_AMENDMENT, Disposition.SUPPLEMENT_DOCUMENTS),
        because=Text("A value deviation is a warning, not a refusal.", "价值偏差为提示，不直接拒绝。"),
    ),
    Row(
        anomaly=Anomaly.DOCUMENT_UNREADABLE,
        allowed=(Disposition.RELEASE, Disposition.SUPPLEMENT_DOCUMENTS, Disposition.RE_EXAMINE),
        because=Text("No verdict is never a pass: a person reads it.", "机器未能判定，须人工审核。"),
    ),
    Row(
        anomaly=Anomaly.DOCUMENT_CONTRADICTS,
        allowed=(
            Disposition.RELEASE_WITH_AMENDMENT,
            Disposition.SUPPLEMENT_DOCUMENTS,
            Disposition.RE_EXAMINE,
            Disposition.HAND_TO_INVESTIGATION,
        ),
        because=Text("Documents and declaration must agree.", "单证与申报须一致。"),
    ),
    Row(
        anomaly=Anomaly.RADIATION,
        allowed=(
            Disposition.RE_EXAMINE,
            Disposition.SEAL_AND_ISOLATE,
            Disposition.RETURN_SHIPMENT,
            Disposition.HAND_TO_INVESTIGATION,
        ),
        because=Text(
            "Only a second measurement within the limit lifts a radiation hold; beyond it the goods stay isolated.",
            "辐射布控仅在复测合格后解除；超标货物须隔离。",
        ),
    ),
    Row(
        anomaly=Anomaly.GOODS_NOT_CONFORM,
        allowed=(
            Disposition.RELEASE_WITH_AMENDMENT,
            Disposition.RE_EXAMINE,
            Disposition.SEAL_AND_ISOLATE,
            Disposition.RETURN_SHIPMENT,
            Disposition.HAND_TO_INVESTIGATION,
            Disposition.DESTROY,
        ),
        because=Text(
            "Goods that are not as declared are not released as declared.", "查验不符不得按原申报放行。"
        ),
    ),
)
_BY_ANOMALY = {row.anomaly: row for row in TABLE}


class DispositionNotAllowed(PisteError):
    """The decision table does not offer this disposition for this anomaly."""

    code = "disposition.not-allowed"
    kind = Kind.CONFLICT
    message = Text(
        "{disposition} is not among what the table allows here.", "处置表不允许选择“{disposition_zh}”。"
    )
    next_step = Text("Choose one of: {allowed}.", "请从以下选项中选择：{allowed_zh}。")
    field = "/disposition"
    disposition: str
    disposition_zh: str
    allowed: str
    allowed_zh: str


class HoldOpen(PisteError):
    """Something still holds the goods."""

    code = "release.hold-open"
    kind = Kind.CONFLICT
    message = Text("The goods are held: {why}.", "货物被布控：{why_zh}。")
    next_step = Text("Decide on the hold first.", "请先处置该布控。")
    why: str
    why_zh: str


def allowed_for_all(anomalies: Iterable[Anomaly]) -> tuple[Disposition, ...]:
    """Give the dispositions that every one of these anomalies allows, in the order of the table."""
    rows = [_BY_ANOMALY[anomaly].allowed for anomaly in anomalies]
    return tuple(option for option in rows[0] if all(option in row for row in rows)) if rows else ()


def allowed(anomaly: Anomaly) -> tuple[Disposition, ...]:
    """Give the dispositions that the table allows for an anomaly."""
    return _BY_ANOMALY[anomaly].allowed


def check_disposition(options: tuple[Disposition, ...], chosen: Disposition) -> None:
    """Refuse what the table does not allow.

    Raises:
        DispositionNotAllowed: It is not among the options.
    """
    if chosen not in options:
        raise DispositionNotAllowed(
            disposition=chosen.words.en,
            disposition_zh=chosen.words.zh,
            allowed="; ".join(option.words.en for option in options),
            allowed_zh="；".join(option.words.zh for option in options),
        )


HOLD = "hold"
EXAMINATION = "examination"

HOLD_LIFE_CYCLE = LifeCycle(
    name=HOLD,
    title=Text("Hold", "布控"),
    version=1,
    initial="open",
    states={
        "open": Text("The goods are held; a person decides from the table.", "货物已布控，待人工处置。"),
        "decided": Text("An officer decided; the decision stands on the ledger.", "已处置，决定已上链。"),
        "lifted": Text("An examination that conforms lifted it.", "查验相符，布控解除。"),
    },
    edges=(
        Edge(
            source="open",
            event="dispose",
            target="decided",
            who=DECIDERS,
            label=Text("Decide", "处置"),
            signed="Disposition",
            guard="the table allows the disposition",
        ),
        Edge(source="open", event="lift", target="lifted", who=SYSTEM, label=Text("Lift", "解除")),
    ),
)
EXAMINATION_LIFE_CYCLE = LifeCycle(
    name=EXAMINATION,
    title=Text("Examination", "查验"),
    version=1,
    initial="ordered",
    states={
        "ordered": Text("An inspector is to look at the goods.", "查验指令已下达。"),
        "isolated": Text("The goods stand apart; they are measured again.", "货物已隔离，待复测。"),
        "reported": Text("The inspector's report stands on the ledger.", "查验结果已上链。"),
    },
    edges=(
        Edge(
            source="ordered",
            event="isolate",
            target="isolated",
            who=Role.INSPECTOR,
            label=Text("Goods are isolated", "货物已隔离"),
            guard="ordered for radiation",
        ),
        *(
            Edge(
                source=state,
                event="report",
                target="reported",
                who=Role.INSPECTOR,
                label=Text("Sign the report", "签署查验报告"),
                signed="ExaminationReport",
                guard="radiation: isolated and measured again; conform only within the limit",
            )
            for state in ("ordered", "isolated")
        ),
    ),
)


class IsolationNotNeeded(PisteError):
    """Only goods that rang the portal are isolated."""

    code = "examination.isolation-not-needed"
    kind = Kind.CONFLICT
    message = Text("This examination was not ordered for radiation.", "该查验并非因辐射下达。")
    next_step = Text("Examine the goods and report.", "请直接查验并提交报告。")


class ResultMissing(PisteError):
    """A report says whether the goods conform."""

    code = "examination.result-missing"
    kind = Kind.INVALID
    message = Text("The report does not say whether the goods conform.", "查验报告未注明是否相符。")
    next_step = Text(
        "Give the result: conform or not_conform.", "请填写结果：相符（conform）或不符（not_conform）。"
    )
    field = "/result"


class SecondMeasurementMissing(PisteError):
    """Goods that rang the portal are isolated and measured again before anybody reports."""

    code = "examination.second-measurement-missing"
    kind = Kind.CONFLICT
    message = Text("There is no verdict of a second measurement yet.", "尚无复测结论。")
    next_step = Text(
        "Isolate the goods, measure them with a calibrated instrument, then report.",
        "请先隔离货物，用校准仪器复测后再报告。",
    )


class VerdictForbidsConform(PisteError):
    """The second measurement exceeds the limit, so the goods do not conform."""

    code = "examination.verdict-forbids-conform"
    kind = Kind.CONFLICT
    message = Text("The second measurement exceeds the limit.", "复测结果超过限值。")
    next_step = Text("Report the goods as not conform.", "请报告为查验不符。")
    field = "/result"


class ReadingNotExpected(PisteError):
    """A second measurement belongs to an examination whose goods are isolated."""

    code = "reading.not-expected"
    kind = Kind.CONFLICT
    message = Text(
        "Declaration {declaration} awaits no such reading now.", "报关单{declaration}当前不需要该读数。"
    )
    next_step = Text(
        "A portal reading needs an accepted declaration, a retest an isolated one.",
        "门式读数须在受理后提交，复测须在隔离后提交。",
    )
    declaration: str


def anomaly_of(code: str, severity: str) -> Anomaly | None:
    """Tell which anomaly a finding of the document comparison is; None where it holds nothing up."""
    if severity == "no_verdict":
        return Anomaly.DOCUMENT_UNREADABLE
    if severity != "mismatch":
        return None
    for part, anomaly in (("packages", Anomaly.PACKAGES_DIFFER), ("quantity", Anomaly.QUANTITY_DIFFERS)):
        if part in code:
            return anomaly
    return Anomaly.DOCUMENT_CONTRADICTS
