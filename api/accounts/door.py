"""The accounts door."""

from __future__ import annotations

from api.accounts import administration, pages, routes, sign_in
from api.foundation.doors import Door, Entry
from kernel.errors import Text

DOOR = Door(
    name="accounts",
    title=Text("Accounts and keys", "账户与密钥"),
    description="Organisations, persons, programs and their keys; tokens, sign-in, enrolment.",
    position=90,
    routers=(sign_in.router, routes.router, administration.router, pages.router),
    entries=(
        Entry(path="/keys", label=Text("My keys", "我的密钥")),
        Entry(path="/organisation", label=Text("My organisation", "本单位")),
        Entry(path="/organisations", label=Text("Organisations", "单位名录"), administrators=True),
    ),
)
