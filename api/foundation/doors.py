"""What a door is: a folder under `api` whose module `door` names its routes and its place in the menu."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter

import api
from kernel.errors import Text
from ledger.keys.roles import Role

EVERYONE = Role(0)
"""A menu entry for everybody who is signed in."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the menu."""

    path: str
    label: Text
    roles: Role = EVERYONE
    """Who sees it: holders of one of these roles."""
    administrators: bool = False
    """Whether it is for administrators alone."""

    def shown_to(self, roles: Role, *, administrator: bool) -> bool:
        """Tell whether somebody sees the entry."""
        if self.administrators and not administrator:
            return False
        return self.roles == EVERYONE or bool(self.roles & roles)


@dataclass(frozen=True, kw_only=True)
class Door:
    """One kind of user's way in."""

    name: str
    """Name of its folder; its templates are addressed as `<name>/….html`."""
    title: Text
    description: str
    """What the interface's description says of it."""
    position: int
    """Where it stands in the menu and in the interface's description."""
    routers: tuple[APIRouter, ...]
    entries: tuple[Entry, ...] = ()

    @property
    def templates(self) -> Path:
        """Folder of its templates."""
        return Path(api.__path__[0]) / self.name / "templates"


def find_doors() -> tuple[Door, ...]:
    """Find every folder of `api` that has a module `door`, in the order of the menu."""
    found: list[Door] = []
    for folder in pkgutil.iter_modules(api.__path__):
        name = f"api.{folder.name}.door"
        if folder.ispkg and importlib.util.find_spec(name) is not None:
            found.append(importlib.import_module(name).DOOR)
    return tuple(sorted(found, key=lambda door: door.position))
