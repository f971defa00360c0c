"""What findings on documents say, in both languages."""

from __future__ import annotations

from inspection.documents.schema import DocumentKind
from kernel.errors import Text

PAPERS = {
    DocumentKind.INVOICE: Text("the invoice", "发票"),
    DocumentKind.PACKING_LIST: Text("the packing list", "装箱单"),
    DocumentKind.CERTIFICATE: Text("the material certificate", "物资证明函"),
}

FIELDS = {
    "certificate_no": Text("certificate number", "证明函编号"),
    "line": Text("goods line", "商品项"),
    "description": Text("description", "货物名称"),
    "quantity": Text("quantity", "数量"),
    "value": Text("value", "金额"),
    "total_value": Text("total value", "总金额"),
    "amount": Text("amount", "金额"),
    "currency": Text("currency", "币制"),
    "packages": Text("number of packages", "件数"),
    "total_packages": Text("total number of packages", "总件数"),
    "package_kind": Text("kind of packages", "包装种类"),
    "gross_kg": Text("gross weight in kg", "毛重（千克）"),
    "net_kg": Text("net weight in kg", "净重（千克）"),
}

_SAYS = Text(
    "{field_en}: declared {declared}, {paper_en} says {read}",
    "{field_zh}：申报{declared}，{paper_zh}为{read}",
)


def _says(en: str, zh: str) -> Text:
    return Text(f"{_SAYS.en}; {en}", f"{_SAYS.zh}；{zh}")


FINDINGS = {
    "document.certificate-matches": _says("they agree.", "一致。"),
    "document.certificate-differs": _says("it names another certificate.", "证明函编号不符。"),
    "document.description-matches": _says("they agree.", "一致。"),
    "document.description-languages-differ": _says(
        "they are in different languages; compare them yourself.", "文字语言不同，请人工比对。"
    ),
    "document.description-differs": _says("check that these are the same goods.", "请核实是否为同一货物。"),
    "document.quantity-matches": _says("they agree.", "一致。"),
    "document.quantity-excess": _says("there is more on paper than was declared.", "单证数量多于申报数量。"),
    "document.quantity-short": _says("there is less on paper than was declared.", "单证数量少于申报数量。"),
    "document.ceiling-kept": _says("the ceiling is kept.", "未超过数量上限。"),
    "document.ceiling-exceeded": _says("the ceiling is exceeded.", "超过数量上限。"),
    "document.units-differ": _says("these units cannot be compared.", "计量单位无法换算比较。"),
    "document.packages-match": _says("they agree.", "一致。"),
    "document.packages-excess": _says(
        "there are more packages on paper than were declared.", "单证件数多于申报件数。"
    ),
    "document.packages-short": _says(
        "there are fewer packages on paper than were declared.", "单证件数少于申报件数。"
    ),
    "document.package-kind-matches": _says("they agree.", "一致。"),
    "document.package-kind-differs": _says("the packages are of another kind.", "包装种类不同。"),
    "document.value-matches": _says("they agree.", "一致。"),
    "document.value-deviates": _says("the values deviate.", "金额不一致。"),
    "document.currency-matches": _says("they agree.", "一致。"),
    "document.currency-differs": _says("the currencies differ.", "币制不一致。"),
    "document.weight-matches": _says("they agree.", "一致。"),
    "document.weight-deviates": _says("the weights deviate.", "重量不一致。"),
    "document.sum-differs": Text(
        "{field_en}: {paper_en} says {read}, but its lines add up to {declared}.",
        "{field_zh}：{paper_zh}合计为{read}，但各项之和为{declared}。",
    ),
    "document.product-differs": Text(
        "{field_en}: {paper_en} says {read}, but quantity times price is {declared}.",
        "{field_zh}：{paper_zh}为{read}，但数量乘以单价为{declared}。",
    ),
    "document.line-not-found": Text(
        "{declared} is declared but was not found on {paper_en}; look at the paper.",
        "申报的{declared}在{paper_zh}上未找到，请人工查看单证。",
    ),
    "document.line-undeclared": Text(
        "{paper_en} lists goods that are not declared: {read}.",
        "{paper_zh}列有未申报的货物：{read}。",
    ),
    "document.not-found": Text(
        "{field_en}: declared {declared}, not found on {paper_en}; look at the paper.",
        "{field_zh}：申报{declared}，{paper_zh}上未找到，请人工查看单证。",
    ),
    "document.unreadable": Text(
        "{field_en}: declared {declared}, {paper_en} cannot be read for certain (perhaps {read}); look at the paper.",
        "{field_zh}：申报{declared}，{paper_zh}识别不清（疑为{read}），请人工查看单证。",
    ),
}

_UNITS = {
    "H87": Text("pieces", "件"),
    "C62": Text("units", "个"),
    "SET": Text("sets", "套"),
    "PR": Text("pairs", "双"),
    "DZN": Text("dozens", "打"),
    "KGM": Text("kg", "千克"),
    "MTR": Text("m", "米"),
    "LTR": Text("l", "升"),
}
_PACKAGES = {
    "CT": Text("cartons", "纸箱"),
    "CS": Text("cases", "木箱"),
    "PX": Text("pallets", "托盘"),
    "BX": Text("boxes", "盒"),
    "CR": Text("crates", "板条箱"),
    "BG": Text("bags", "袋"),
    "DR": Text("drums", "桶"),
    "RO": Text("rolls", "卷"),
    "PK": Text("packages", "件"),
}


def sentence(
    code: str, kind: DocumentKind, field: str, line_no: int | None, declared: str | None, read: str | None
) -> Text:
    """Put a finding into words of both languages."""
    told, seen = _in_words(declared, field), _in_words(read, field)
    words = FINDINGS[code].fill(
        {
            "paper_en": PAPERS[kind].en,
            "paper_zh": PAPERS[kind].zh,
            "field_en": FIELDS[field].en,
            "field_zh": FIELDS[field].zh,
        }
    )
    en = words.en.replace("{declared}", told.en).replace("{read}", seen.en)
    zh = words.zh.replace("{declared}", told.zh).replace("{read}", seen.zh)
    if line_no is None:
        return Text(en[:1].upper() + en[1:], zh)
    return Text(f"Line {line_no}: {en}", f"第{line_no}项：{zh}")


def _in_words(value: str | None, field: str) -> Text:
    """Say codes of units and packages in words; leave everything else as it is."""
    if value is None:
        return Text("-", "-")
    if field == "package_kind":
        return _PACKAGES.get(value, Text(value, value))
    number, _, unit = value.partition(" ")
    if field == "quantity" and unit in _UNITS:
        return Text(f"{number} {_UNITS[unit].en}", f"{number}{_UNITS[unit].zh}")
    return Text(value, value)
