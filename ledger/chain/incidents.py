"""What must not happen on a ledger: the node contradicts itself, or the network broke its promise.

An incident stops the process that met it; nothing of what the node said takes effect.
"""

from __future__ import annotations

from kernel.errors import Kind, PisteError, Text


class LedgerIncident(PisteError):
    """The ledger cannot be believed as it is; a person has to look."""

    code = "ledger.incident"
    kind = Kind.UNAVAILABLE
    message = Text("The ledger's node cannot be believed.", "账本节点不可信。")
    next_step = Text(
        "Call the operator: nothing takes effect until the node was compared with another member's.",
        "请联系运维：在与其他成员的节点核对之前，任何记录均不生效。",
    )


class NodeDisagrees(LedgerIncident):
    """What the node says does not agree with the hashes that it stands under, or with what was asked."""

    code = "ledger.node-disagrees"
    message = Text("The ledger's node contradicts itself: {what}.", "账本节点的应答自相矛盾：{what}。")
    what: str


class ChainDiffers(LedgerIncident):
    """The node serves another chain than the one that the contracts stand on."""

    code = "ledger.chain-differs"
    message = Text(
        "The node serves chain {given}, but the contracts stand on chain {expected}.",
        "节点服务于链{given}，而合约部署在链{expected}上。",
    )
    expected: int
    given: int


class FinalBlockUndone(LedgerIncident):
    """The chain took back a block that was final; nothing more is believed until a person has looked."""

    code = "ledger.final-block-undone"
    message = Text(
        "The chain took back block {number}, which was final.", "链撤销了已最终确认的区块{number}。"
    )
    next_step = Text(
        "Call the operator: the network broke its promise, or the node serves another chain.",
        "请联系运维：网络违反了最终性承诺，或节点服务于另一条链。",
    )
    number: int
