"""Lay out the papers of a dossier as clean sheets: invoices and packing lists in three houses' styles, and the letter.

Everything printed comes from the dossier (`content` of the document, parties, certificate).
"""

from __future__ import annotations

from datetime import date

from examples.paper import SCALE, WIDTH
from examples.stationery import (
    GREY,
    HOUSES,
    INK,
    MARGIN,
    PACKAGE_WORDS,
    RED,
    RIGHT,
    SERIF,
    SERIF_BOLD,
    UNIT_WORDS,
    UNIT_WORDS_ZH,
    Column,
    House,
    Json,
    Sheet,
    table,
)


def _columns(house: House, kind: str, content: Json) -> list[Column]:
    first = [
        Column("No.", "序号", 120, "m", lambda row: str(row["line_no"])),
        Column(
            "Description of goods",
            "货物名称及规格",
            820 if kind == "invoice" else 700,
            "l",
            lambda row: (row["description"]["zh"], row["description"]["en"]),
            "TOTAL 合计",
        ),
        Column("Quantity", "数量", 200, "r", lambda row: house.number(row["quantity"])),
        Column("Unit", "单位", 150, "m", lambda row: UNIT_WORDS[row["unit"]]),
    ]
    if kind == "invoice":
        money = content["currency"]
        return [
            *first,
            Column(f"Unit price {money}", "单价", 390, "r", lambda row: house.number(row["unit_price"], 2)),
            Column(
                f"Amount {money}",
                "金额",
                430,
                "r",
                lambda row: house.number(row["amount"], 2),
                house.number(content["total_amount"], 2),
            ),
        ]
    kinds = {row["package_kind"] for row in content["lines"]}
    word = PACKAGE_WORDS[kinds.pop()] if len(kinds) == 1 else "PKGS"
    return [
        *first,
        Column(
            "Packages",
            "件数",
            290,
            "m",
            lambda row: f"{row['packages']} {PACKAGE_WORDS[row['package_kind']]}",
            f"{content['total_packages']} {word}",
        ),
        Column(
            "G.W. (kg)",
            "毛重",
            325,
            "r",
            lambda row: house.number(row["gross_kg"], 1),
            house.number(content["gross_kg"], 1),
        ),
        Column(
            "N.W. (kg)",
            "净重",
            325,
            "r",
            lambda row: house.number(row["net_kg"], 1),
            house.number(content["net_kg"], 1),
        ),
    ]


def trade_paper(dossier: Json, document: Json) -> tuple[Sheet, tuple[int, int]]:
    """Draw an invoice or a packing list; give also the place for the signature."""
    house, content, kind = HOUSES[document["style"]], document["content"], document["kind"]
    sheet = Sheet()
    supplier = dossier["parties"]["supplier"]
    _letterhead(sheet, house, supplier, document["style"])
    title = ("COMMERCIAL INVOICE", "商业发票") if kind == "invoice" else ("PACKING LIST", "装箱单")
    y = 470
    sheet.text(
        (WIDTH * SCALE / 2, y), f"{title[0]}  {title[1]}", house.bold, 72, anchor="mm", fill=house.accent
    )
    head = _boxed_head if house.boxed_heads else _plain_head
    y = head(sheet, house, dossier, document, y + 90)
    y = table(sheet, house, y + 50, _columns(house, kind, content), content["lines"])
    y = _foot(sheet, house, dossier, document, y + 70)
    sheet.text(
        (MARGIN, 3330),
        f"{supplier['name']['en']} · {supplier['address']['en']} · {supplier['id']}",
        house.font,
        30,
        fill=GREY,
    )
    sheet.text((RIGHT, 3330), "1 / 1", house.font, 30, fill=GREY, anchor="ra")
    return sheet, (1620, y + 190)


def _letterhead(sheet: Sheet, house: House, supplier: Json, style: str) -> None:
    if style == "swiss":
        sheet.draw.rectangle((MARGIN, 170, MARGIN + 26, 330), fill=house.accent)
        sheet.text((MARGIN + 60, 170), supplier["name"]["en"].upper(), house.bold, 62, fill=house.accent)
        sheet.text((MARGIN + 60, 268), supplier["address"]["en"], house.font, 36, fill=GREY)
    elif style == "nordic":
        sheet.text((RIGHT, 170), supplier["name"]["en"], house.bold, 66, fill=house.accent, anchor="ra")
        sheet.text((RIGHT, 262), supplier["address"]["en"], house.font, 36, fill=GREY, anchor="ra")
        peak = (
            (MARGIN, 320),
            (MARGIN + 90, 170),
            (MARGIN + 140, 250),
            (MARGIN + 180, 200),
            (MARGIN + 260, 320),
        )
        sheet.draw.line(peak, fill=house.accent, width=12, joint="curve")
        sheet.rule(350, fill=house.accent, width=5)
    else:
        sheet.text(
            (WIDTH * SCALE / 2, 200), supplier["name"]["en"], house.bold, 70, anchor="mm", fill=house.accent
        )
        sheet.text(
            (WIDTH * SCALE / 2, 290), supplier["address"]["en"], house.font, 38, anchor="mm", fill=GREY
        )
        sheet.rule(345, width=3, fill=GREY)


def _facts(house: House, dossier: Json, document: Json) -> list[tuple[str, str]]:
    content, declaration = document["content"], dossier["declaration"]
    day = house.day(date.fromisoformat(content["date"]))
    facts = [
        (
            "Invoice No. 发票号" if document["kind"] == "invoice" else "Packing list No. 装箱单号",
            content["number"],
        ),
        ("Date 日期", day),
        ("Certificate No. 证明函编号", content["certificate_no"]),
        ("Terms of delivery 成交方式", f"{declaration['trade_terms']} {declaration['trade_place'][2:]}"),
    ]
    if document["kind"] != "invoice":
        facts[3] = ("Transport document 运输单据", dossier["certificate"]["transport_document"]["number"])
    return facts


def _plain_head(sheet: Sheet, house: House, dossier: Json, document: Json, top: int) -> int:
    content, parties = document["content"], dossier["parties"]
    y = top
    for label, key, party in (
        ("Seller 卖方", "seller", "supplier"),
        ("Buyer 买方", "buyer", dossier["declaration"]["importer"]),
    ):
        sheet.text((MARGIN, y), f"{label}:", house.bold, 38)
        sheet.text((MARGIN, y + 56), content[key], house.font, 40)
        sheet.text((MARGIN, y + 112), parties[party]["address"]["en"], house.font, 34, fill=(70, 70, 74))
        y += 210
    y = top
    for label, value in _facts(house, dossier, document):
        sheet.text((1420, y), f"{label}:", house.font, 36)
        sheet.text((RIGHT, y), value, house.bold, 40, anchor="ra")
        y += 90
    return top + 420


def _boxed_head(sheet: Sheet, house: House, dossier: Json, document: Json, top: int) -> int:
    """Small label above each value, in ruled boxes."""
    content = document["content"]
    parties = [("Seller 卖方", content["seller"]), ("Buyer 买方", content["buyer"])]
    boxes = [
        [parties[0]],
        [parties[1]],
        _facts(house, dossier, document)[:2],
        _facts(house, dossier, document)[2:],
    ]
    y = top
    for row in boxes:
        width = (RIGHT - MARGIN) // len(row)
        for index, (label, value) in enumerate(row):
            left = MARGIN + index * width
            sheet.draw.rectangle((left, y, left + width, y + 128), outline=INK, width=2)
            sheet.text((left + 20, y + 12), label, house.font, 30, fill=(70, 70, 74))
            sheet.text((left + 20, y + 62), value, house.font, 42)
        y += 128
    return y


def _foot(sheet: Sheet, house: House, dossier: Json, document: Json, top: int) -> int:
    content = document["content"]
    origin = dossier["parties"]["supplier"]["country"]
    words = {row["package_kind"] for row in dossier["declaration"]["goods"]["lines"]}
    word = PACKAGE_WORDS[words.pop()] if len(words) == 1 else "PKGS"
    notes = [
        f"Total packages 总件数: {content['total_packages']} {word}",
        f"Gross weight 毛重: {house.number(content['gross_kg'], 1)} kg",
        f"Net weight 净重: {house.number(content['net_kg'], 1)} kg",
        f"Country of origin 原产国: {origin}",
        f"Shipping marks 唛头: {dossier['event']['code']} / {dossier['slug'].upper()} / 1-{content['total_packages']}",
    ]
    y = top
    for note in notes:
        sheet.text((MARGIN, y), note, house.font, 40)
        y += 74
    sheet.text((1560, y + 40), "Authorised signature 授权签字", house.font, 34)
    sheet.rule(y + 300, 1560, RIGHT - 40, 2, GREY)
    return y + 40


LETTER_ZH = (
    "兹证明下列物资系{event}使用，由{holder}组织进境，用于{venue}。"
    "请海关依法办理通关手续。所列数量为进境数量上限，本证明函有效期至{until}。"
)
LETTER_EN = (
    "This is to certify that the goods listed below are for the {event}, brought in by {holder} for use at the {venue}. "
    "The quantities are ceilings. This letter is valid until {until_en}."
)


def certificate_letter(dossier: Json, document: Json) -> tuple[Sheet, tuple[int, int]]:
    """Draw the committee's letter; give also the place for the seal."""
    certificate, content = dossier["certificate"], document["content"]
    committee, holder = dossier["parties"]["committee"], dossier["parties"][certificate["holder"]]
    house = House(
        SERIF,
        SERIF_BOLD,
        RED,
        "",
        ".",
        lambda d: f"{d.year}年{d.month}月{d.day}日",
        grid=True,
        boxed_heads=False,
    )
    sheet = Sheet()
    middle = WIDTH * SCALE / 2
    sheet.text((middle, 260), committee["name"]["zh"], SERIF_BOLD, 96, anchor="mm", fill=RED)
    sheet.text((middle, 362), committee["name"]["en"], SERIF, 42, anchor="mm", fill=RED)
    sheet.rule(430, fill=RED, width=9)
    sheet.rule(446, fill=RED, width=3)
    sheet.text((RIGHT, 490), f"编号 No.: {content['number']}", SERIF, 42, anchor="ra")
    sheet.text((middle, 660), "物资证明函", SERIF_BOLD, 84, anchor="mm")
    sheet.text((middle, 758), "Letter of Evidence of Games Freight", SERIF, 46, anchor="mm")
    until = date.fromisoformat(certificate["valid_until"])
    places = {"until": house.day(until), "until_en": f"{until.day} {until:%B %Y}"}
    y = sheet.wrapped((MARGIN, 860), "北京海关：", SERIF, 44, RIGHT - MARGIN, 1.7)
    for letter, language in ((LETTER_ZH, "zh"), (LETTER_EN, "en")):
        words = letter.format(
            event=dossier["event"]["name"][language],
            holder=holder["name"][language],
            venue=certificate["venue"][language],
            **places,
        )
        y = (
            sheet.wrapped(
                (MARGIN, y), "\u3000\u3000" * (language == "zh") + words, SERIF, 42, RIGHT - MARGIN, 1.65
            )
            + 14
        )
    lines = {line["line_no"]: line for line in certificate["lines"]}
    columns = [
        Column("No.", "序号", 130, "m", lambda row: str(row["line_no"])),
        Column(
            "Goods", "货物名称", 960, "l", lambda row: (row["description"]["zh"], row["description"]["en"])
        ),
        Column("Model", "型号", 300, "m", lambda row: lines[row["line_no"]]["model"]),
        Column("HS code", "商品编码", 270, "m", lambda row: lines[row["line_no"]]["hs_code"]),
        Column("Quantity", "数量", 230, "m", lambda row: row["quantity"]),
        Column("Unit", "单位", 220, "m", lambda row: UNIT_WORDS_ZH[row["unit"]]),
    ]
    y = table(sheet, house, y + 30, columns, content["lines"])
    sheet.text((RIGHT - 40, y + 210), committee["name"]["zh"], SERIF, 46, anchor="ra")
    sheet.text((RIGHT - 130, y + 300), house.day(date.fromisoformat(content["date"])), SERIF, 46, anchor="ra")
    contact = certificate["contacts"][0]
    sheet.text(
        (MARGIN, 3300),
        f"联系人 Contact: {contact['name']['zh']} {contact['name']['en']}  {contact['telephone']}",
        SERIF,
        34,
    )
    return sheet, (RIGHT - 470, y + 270)
