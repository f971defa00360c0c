"""Refusals that more than one process makes."""

from __future__ import annotations

from kernel.errors import Kind, PisteError, Text


class ReasonMissing(PisteError):
    """The decision needs a reason in words."""

    code = "case.reason-missing"
    kind = Kind.INVALID
    message = Text("Say why: this decision needs a reason.", "请说明理由：该决定必须填写原因。")
    next_step = Text("Write at least one sentence that the firm can act on.", "请填写企业能据以更正的说明。")
    field = "/reason"


class NumberTaken(PisteError):
    """The same firm already used this number; the answer names the first one."""

    code = "case.number-taken"
    kind = Kind.CONFLICT
    message = Text("{number} is already in use by case {first}.", "编号{number}已被业务{first}使用。")
    next_step = Text("Open that case, or choose another number.", "请查看该业务，或更换编号。")
    field = "{where}"
    number: str
    first: str
    where: str = "/number"


class ContentAltered(PisteError):
    """The stored content is no longer what its content hash says; nobody may sign for it."""

    code = "case.content-altered"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The content of {number} was altered after it was sealed.", "{number}的内容在封存后被改动。"
    )
    next_step = Text(
        "Do not sign; tell the operator, who restores it from a backup.",
        "请勿签署；请联系运维人员从备份恢复。",
    )
    number: str
