"""A checkpoint as a text that log clients read: a C2SP tlog-checkpoint in a signed note.

The log signs typed messages (EIP-712) for its contract, not texts. So the signature line has the type 0xff, which the
format leaves to private algorithms: its bytes are the moment of signing and the signature of the typed message
`Checkpoint(size, root, signedAt)`, which a reader builds from the text and that moment.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from ledger.chain.deployment import Deployment
from ledger.keys.signing import SignedBy
from ledger.statements import Checkpoint

PRIVATE = b"\xff"
ALGORITHM = b"piste-eip712-checkpoint-v1"


def origin(deployment: Deployment) -> str:
    """Name the log: network and contract of its checkpoints."""
    return f"piste/{deployment.chain_id}/{deployment.address('EvidenceLog').lower()}"


def note_key(name: str, signer: bytes) -> bytes:
    """Give the four bytes by which a note names a key."""
    return sha256(name.encode() + b"\n" + PRIVATE + ALGORITHM + signer).digest()[:4]


def checkpoint_note(checkpoint: Checkpoint, signed: SignedBy, deployment: Deployment) -> str:
    """Write a signed checkpoint as a note."""
    name = origin(deployment)
    moment = checkpoint.signed_at.to_bytes(8, "big")
    line = b64encode(note_key(name, signed.signer) + moment + signed.signature).decode()
    return f"{name}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode()}\n\n— {name} {line}\n"
