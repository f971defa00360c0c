"""What every statement says and every event tells, as one whole sentence in two languages, from `sentences`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any
from uuid import UUID

from kernel.errors import Language, Text
from ledger.explorer import codes
from ledger.explorer.codes import NOTHING, Known
from ledger.explorer.sentences import (
    DELEGATION_ENDED,
    DELEGATION_OVER,
    EVENT_SENTENCES,
    STANDINGS,
    STATEMENT_SENTENCES,
)

GREEN = "1"


@dataclass(frozen=True)
class Signatory:
    """Who signed, as far as the register tells."""

    key_id: str
    officer_id: UUID | None = None


def statement_meaning(
    primary_type: str,
    message: Mapping[str, Any],
    signers: Sequence[Signatory],
    known: Known | None = None,
) -> Text:
    """Say what a statement says and who signed it.

    Args:
        primary_type: Its type.
        message: The typed message as JSON.
        signers: Who signed, in their order.
        known: Names and units, where they are known.
    """
    told = known or Known()
    ended = primary_type == "CertificateDelegation" and int(message["validUntil"]) == 0
    form = DELEGATION_ENDED if ended else STATEMENT_SENTENCES[primary_type]
    return _said(form, {**message, "signers": _signatories(signers, told), "signed": len(signers)}, told)


def standing_meaning(state: str, block: int | None, refusal: Text | None) -> Text:
    """Say what became of a statement."""
    why = refusal or Text("no reason was given", "未说明原因")
    return Text(
        STANDINGS[state].en.format(block=block, reason=why.en.rstrip(".")),
        STANDINGS[state].zh.format(block=block, reason=why.zh.rstrip("。")),
    )


def event_meaning(name: str, values: Mapping[str, Any], known: Known | None = None) -> Text:
    """Say what an event of a contract tells."""
    told = known or Known()
    ended = name == "CertificateDelegated" and int(values["validUntil"]) == 0
    return _said(DELEGATION_OVER if ended else EVENT_SENTENCES[name], values, told)


@dataclass(frozen=True)
class _Telling:
    values: Mapping[str, Any]
    known: Known


def _said(form: Text, values: Mapping[str, Any], known: Known) -> Text:
    telling = _Telling(values, known)
    return Text(_filled(form.en, telling, "en"), _filled(form.zh, telling, "zh"))


def _filled(form: str, telling: _Telling, language: Language) -> str:
    parts = []
    for literal, name, way, _ in Formatter().parse(form):
        parts.append(literal)
        if name is not None:
            parts.append(_WAYS[way or "plain"](telling.values[name], telling).in_language(language))
    return "".join(parts)


def _plain(value: object, _: _Telling) -> Text:
    return value if isinstance(value, Text) else Text(str(value), str(value))


def _amount(value: object, telling: _Telling) -> Text:
    place = str(telling.values["certificate"]), int(telling.values["line"])
    return codes.amount(value, telling.known.units.get(place))


def _because(value: object, _: _Telling) -> Text:
    if value == NOTHING:
        return Text("", "")
    shown = codes.digits(value)
    return Text(f", for the reason {shown.en}", f"，理由{shown.zh}")


def _under_rule(value: object, telling: _Telling) -> Text:
    if value == NOTHING:
        return Text("", "")
    shown = codes.named(value, telling.known)
    return Text(f" under release rule {shown.en}", f"依放行规则{shown.zh}")


def _decider(value: object, telling: _Telling) -> Text:
    if str(value) == GREEN:
        return Text("System", "系统")
    return Text("Officers" if telling.values["signed"] > 1 else "Officer", "关员")


def _gates(value: object, _: _Telling) -> Text:
    number = int(str(value))
    return Text(f"{number} gate{'' if number == 1 else 's'}", f"{number}道卡口")


def _draws(value: Sequence[Mapping[str, Any]], telling: _Telling) -> Text:
    form = Text(
        "{quantity:drawn} of line {line} of material certificate {certificate:name}",
        "物资证明函{certificate:name}第{line}行{quantity:drawn}",
    )
    return _listed(value, form, telling, Text("nothing", "无"))


def _drawn(value: object, telling: _Telling) -> Text:
    return codes.amount(value, telling.values["unit"])


def _items(value: Sequence[Mapping[str, Any]], telling: _Telling) -> Text:
    form = Text(
        "{quantity:amount} of declaration {declaration:name} (line {line} of material certificate {certificate:name})",
        "报关单{declaration:name}的{quantity:amount}（物资证明函{certificate:name}第{line}行）",
    )
    return _listed(value, form, telling, Text("no goods", "空车"))


def _organisations(value: Sequence[Mapping[str, Any]], telling: _Telling) -> Text:
    form = Text(
        "organisation {organisation:name} may be {roles:roles} until {validUntil:moment}",
        "单位{organisation:name}可为{roles:roles}，至{validUntil:moment}",
    )
    return _listed(value, form, telling, Text("no organisation admitted", "未接纳单位"))


def _grants(value: Sequence[Mapping[str, Any]], telling: _Telling) -> Text:
    form = Text(
        "{officer:name} of organisation {organisation:name} received a key as {roles:roles} until {validUntil:moment}",
        "单位{organisation:name}的{officer:name}获发密钥，角色为{roles:roles}，至{validUntil:moment}",
    )
    return _listed(value, form, telling, Text("no key granted", "未登记密钥"))


def _revocations(value: Sequence[str], _: _Telling) -> Text:
    keys = "、".join(codes.digits(one).zh for one in value)
    if not value:
        return Text("no key revoked", "未吊销密钥")
    return Text(f"revoked: {keys.replace('、', ', ')}", f"吊销密钥{keys}")


def _listed(value: Sequence[Mapping[str, Any]], form: Text, telling: _Telling, none: Text) -> Text:
    said = [_said(form, one, telling.known) for one in value]
    return Text(", ".join(one.en for one in said), "、".join(one.zh for one in said)) if said else none


def _signatories(signers: Sequence[Signatory], known: Known) -> Text:
    said = [
        (known.names.get(one.officer_id) or codes.identifier(one.officer_id))
        if one.officer_id is not None
        else Text(f"with key {codes.digits(one.key_id).en}", f"（密钥{codes.digits(one.key_id).zh}）")
        for one in signers
    ]
    if not said:
        return Text("nobody yet", "（尚无人签署）")
    return Text(" and ".join(one.en for one in said), "、".join(one.zh for one in said))


def _code(name: str) -> Callable[[Any, _Telling], Text]:
    return lambda value, _: codes.code(name, value)


_WAYS: dict[str, Callable[[Any, _Telling], Text]] = {
    "plain": _plain,
    "name": lambda value, telling: codes.named(value, telling.known),
    "subject": lambda value, telling: codes.subject(value, telling.known),
    "digits": lambda value, _: codes.digits(value),
    "moment": lambda value, _: codes.moment(value),
    "roles": lambda value, _: codes.roles(value),
    "reason": lambda value, _: codes.reason(value),
    "amount": _amount,
    "drawn": _drawn,
    "because": _because,
    "under_rule": _under_rule,
    "decider": _decider,
    "gates": _gates,
    "draws": _draws,
    "items": _items,
    "organisations": _organisations,
    "grants": _grants,
    "revocations": _revocations,
    **{name: _code(name) for name in codes.CODES},
}
"""How a value can be said."""
