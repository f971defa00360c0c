"""Rules of documents: which kinds there are, which a declaration needs, which are read."""

from __future__ import annotations

from enum import StrEnum

from kernel.errors import Kind, PisteError, Text


class DocumentKind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    PACKING_LIST = "packing_list"
    CERTIFICATE = "certificate"
    AIRWAY_BILL = "airway_bill"
    OTHER = "other"
    RELEASE_NOTE = "release_note"
    CERTIFICATE_COPY = "certificate_copy"

    @property
    def words(self) -> Text:
        """The kind in both languages."""
        return _WORDS[self]


_WORDS = {
    DocumentKind.INVOICE: Text("invoice", "发票"),
    DocumentKind.PACKING_LIST: Text("packing list", "装箱单"),
    DocumentKind.CERTIFICATE: Text("certificate letter", "证明函"),
    DocumentKind.AIRWAY_BILL: Text("air waybill", "航空运单"),
    DocumentKind.OTHER: Text("other document", "其他单证"),
    DocumentKind.RELEASE_NOTE: Text("release note", "放行通知书"),
    DocumentKind.CERTIFICATE_COPY: Text("certificate (issued copy)", "物资证明函（签发件）"),
}
ISSUED = frozenset({DocumentKind.RELEASE_NOTE, DocumentKind.CERTIFICATE_COPY})
"""Kinds that Piste writes itself and nobody uploads."""
READ_BY_MACHINE = frozenset({DocumentKind.INVOICE, DocumentKind.PACKING_LIST, DocumentKind.CERTIFICATE})
REQUIRED_TO_FILE = (DocumentKind.INVOICE, DocumentKind.PACKING_LIST)
ONE_OF_A_KIND = READ_BY_MACHINE
"""Kinds of which a case has one in force: a newer one takes the place of the older."""
OPEN_TO_DOCUMENTS = {
    "certificate": frozenset({"draft"}),
    "declaration": frozenset({"draft", "document_examination", "documents_required"}),
}
"""In which states a case of each kind takes documents: never once a decision may rest on those it has."""


class DocumentsClosed(PisteError):
    """The case takes no documents as it stands."""

    code = "document.case-closed"
    kind = Kind.CONFLICT
    message = Text("A {case} that is {state} takes no documents.", "{case}当前状态为{state}，不能上传单证。")
    next_step = Text(
        "Documents come with a draft, or when customs asks for them.", "请在草稿阶段或海关要求补充时上传。"
    )
    field = "/case_id"
    case: str
    state: str
