"""The roles that a key may hold, one bit each, the same as in `contracts/Roles.sol`."""

from __future__ import annotations

from enum import IntFlag

from kernel.errors import Text


class Role(IntFlag):
    """What a key may sign for; a key or an organisation holds the sum of its roles."""

    BROKER = 1
    COMMITTEE = 2
    DOCUMENTS_OFFICER = 4
    INSPECTOR = 8
    IMAGE_ANALYST = 16
    RELEASING_OFFICER = 32
    SUPERVISOR = 64
    GATE = 128
    INSTRUMENT = 256
    LOG = 512
    AUDITOR = 1024
    HOLDER = 2048
    SYSTEM = 4096
    WITNESS = 8192


ROLE_WORDS: dict[Role, Text] = {
    Role.BROKER: Text("broker", "报关行"),
    Role.COMMITTEE: Text("organising committee", "组委会"),
    Role.DOCUMENTS_OFFICER: Text("documents officer", "审单关员"),
    Role.INSPECTOR: Text("inspector", "查验关员"),
    Role.IMAGE_ANALYST: Text("image analyst", "图像判读员"),
    Role.RELEASING_OFFICER: Text("releasing officer", "放行关员"),
    Role.SUPERVISOR: Text("supervisor", "督导"),
    Role.GATE: Text("gate", "卡口"),
    Role.INSTRUMENT: Text("instrument", "仪器"),
    Role.LOG: Text("evidence log", "证据日志"),
    Role.AUDITOR: Text("auditor", "审计"),
    Role.HOLDER: Text("certificate holder", "证明函持有人"),
    Role.SYSTEM: Text("system of customs", "海关系统"),
    Role.WITNESS: Text("witness of the evidence log", "证据日志见证方"),
}
