"""Short words for what cases are and what stands in them, for badges, lists and tables; sentences are elsewhere."""

from __future__ import annotations

from kernel.errors import Text
from workflow.certificates.schemas import Category
from workflow.declarations.schemas import Procedure, SupervisionMode

STATES: dict[str, dict[str, Text]] = {
    "certificate": {
        "draft": Text("Draft", "草稿"),
        "submitted": Text("Submitted", "已提交"),
        "under_committee_review": Text("With the committee", "组委会审核中"),
        "returned": Text("Returned", "已退回"),
        "committee_approved": Text("With customs", "待海关备案"),
        "customs_filed": Text("Filed", "海关已备案"),
        "active": Text("Active", "已生效"),
        "partly_used": Text("Partly used", "部分使用"),
        "fully_used": Text("Used up", "已用完"),
        "rejected": Text("Rejected", "不予通过"),
        "expired": Text("Expired", "已过期"),
        "revoked": Text("Revoked", "已撤销"),
    },
    "declaration": {
        "draft": Text("Draft", "草稿"),
        "submitted": Text("Submitted", "已提交"),
        "accepted": Text("Accepted", "已受理"),
        "rejected": Text("Rejected", "不予受理"),
        "document_examination": Text("Documents examined", "审单中"),
        "documents_required": Text("Firm to act", "待企业补正"),
        "examination": Text("Goods examined", "查验中"),
        "guarantee": Text("Ready for release", "待放行"),
        "released": Text("Released", "已放行"),
        "detained": Text("Detained", "已扣留"),
        "closed": Text("Closed", "已结关"),
        "cancelled": Text("Withdrawn", "已撤回"),
    },
    "check_note": {
        "draft": Text("Draft", "草稿"),
        "applied": Text("Applied for", "已申请"),
        "approved": Text("Approved", "已核准"),
        "passed_gate_1": Text("Through gate 1", "已过一道卡口"),
        "passed": Text("Passed", "已过卡口"),
        "voided": Text("Void", "已作废"),
        "deleted": Text("Deleted", "已删除"),
    },
    "hold": {
        "open": Text("Open", "待处置"),
        "decided": Text("Decided", "已处置"),
        "lifted": Text("Lifted", "已解除"),
    },
    "examination": {
        "ordered": Text("Ordered", "已下达"),
        "isolated": Text("Isolated", "已隔离"),
        "reported": Text("Reported", "已报告"),
    },
}
"""Each state of each kind of case, as a badge shows it."""
TONES: dict[str, str] = {
    "active": "good",
    "partly_used": "good",
    "released": "good",
    "closed": "good",
    "passed": "good",
    "approved": "good",
    "guarantee": "good",
    "reported": "good",
    "decided": "good",
    "lifted": "good",
    "open": "bad",
    "detained": "bad",
    "rejected": "bad",
    "revoked": "bad",
    "expired": "bad",
    "documents_required": "warn",
    "returned": "warn",
    "examination": "warn",
    "ordered": "warn",
    "isolated": "warn",
    "draft": "still",
    "cancelled": "still",
    "voided": "still",
    "deleted": "still",
    "fully_used": "still",
}
"""Colour of the badge of each state; blue where none is named."""
CATEGORIES: dict[str, Text] = {
    Category.INTERNATIONAL_DONATION: Text("International donation", "国际捐赠"),
    Category.VENUE_EQUIPMENT: Text("Venue equipment", "场馆设备"),
    Category.COMPETITION_CONSUMABLE: Text("Competition consumables", "比赛消耗品"),
    Category.SPECIAL_NEED_TEMPORARY: Text("Temporary admission, special needs", "特需物资暂时进境"),
    Category.ATA_CARNET: Text("ATA carnet", "ATA单证册"),
    Category.PERSONAL_ARTICLES: Text("Personal articles", "个人物品"),
    Category.MEDIA_EQUIPMENT: Text("Media equipment", "媒体设备"),
    Category.GENERAL_TRADE: Text("General trade", "一般贸易"),
}
CHANNELS: dict[str, Text] = {
    "green": Text("Green", "绿色通道"),
    "yellow": Text("Yellow", "黄色通道"),
    "red": Text("Red", "红色通道"),
}
CHANNEL_TONES = {"green": "good", "yellow": "warn", "red": "bad"}
DIRECTIONS: dict[str, Text] = {
    "import": Text("Import", "进口"),
    "export": Text("Export", "出口"),
    "I": Text("Into the zone", "进区"),
    "E": Text("Out of the zone", "出区"),
}
DISPOSITIONS: dict[str, Text] = {
    "release": Text("Hold lifted", "解除布控"),
    "release_with_amendment": Text("Release after amendment", "修改申报后放行"),
    "supplement_documents": Text("Documents asked for", "要求补充单证"),
    "sample_and_hold": Text("Sample and hold", "取样暂扣"),
    "re_examine": Text("Examine again", "重新查验"),
    "seal_and_isolate": Text("Seal and isolate", "封存隔离"),
    "return_shipment": Text("Return the shipment", "退运"),
    "hand_to_investigation": Text("Investigation", "移交调查"),
    "destroy": Text("Destroy", "销毁"),
}
RESULTS: dict[str, Text] = {
    "conform": Text("Conform", "相符"),
    "not_conform": Text("Not conform", "不符"),
}
VERDICTS: dict[str, Text] = {
    "within_limit": Text("Within the limit", "未超限值"),
    "exceeds_limit": Text("Above the limit", "超过限值"),
    "no_verdict": Text("No verdict", "无法判定"),
}
VERDICT_TONES = {"within_limit": "good", "exceeds_limit": "bad", "no_verdict": "warn"}
STAGES: dict[str, Text] = {
    "portal": Text("Portal", "门式探测"),
    "retest": Text("Second measurement", "复测"),
}
BARRIER: dict[str, Text] = {
    "waiting": Text("Waits for the ledger", "等待上链"),
    "opened": Text("Opened", "已抬杆"),
    "refused": Text("Stayed down", "未抬杆"),
}
STATEMENT_STATES: dict[str, Text] = {
    "collecting": Text("Second signature awaited", "待复核签署"),
    "queued": Text("Queued", "排队中"),
    "sent": Text("Sent", "已发送"),
    "recorded": Text("Recorded", "已上链"),
    "refused": Text("Refused", "被拒绝"),
}
STATEMENT_TONES = {"recorded": "good", "refused": "bad"}
DOCUMENT_STATES: dict[str, Text] = {
    "stored": Text("Stored", "已存档"),
    "read": Text("Read", "已识读"),
    "unreadable": Text("Not readable", "无法识读"),
    "superseded": Text("Replaced", "已替换"),
    "issued": Text("Issued", "已签发"),
}
DOCUMENT_TONES = {"read": "good", "issued": "good", "unreadable": "bad"}
PROCEDURES: dict[str, Text] = {
    Procedure.HOME_USE: Text("Home use", "一般进口"),
    Procedure.TEMPORARY_ADMISSION: Text("Temporary admission", "暂时进境"),
    Procedure.WAREHOUSING: Text("Warehousing", "入库保税"),
    Procedure.RE_EXPORT: Text("Re-export", "复运出境"),
}
SUPERVISION_MODES: dict[str, Text] = {
    SupervisionMode.GENERAL_TRADE: Text("General trade", "一般贸易"),
    SupervisionMode.TEMPORARY: Text("Temporary admission", "暂时进出货物"),
    SupervisionMode.EXHIBITION: Text("Exhibition", "展览品"),
    SupervisionMode.SAMPLES: Text("Samples", "货样广告品"),
    SupervisionMode.OTHER_FREE: Text("Other, free of payment", "其他进出口免费"),
    SupervisionMode.DUTY_FREE: Text("Duty-free goods", "免税品"),
    SupervisionMode.BONDED_E_COMMERCE: Text("Bonded e-commerce", "保税电商"),
    SupervisionMode.BONDED_E_COMMERCE_AREA: Text("Bonded e-commerce A", "保税电商A"),
    SupervisionMode.BONDED_STORAGE: Text("Bonded storage", "保税仓库货物"),
    SupervisionMode.BONDED_AREA_MATERIAL: Text("Material of a bonded zone", "料件进出区"),
    SupervisionMode.BONDED_AREA_STORAGE: Text("Logistics of a bonded zone", "区内物流货物"),
}
UNITS: dict[str, Text] = {
    "H87": Text("pcs", "件"),
    "C62": Text("units", "个"),
    "SET": Text("sets", "套"),
    "PR": Text("pairs", "双"),
    "DZN": Text("doz.", "打"),
    "KGM": Text("kg", "千克"),
    "GRM": Text("g", "克"),
    "MTR": Text("m", "米"),
    "LTR": Text("l", "升"),
    "NPR": Text("pairs", "双"),
}
"""Words for the codes of UN/ECE Recommendation 20 that firms use most; others are shown as they are."""
PACKAGES: dict[str, Text] = {
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
"""Words for the codes of UN/ECE Recommendation 21, as above."""


def state(kind: str, name: str) -> Text:
    """Name the state of a case."""
    return STATES[kind][name]


def tone(name: str) -> str:
    """Give the colour of a state's badge."""
    return TONES.get(name, "")


def named(words: dict[str, Text], code: object) -> Text:
    """Name a code; one without words is shown as it is."""
    return words.get(str(code)) or Text(str(code), str(code))


WAYS: dict[str, tuple[str, ...]] = {
    "certificate": ("draft", "under_committee_review", "committee_approved", "active"),
    "declaration": ("draft", "document_examination", "guarantee", "released", "closed"),
    "check_note": ("draft", "applied", "approved", "passed"),
    "examination": ("ordered", "isolated", "reported"),
}
"""The straight way of each kind of case, as a row of stations."""
_STATIONS: dict[str, dict[str, str]] = {
    "certificate": {
        "submitted": "draft",
        "returned": "draft",
        "customs_filed": "committee_approved",
        "partly_used": "active",
        "fully_used": "active",
    },
    "declaration": {
        "submitted": "draft",
        "accepted": "document_examination",
        "documents_required": "document_examination",
        "examination": "document_examination",
    },
    "check_note": {"passed_gate_1": "approved"},
}
"""States that stand between two stations, with the one behind them."""


def station(kind: str, name: str) -> int | None:
    """Tell at which station of its way a case stands; None where its way has ended beside it."""
    way = WAYS.get(kind, ())
    at = _STATIONS.get(kind, {}).get(name, name)
    return way.index(at) if at in way else None
