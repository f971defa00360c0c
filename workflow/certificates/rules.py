"""Rules of the material certificate: its life cycle and the arithmetic of draw-down.

Source: DOMAIN.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from kernel.errors import Kind, PisteError, Text
from ledger.keys.roles import Role
from workflow.engine.life_cycle import SYSTEM, Edge, LifeCycle

KIND = "certificate"
COMMITTEE_PARTY, CUSTOMS_PARTY = 1, 2
CONFIRM, RETURN, REJECT = 1, 2, 3

STATES = {
    "draft": Text("The firm is still writing it; nobody else sees it.", "企业填写中，他方不可见。"),
    "submitted": Text("Signed by the firm; waits to be recorded.", "企业已签署，等待上链。"),
    "under_committee_review": Text("The organizing committee examines it.", "组委会审核中。"),
    "returned": Text("Sent back to the firm to be mended.", "已退回企业修改。"),
    "committee_approved": Text("Confirmed by the committee; customs has it.", "组委会已确认，待海关备案。"),
    "customs_filed": Text("Filed by customs; waits to be recorded.", "海关已备案，等待上链。"),
    "active": Text("Confirmed by all three; goods may be drawn.", "三方确认完毕，可以使用。"),
    "partly_used": Text("Some of its goods were released.", "部分货物已放行。"),
    "fully_used": Text("All of its goods were released.", "货物已全部放行。"),
    "rejected": Text("Refused for good.", "不予通过。"),
    "expired": Text("Its validity is over.", "已过有效期。"),
    "revoked": Text("Withdrawn by committee or customs.", "已被撤销。"),
}

_REVIEW = "CertificateReview"
_USABLE = ("active", "partly_used")


def _endings() -> tuple[Edge, ...]:
    ends: list[Edge] = []
    for state in (*_USABLE, "fully_used"):
        if state != "fully_used":
            ends.append(
                Edge(source=state, event="expire", target="expired", who=SYSTEM, label=Text("Expire", "到期"))
            )
        ends.append(
            Edge(
                source=state,
                event="revoke",
                target="revoked",
                who=Role.COMMITTEE | Role.DOCUMENTS_OFFICER,
                label=Text("Revoke", "撤销"),
                signed="CertificateRevocation",
                guard="a reason is given",
            )
        )
    return tuple(ends)


LIFE_CYCLE = LifeCycle(
    name=KIND,
    title=Text("Material certificate", "物资证明函"),
    version=1,
    initial="draft",
    states=STATES,
    edges=(
        Edge(
            source="draft",
            event="submit",
            target="under_committee_review",
            who=Role.BROKER,
            label=Text("Sign and submit", "签署并提交"),
            signed="CertificateSubmission",
            waiting="submitted",
            refused="draft",
            guard="no fault in the content",
        ),
        Edge(
            source="under_committee_review",
            event="approve",
            target="committee_approved",
            who=Role.COMMITTEE,
            label=Text("Confirm for the committee", "组委会确认"),
            signed=_REVIEW,
        ),
        Edge(
            source="under_committee_review",
            event="return_to_firm",
            target="returned",
            who=Role.COMMITTEE,
            label=Text("Return to the firm", "退回企业"),
            signed=_REVIEW,
            guard="a reason is given",
        ),
        Edge(
            source="under_committee_review",
            event="reject",
            target="rejected",
            who=Role.COMMITTEE,
            label=Text("Reject", "不予通过"),
            signed=_REVIEW,
            guard="a reason is given",
        ),
        Edge(
            source="committee_approved",
            event="file",
            target="active",
            who=Role.DOCUMENTS_OFFICER,
            label=Text("File for customs", "海关备案"),
            signed=_REVIEW,
            waiting="customs_filed",
        ),
        Edge(
            source="committee_approved",
            event="return_to_firm",
            target="returned",
            who=Role.DOCUMENTS_OFFICER,
            label=Text("Return to the firm", "退回企业"),
            signed=_REVIEW,
            guard="a reason is given",
        ),
        Edge(
            source="committee_approved",
            event="reject",
            target="rejected",
            who=Role.DOCUMENTS_OFFICER,
            label=Text("Reject", "不予通过"),
            signed=_REVIEW,
            guard="a reason is given",
        ),
        Edge(
            source="returned",
            event="revise",
            target="draft",
            who=Role.BROKER,
            label=Text("Mend it", "修改"),
            guard="the next version is begun",
        ),
        Edge(
            source="active",
            event="use_in_part",
            target="partly_used",
            who=SYSTEM,
            label=Text("Use in part", "部分使用"),
        ),
        Edge(source="active", event="use_up", target="fully_used", who=SYSTEM, label=Text("Use up", "用完")),
        Edge(
            source="partly_used",
            event="use_up",
            target="fully_used",
            who=SYSTEM,
            label=Text("Use up", "用完"),
        ),
        *_endings(),
    ),
)
USABLE_STATES = frozenset(_USABLE)
NEEDS_REASON = frozenset({"return_to_firm", "reject", "revoke"})
VERDICTS = {"approve": CONFIRM, "file": CONFIRM, "return_to_firm": RETURN, "reject": REJECT}


class LineOverdrawn(PisteError):
    """The certificate line has less left than the declaration asks for."""

    code = "certificate.line-overdrawn"
    kind = Kind.CONFLICT
    message = Text(
        "Line {line} of certificate {certificate} has {left} {unit} left; {asked} was asked.",
        "证明函{certificate}第{line}行余量为{left} {unit}，申请{asked}。",
    )
    next_step = Text(
        "Declare no more than is left, or have the certificate amended first.",
        "请按余量申报，或先办理证明函变更。",
    )
    field = "/lines/{declared_line}/quantity"
    certificate: str
    line: int
    unit: str
    left: Decimal
    asked: Decimal
    declared_line: int


class CertificateNotUsable(PisteError):
    """Goods may be drawn only while the certificate is active and valid."""

    code = "certificate.not-usable"
    kind = Kind.CONFLICT
    message = Text(
        "Certificate {certificate} is {state} and cannot be drawn on today.",
        "证明函{certificate}当前为{state}，不能使用。",
    )
    next_step = Text(
        "Wait until all three parties have confirmed it, or name another.",
        "请待三方确认后再用，或改用其他证明函。",
    )
    certificate: str
    state: str


class LineUnknown(PisteError):
    """The certificate has no such line."""

    code = "certificate.line-unknown"
    kind = Kind.INVALID
    message = Text("Certificate {certificate} has no line {line}.", "证明函{certificate}没有第{line}行。")
    next_step = Text("Name a line of the goods list.", "请填写物资清单中的行号。")
    field = "/lines/{declared_line}/certificate_line"
    certificate: str
    line: int
    declared_line: int


class UnitDiffers(PisteError):
    """Declared and certified quantity are in different units."""

    code = "certificate.unit-differs"
    kind = Kind.INVALID
    message = Text(
        "Line {line} of certificate {certificate} counts in {certified}, the declaration in {declared}.",
        "证明函{certificate}第{line}行单位为{certified}，申报单位为{declared}。",
    )
    next_step = Text("Declare the quantity in {certified}.", "请按{certified}申报数量。")
    field = "/lines/{declared_line}/unit"
    certificate: str
    line: int
    certified: str
    declared: str
    declared_line: int


@dataclass(frozen=True)
class LineBalance:
    """What a certificate line holds. 0 ≤ reserved + committed ≤ ceiling, always."""

    ceiling: Decimal
    reserved: Decimal
    committed: Decimal

    @property
    def left(self) -> Decimal:
        """What may still be drawn."""
        return self.ceiling - self.reserved - self.committed


def use_event(balances: Mapping[int, LineBalance]) -> str:
    """Tell which event follows a commit: `use_up` when no line has anything left to commit, else `use_in_part`."""
    used_up = all(balance.committed == balance.ceiling for balance in balances.values())
    return "use_up" if used_up else "use_in_part"


def extra_to_hold(standing: Decimal, asked: Decimal) -> Decimal:
    """How much more a new version of a declaration must hold on a line than the version before it."""
    return max(Decimal(0), asked - standing)


def surplus_to_free(standing: Decimal, asked: Decimal) -> Decimal:
    """How much of the earlier version's hold becomes free once the new version is recorded."""
    return max(Decimal(0), standing - asked)
