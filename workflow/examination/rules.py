"""Rules of holds, examinations and dispositions: a person picks only among what the table allows.

Source: DOMAIN.md §5 (dispositions), §6 (radiation, two stages).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from kernel.errors import Kind, PisteError, Text
from ledger.roles import Role


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
        because=Text("Goods that are not as declared are not released as declared.", "查验不符不得按原申报放行。"),
    ),
)
_BY_ANOMALY = {row.anomaly: row for row in TABLE}


class DispositionNotAllowed(PisteError):
    """The decision table does not offer this disposition for this anomaly."""

    code = "disposition.not-allowed"
    kind = Kind.CONFLICT
    message = Text("{disposition} is not among what the table allows here.", "处置表不允许选择“{disposition_zh}”。")
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


class InspectorMayNotRelease(PisteError):
    """Inspector, reviewer and releasing officer of one case are three different persons."""

    code = "release.inspector-may-not-release"
    kind = Kind.FORBIDDEN
    message = Text("You examined this case, so you may not release it.", "您是本票查验人员，不得办理放行。")
    next_step = Text("Another releasing officer takes the decision.", "请由其他放行人员决定。")


def allowed(anomaly: Anomaly) -> tuple[Disposition, ...]:
    """Give the dispositions that the table allows for an anomaly."""
    return _BY_ANOMALY[anomaly].allowed


def check_disposition(anomaly: Anomaly, chosen: Disposition) -> None:
    """Refuse what the table does not allow.

    Raises:
        DispositionNotAllowed: It is not in the row.
    """
    options = allowed(anomaly)
    if chosen not in options:
        raise DispositionNotAllowed(
            disposition=chosen.words.en,
            disposition_zh=chosen.words.zh,
            allowed="; ".join(option.words.en for option in options),
            allowed_zh="；".join(option.words.zh for option in options),
        )
