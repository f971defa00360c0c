"""Rules of the release decision.

Source: DOMAIN.md §3 (channels), §1 (inspector, reviewer and releasing officer are three persons); DESIGN.md §7.
"""

from __future__ import annotations

from enum import IntEnum

from kernel.errors import Kind, PisteError, Text
from ledger.keys.roles import Role

RELEASE_OUTCOME = 1
SECOND_SIGNERS = Role.RELEASING_OFFICER | Role.SUPERVISOR


class Channel(IntEnum):
    """How much was looked at; the numbers are those of the contract."""

    GREEN = 1
    YELLOW = 2
    RED = 3

    @property
    def signatures(self) -> int:
        """How many officers sign a release in this channel."""
        return 2 if self is Channel.RED else 1

    @property
    def words(self) -> Text:
        """The channel in both languages."""
        return _CHANNELS[self]


_CHANNELS = {
    Channel.GREEN: Text("green: on the system's word", "绿色通道：系统放行"),
    Channel.YELLOW: Text("yellow: documents examined", "黄色通道：审核单证"),
    Channel.RED: Text("red: goods examined", "红色通道：查验货物"),
}


class ExaminationOutstanding(PisteError):
    """A red declaration is released only after its goods were examined and conform."""

    code = "release.examination-outstanding"
    kind = Kind.CONFLICT
    message = Text("The goods were not examined, or do not conform.", "货物尚未查验或查验不符。")
    next_step = Text("Wait for the inspector's report.", "请等待查验报告。")


class NothingToCountersign(PisteError):
    """No release of this declaration waits for a second signature."""

    code = "release.nothing-to-countersign"
    kind = Kind.CONFLICT
    message = Text(
        "No release of this declaration waits for a second signature.", "该报关单没有等待复核签署的放行决定。"
    )
    next_step = Text("Read the case again.", "请重新查看该业务。")


class SecondSignerIsFirst(PisteError):
    """Two signatures mean two officers."""

    code = "release.second-signer-is-first"
    kind = Kind.FORBIDDEN
    message = Text(
        "You signed this release already; another officer signs second.",
        "您已签署该放行决定，须由另一名关员复核。",
    )
    next_step = Text("Ask another releasing officer or a supervisor.", "请由其他放行人员或主管复核签署。")


class InspectorMayNotRelease(PisteError):
    """Inspector, reviewer and releasing officer of one case are three different persons."""

    code = "release.inspector-may-not-release"
    kind = Kind.FORBIDDEN
    message = Text("You examined this case, so you may not release it.", "您是本票查验人员，不得办理放行。")
    next_step = Text("Another releasing officer takes the decision.", "请由其他放行人员决定。")
