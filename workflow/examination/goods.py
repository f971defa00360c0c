"""What papers are compared with: a declaration's or a certificate's content as `inspection` takes it."""

from __future__ import annotations

from decimal import Decimal

from inspection.documents.schema import DeclaredGoods, DeclaredLine
from workflow.certificates.service import CertificateContent
from workflow.declarations.service import DeclarationContent


def declared_goods(content: DeclarationContent) -> DeclaredGoods:
    """Give what a declaration says of its goods."""
    numbers = {line.certificate_number for line in content.lines}
    return DeclaredGoods(
        lines=tuple(
            DeclaredLine(
                line_no=line.line_no,
                description=line.description,
                quantity=line.quantity,
                unit=line.unit,
                certificate_line=line.certificate_line,
                packages=line.packages,
                package_kind=line.package_kind,
                gross_kg=line.gross_kg,
                net_kg=line.net_kg,
                value=line.value,
                currency=line.currency,
            )
            for line in content.lines
        ),
        certificate_no=numbers.pop() if len(numbers) == 1 else None,
        currency=content.currency,
        total_value=content.total_value,
        total_packages=content.total_packages,
        gross_kg=content.gross_kg,
        net_kg=sum((line.net_kg for line in content.lines), Decimal(0)),
    )


def certified_goods(content: CertificateContent) -> DeclaredGoods:
    """Give what a certificate's goods list says; a letter shows quantities, not weights or values."""
    return DeclaredGoods(
        lines=tuple(
            DeclaredLine(
                line_no=line.line_no,
                description=f"{line.name_en} {line.name_zh}",
                quantity=line.quantity,
                unit=line.unit,
                certificate_line=line.line_no,
            )
            for line in content.lines
        ),
        certificate_no=content.number,
    )
