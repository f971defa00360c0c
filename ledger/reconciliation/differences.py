"""What a check of the ledger can find: each kind of difference with a stable code, its words, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.errors import Text

_REBUILD = Text(
    "Stop the service, keep a copy of the database as evidence, and restore it with `piste ledger rebuild`.",
    "请停止服务，保留数据库副本作为证据，并用`piste ledger rebuild`恢复。",
)
_FORGED = Text(
    "Nobody recorded this: find out who wrote it into the database, then restore with `piste ledger rebuild`.",
    "该内容从未上链：请查明写入者，再用`piste ledger rebuild`恢复。",
)
_BACKUP = Text(
    "Restore it from a backup; until then do not rely on what it belongs to.",
    "请从备份恢复；在此之前切勿采信相关内容。",
)
_LOOK = Text("Read the case's history and ask who acted last.", "请查看该业务的历史并询问最后操作人。")
_NODE = Text(
    "Ask another node of the network: this one contradicts itself, or its contracts are not ours.",
    "请改用网络中的其他节点核对：该节点自相矛盾，或合约并非我方合约。",
)

FOUND: dict[str, tuple[Text, Text]] = {
    "block.missing": (Text("A block of the chain is missing here.", "数据库缺少链上的一个区块。"), _REBUILD),
    "block.unknown": (Text("A block that is not on the chain.", "数据库中有链上不存在的区块。"), _FORGED),
    "block.differs": (Text("A block differs from the chain's.", "区块与链上不一致。"), _REBUILD),
    "event.missing": (Text("An event of the chain is missing here.", "数据库缺少链上的一个事件。"), _REBUILD),
    "event.unknown": (Text("An event that is not on the chain.", "数据库中有链上不存在的事件。"), _FORGED),
    "event.differs": (Text("An event differs from the chain's.", "事件与链上不一致。"), _REBUILD),
    "mirror.missing": (
        Text("What the contracts hold is missing here.", "数据库缺少合约中的一条记录。"),
        _REBUILD,
    ),
    "mirror.unknown": (
        Text("The contracts hold nothing of the kind.", "合约中没有该记录。"),
        _FORGED,
    ),
    "mirror.differs": (
        Text("What stands here is not what the chain's events say.", "数据库内容与链上事件不一致。"),
        _REBUILD,
    ),
    "view.differs": (
        Text("The contract itself says something else.", "合约本身的答复与数据库不一致。"),
        _NODE,
    ),
    "transaction.missing": (
        Text("A transaction of the relay is missing here.", "数据库缺少中继的一笔交易。"),
        _REBUILD,
    ),
    "transaction.unknown": (
        Text(
            "A transaction that is not on the chain is held to be final.",
            "数据库将链上不存在的交易视为最终。",
        ),
        _FORGED,
    ),
    "transaction.differs": (
        Text("A transaction differs from the chain's.", "交易与链上不一致。"),
        _REBUILD,
    ),
    "statement.missing": (
        Text(
            "A statement that the relay sent is on the chain and not here.",
            "中继发送的声明已上链，数据库却没有。",
        ),
        _REBUILD,
    ),
    "statement.unknown": (
        Text("A statement counts as decided here and is not on the chain.", "数据库视为已决的声明不在链上。"),
        _FORGED,
    ),
    "statement.differs": (
        Text("A statement differs from what the chain holds.", "声明与链上内容不一致。"),
        _REBUILD,
    ),
    "statement.unnoticed": (
        Text(
            "The contract has recorded a statement that waits here.", "合约已记录的声明在数据库中仍在等待。"
        ),
        Text(
            "Wait a minute and check again; if it stays, restart the indexer.",
            "请稍候再查；如仍存在，请重启索引进程。",
        ),
    ),
    "statement.not-recorded": (
        Text(
            "The contract knows nothing of a statement that is recorded here.",
            "合约没有数据库所称已记录的声明。",
        ),
        _FORGED,
    ),
    "statement.digest-differs": (
        Text("The message is not the one that was signed.", "声明内容与所签署的不一致。"),
        _REBUILD,
    ),
    "statement.signature-wrong": (
        Text("A signature does not fit its statement.", "签名与声明不符。"),
        _REBUILD,
    ),
    "statement.signature-missing": (
        Text("A statement that is ready has fewer signatures than it needs.", "已就绪的声明签名不足。"),
        Text(
            "Have it signed anew, and find out who removed the signature.", "请重新签署，并查明签名被谁删除。"
        ),
    ),
    "statement.out-of-queue": (
        Text(
            "A signed statement has no place in the queue: nobody sends it.",
            "已签署的声明不在队列中，不会被发送。",
        ),
        Text("Put it back into the queue, or have it signed anew.", "请将其重新排队，或重新签署。"),
    ),
    "queue.unknown": (
        Text("A statement stands in the queue before it has its signatures.", "声明未签齐就已排队。"),
        Text("Take it out of the queue and find out who put it there.", "请将其移出队列并查明原因。"),
    ),
    "signature.missing": (
        Text("A signature that the chain holds is missing here.", "数据库缺少链上的签名。"),
        _REBUILD,
    ),
    "signature.unknown": (
        Text("A signature that was not sent with its statement.", "数据库中有未随声明发送的签名。"),
        _FORGED,
    ),
    "signature.differs": (
        Text("A signature differs from the one on the chain.", "签名与链上不一致。"),
        _REBUILD,
    ),
    "evidence.gap": (
        Text("Leaves are missing from the evidence log.", "证据日志缺少记录。"),
        Text("Restore the log from its entry files or from a witness.", "请从日志文件或见证方恢复。"),
    ),
    "evidence.leaf-differs": (
        Text("A leaf is not what its hash says.", "证据记录与其哈希不符。"),
        Text("Restore the log from its entry files or from a witness.", "请从日志文件或见证方恢复。"),
    ),
    "evidence.root-differs": (
        Text(
            "The leaves do not give the root that is anchored on the chain.",
            "由记录计算的根与链上锚定的根不一致。",
        ),
        Text(
            "The log's past was changed: stop the service, compare it with a witness's copy.",
            "日志历史被改动：请停止服务，并与见证方副本比对。",
        ),
    ),
    "evidence.node-differs": (
        Text(
            "A stored subtree of the evidence log is not what its leaves give.", "存储的子树与其记录不一致。"
        ),
        _REBUILD,
    ),
    "evidence.size-differs": (
        Text("The evidence log says another length than it has.", "证据日志所称长度与实际不符。"),
        _REBUILD,
    ),
    "archive.missing": (Text("A document's file is missing.", "缺少文件。"), _BACKUP),
    "archive.altered": (Text("A document's file was altered.", "文件被改动。"), _BACKUP),
    "document.without-leaf": (
        Text("The evidence log does not know a document.", "证据日志中没有该文件。"),
        _LOOK,
    ),
    "document.missing": (
        Text("The evidence log names a document that is not listed.", "证据日志中的文件未列出。"),
        _REBUILD,
    ),
    "history.altered": (
        Text("An entry of a history is not what its digest says.", "历史条目与其摘要不符。"),
        _BACKUP,
    ),
    "history.without-leaf": (
        Text("The evidence log does not know an entry of a history.", "证据日志中没有该历史条目。"),
        _FORGED,
    ),
    "history.missing": (
        Text("An entry of a history is gone that the evidence log knows.", "证据日志中的历史条目已不存在。"),
        _BACKUP,
    ),
    "case.waits-in-vain": (
        Text("A case waits for a statement that waits for nothing.", "业务所等待的声明已有结论或不存在。"),
        _LOOK,
    ),
    "case.state-differs": (
        Text("No recorded decision leads a case to where it stands.", "没有已上链的决定使业务处于当前状态。"),
        _LOOK,
    ),
    "case.missing": (
        Text("The case of a recorded statement is gone.", "已上链声明所属的业务不存在。"),
        _REBUILD,
    ),
    "case.content-differs": (
        Text("The content of a case is not what was sealed and signed.", "业务内容与封存签署的不一致。"),
        _BACKUP,
    ),
}
"""What differs, and what to do about it."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same on both sides."""

    code: str
    where: dict[str, Any] = field(default_factory=dict)
    """Which table and row, block, statement, case, column: what is known of it."""
    here: Any = None
    """What the database holds."""
    there: Any = None
    """What the chain, the evidence log or the archive holds."""

    @property
    def words(self) -> Text:
        """What is wrong."""
        return FOUND[self.code][0]

    @property
    def next_step(self) -> Text:
        """What to do."""
        return FOUND[self.code][1]

    def to_json(self) -> dict[str, Any]:
        """Give the difference as JSON."""
        return {
            "code": self.code,
            "where": plain(self.where),
            "here": plain(self.here),
            "there": plain(self.there),
            "words": self.words._asdict(),
            "next": self.next_step._asdict(),
        }


def plain(value: object) -> Any:  # noqa: ANN401 - JSON values
    """Write a value of a row as JSON: bytes as 0x-strings, wide numbers as texts, times in ISO 8601."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 53:  # noqa: PLR2004 - exact in JSON
        return str(value)
    return str(value) if isinstance(value, UUID) else value
