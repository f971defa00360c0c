"""Rules of the declaration: its life cycle, and the codes published beside its states.

Source: DOMAIN.md §3; UN/EDIFACT 7365; WCO response function codes.
"""

from __future__ import annotations

from kernel.errors import Kind, PisteError, Text
from ledger.keys.roles import Role
from workflow.engine.life_cycle import SYSTEM, Edge, LifeCycle

KIND = "declaration"

STATES = {
    "draft": Text("The firm is still writing it; nobody else sees it.", "企业填写中，他方不可见。"),
    "submitted": Text("Signed by the firm; waits to be recorded.", "企业已签署，等待上链。"),
    "accepted": Text(
        "Recorded; the quantities are reserved on the certificate.", "已受理，证明函数量已预留。"
    ),
    "rejected": Text("The ledger refused it; nothing is reserved.", "账本拒绝受理，未预留数量。"),
    "document_examination": Text("The documents are read and compared.", "单证审核中。"),
    "documents_required": Text(
        "A document or an amendment is awaited from the firm.", "待企业补充单证或修改申报。"
    ),
    "examination": Text("The goods are examined.", "货物查验中。"),
    "guarantee": Text(
        "All checks done, guarantee confirmed; ready for the decision.", "审核完毕、担保确认，待放行决定。"
    ),
    "released": Text("Released: the decision stands on the ledger.", "已放行，决定已上链。"),
    "detained": Text("Held; may not move.", "已扣留，不得移动。"),
    "closed": Text("Released and physically gone; the case is complete.", "已结关。"),
    "cancelled": Text("Withdrawn by the firm; the quantities were given back.", "企业已撤回，数量已返还。"),
}

EDIFACT_7365 = {
    "draft": None,
    "submitted": None,
    "accepted": "1",
    "rejected": "3",
    "document_examination": "1",
    "documents_required": "6",
    "examination": "5",
    "guarantee": "1",
    "released": "4",
    "detained": "7",
    "closed": "4",
    "cancelled": None,
}
"""UN/EDIFACT 7365 code beside each state; None where the list has none."""

WCO_FUNCTION = {
    "draft": None,
    "submitted": "02",
    "accepted": "01",
    "rejected": "03",
    "document_examination": "06",
    "documents_required": "06",
    "examination": "05",
    "guarantee": "01",
    "released": "08",
    "detained": "05",
    "closed": "09",
    "cancelled": "10",
}
"""WCO response function code beside each state."""

_BROKER = Role.BROKER
_OFFICER = Role.DOCUMENTS_OFFICER
_OPEN = ("accepted", "document_examination", "documents_required", "examination", "guarantee")


def _withdrawals() -> tuple[Edge, ...]:
    return tuple(
        Edge(
            source=state,
            event="cancel",
            target="cancelled",
            who=_BROKER,
            label=Text("Withdraw", "撤回"),
            signed="DeclarationWithdrawal",
            guard="a reason is given; no final decision was taken",
        )
        for state in _OPEN
    )


def _system(source: str, event: str, target: str, label: Text) -> Edge:
    return Edge(source=source, event=event, target=target, who=SYSTEM, label=label)


LIFE_CYCLE = LifeCycle(
    name=KIND,
    title=Text("Declaration", "报关单"),
    version=1,
    initial="draft",
    states=STATES,
    edges=(
        Edge(
            source="draft",
            event="submit",
            target="accepted",
            who=_BROKER,
            label=Text("Sign and file", "签署并申报"),
            signed="DeclarationFiling",
            waiting="submitted",
            refused="rejected",
            guard="every line within its certificate",
        ),
        Edge(
            source="rejected",
            event="revise",
            target="draft",
            who=_BROKER,
            label=Text("Mend it", "修改"),
            guard="it was never filed, so the version stays",
        ),
        _system(
            "accepted",
            "begin_document_examination",
            "document_examination",
            Text("Begin examination", "开始审单"),
        ),
        _system(
            "document_examination",
            "require_documents",
            "documents_required",
            Text("Ask for documents", "要求补单"),
        ),
        Edge(
            source="documents_required",
            event="amend",
            target="document_examination",
            who=_BROKER,
            label=Text("Sign and amend", "签署修改单"),
            signed="DeclarationFiling",
            guard="every line within its certificate",
        ),
        _system(
            "documents_required", "supply", "document_examination", Text("Documents came in", "单证已补")
        ),
        _system("document_examination", "clear_documents", "guarantee", Text("Documents agree", "单证相符")),
        *(
            _system(state, "order_examination", "examination", Text("Order an examination", "下达查验指令"))
            for state in ("document_examination", "documents_required", "guarantee")
        ),
        _system(
            "examination", "conclude_conform", "document_examination", Text("Examined: conform", "查验相符")
        ),
        _system("document_examination", "detain", "detained", Text("Detain", "扣留")),
        _system("examination", "detain", "detained", Text("Detain", "扣留")),
        _system("guarantee", "detain", "detained", Text("Detain", "扣留")),
        Edge(
            source="guarantee",
            event="release",
            target="released",
            who=Role.RELEASING_OFFICER,
            label=Text("Release", "放行"),
            signed="ReleaseDecision",
            guard="no open hold; never by the inspector; red channel with a second officer",
        ),
        _system("released", "close", "closed", Text("Close", "结关")),
        *_withdrawals(),
    ),
)


class DocumentsMissing(PisteError):
    """A declaration is filed with its invoice and packing list."""

    code = "declaration.documents-missing"
    kind = Kind.INVALID
    message = Text("Documents are missing: {missing}.", "缺少单证：{missing_zh}。")
    next_step = Text("Attach a scan of each, then file.", "请上传所缺单证后再申报。")
    field = "/documents"
    missing: str
    missing_zh: str


class AmendmentMissing(PisteError):
    """An amendment is signed over amended content, which was not sent."""

    code = "declaration.amendment-missing"
    kind = Kind.CONFLICT
    message = Text("No amended content was sent for this declaration.", "尚未提交修改后的申报内容。")
    next_step = Text(
        "Send the amended declaration first, then sign it.", "请先提交修改后的申报内容，再签署。"
    )


class ReferenceFixed(PisteError):
    """A filed declaration keeps the firm's number that it was filed under."""

    code = "declaration.reference-fixed"
    kind = Kind.CONFLICT
    message = Text(
        "The declaration was filed as {reference}; an amendment keeps that.",
        "该报关单以{reference}申报，修改时不得更改编号。",
    )
    next_step = Text("Send the amendment with the same reference.", "请以原编号提交修改内容。")
    field = "/reference"
    reference: str
