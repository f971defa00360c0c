"""Rules of documents: which kinds there are, which a declaration needs, which are read."""

from __future__ import annotations

from enum import StrEnum

from kernel.errors import Text


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
