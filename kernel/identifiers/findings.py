"""The words of a fault in an identifier, the same for all kinds."""

from __future__ import annotations

from kernel.errors import Fault, Suggestion, Text

_SHOWN = 60
"""How much of a wrong value a message repeats."""


def shown(value: str) -> str:
    """Cut a value so that a message stays readable, and make control characters visible."""
    safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[: _SHOWN + 1])
    return safe if len(safe) <= _SHOWN else safe[:_SHOWN] + "…"


def wrong_length(name: Text, value: str, field: str, *, length: str) -> list[Fault]:
    """Say that an identifier has the wrong number of characters.

    Args:
        name: What the identifier is called.
        value: What was given.
        field: Where it was given.
        length: The right number of characters, for example `18` or `6, 8 or 10`.
    """
    return [
        Fault(
            field=field,
            rule="identifier.length",
            message=Text(
                f"{name.en} {shown(value)} has {len(value)} characters; it must have {length}.",
                f"{name.zh}{shown(value)}为{len(value)}位，应为{length}位。",
            ),
            next_step=Text("Copy the number again from the document.", "请对照原始单证重新填写。"),
        )
    ]


def wrong_format(name: Text, value: str, field: str, *, shape: Text, write_as: str = "") -> list[Fault]:
    """Say that an identifier is not built as it must be.

    Args:
        name: What the identifier is called.
        value: What was given.
        field: Where it was given.
        shape: How it must be built.
        write_as: The same identifier in its proper writing, where only the writing is wrong.
    """
    step = Text(f"Write it as {write_as}.", f"请写成{write_as}。") if write_as else shape
    return [
        Fault(
            field=field,
            rule="identifier.format",
            message=Text(
                f"{name.en} {shown(value)} is not written as it must be.",
                f"{name.zh}{shown(value)}的格式不正确。",
            ),
            next_step=step,
            suggestions=(Suggestion(write_as, name),) if write_as else (),
        )
    ]


def wrong_check_digit(
    name: Text, value: str, field: str, *, expected: str = "", given: str = "", masked: bool = False
) -> list[Fault]:
    """Say that the check digit does not fit the rest, and which would, where the algorithm tells.

    Args:
        name: What the identifier is called.
        value: What was given.
        field: Where it was given.
        expected: The check digit that fits the other characters.
        given: The check digit that was given, at the end of the value.
        masked: Whether the value is not the whole one, so that it cannot be mended.
    """
    rest = (
        Text(f": {given} was given, {expected} expected", f"：填写为{given}，应为{expected}")
        if expected
        else Text("", "")
    )
    return [
        Fault(
            field=field,
            rule="identifier.check-digit",
            message=Text(
                f"{name.en} {shown(value)} has a wrong check digit{rest.en}.",
                f"{name.zh}{shown(value)}的校验位不正确{rest.zh}。",
            ),
            next_step=Text(
                "One of its characters was mistyped: compare it with the document.",
                "其中有字符录入错误，请对照原始单证逐位核对。",
            ),
            suggestions=(Suggestion(value.removesuffix(given) + expected, name),)
            if expected and not masked
            else (),
        )
    ]


def unknown_code(
    name: Text, value: str, field: str, *, listed_in: Text, near: tuple[Suggestion, ...] = ()
) -> list[Fault]:
    """Say that a code does not stand in its list.

    Args:
        name: What the code is called.
        value: What was given.
        field: Where it was given.
        listed_in: Which list holds the codes.
        near: Codes of the list that were probably meant.
    """
    return [
        Fault(
            field=field,
            rule="identifier.unknown-code",
            message=Text(
                f"{name.en} {shown(value)} does not exist in {listed_in.en}.",
                f"{listed_in.zh}中没有{name.zh}{shown(value)}。",
            ),
            next_step=Text(f"Choose a code from {listed_in.en}.", f"请从{listed_in.zh}中选择代码。"),
            suggestions=near,
        )
    ]


def wrong_part(name: Text, value: str, field: str, *, part: Text) -> list[Fault]:
    """Say that one part of an identifier cannot be, for example a birth date on 30 February.

    Args:
        name: What the identifier is called.
        value: What was given.
        field: Where it was given.
        part: Which part is wrong, and why.
    """
    return [
        Fault(
            field=field,
            rule="identifier.part",
            message=Text(f"{name.en} {shown(value)}: {part.en}.", f"{name.zh}{shown(value)}：{part.zh}。"),
            next_step=Text("Compare it with the document.", "请对照原始单证核对。"),
        )
    ]
