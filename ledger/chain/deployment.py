"""Where the contracts stand: the deployment, how it is made, kept and checked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from kernel.errors import Kind, PisteError, Text
from ledger.contracts import load_artifact

if TYPE_CHECKING:
    from ledger.chain.client import Chain

VERIFIER_P256 = "ERC7913P256Verifier"
VERIFIER_PASSKEY = "ERC7913WebAuthnVerifier"
STATEMENT_CONTRACTS = ("Consortium", "MaterialCertificates", "ReleaseDecisions", "CheckNotes", "EvidenceLog")
CONTRACTS = (VERIFIER_P256, VERIFIER_PASSKEY, *STATEMENT_CONTRACTS, "Inbox")
"""In the order of deployment."""
ADDRESS_BYTES = 20
RLP_STRING, RLP_LIST = 0x80, 0xC0
DEPLOYMENT_GAS = 16_000_000
"""Below the limit of one transaction (EIP-7825); creation costs what it costs."""


class DeploymentMissing(PisteError):
    """The chain does not hold the contracts that were deployed."""

    code = "ledger.deployment-missing"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The chain holds no {contract} at {address}, or another one.",
        "链上{address}处没有合约{contract}或代码不符。",
    )
    next_step = Text(
        "Check that the node serves the chain that this installation was set up on.",
        "请确认节点所服务的链与本系统初始化时的链一致。",
    )
    contract: str
    address: str


class DeploymentFailed(PisteError):
    """The chain refused to create a contract."""

    code = "ledger.deployment-failed"
    kind = Kind.UNAVAILABLE
    message = Text("The chain refused to create {contract}.", "链拒绝创建合约{contract}。")
    next_step = Text(
        "Check founding keys and threshold, and the node's hard fork.",
        "请检查创始密钥、门限及节点的硬分叉版本。",
    )
    contract: str


class DeploymentUnknown(PisteError):
    """This installation does not know where the contracts stand."""

    code = "ledger.deployment-unknown"
    kind = Kind.UNAVAILABLE
    message = Text("There is no deployment of the contracts at {path}.", "{path}没有合约部署信息。")
    next_step = Text(
        "Start the stack once with `piste up`, or run `piste deploy`.",
        "请先运行`piste up`，或执行`piste deploy`。",
    )
    path: str


@dataclass(frozen=True)
class FoundingMember:
    """A founder of the consortium and the key that speaks for it."""

    organisation: bytes
    """Identifier, 32 bytes."""
    signer: bytes
    """ERC-7913 signer; for P-256 keys and passkeys see `predicted_verifiers`."""


@dataclass(frozen=True)
class Deployment:
    """One chain and where the contracts stand on it."""

    chain_id: int
    addresses: Mapping[str, str]
    """Checksum address by contract name."""
    deployed_at_block: int = 0
    code_hashes: Mapping[str, str] = field(default_factory=dict)
    """Hash of the code of each contract, to recognise it by."""

    def address(self, contract: str) -> str:
        """Give the checksum address of a contract."""
        return self.addresses[contract]

    def address_bytes(self, contract: str) -> bytes:
        """Give the 20 bytes of a contract's address."""
        return bytes.fromhex(self.addresses[contract][2:])

    def contract_at(self, address: str) -> str | None:
        """Name the contract that stands at an address."""
        return next((name for name, at in self.addresses.items() if at.lower() == address.lower()), None)

    def to_json(self) -> dict[str, Any]:
        """Give the deployment as JSON."""
        return {
            "chainId": self.chain_id,
            "addresses": dict(self.addresses),
            "deployedAtBlock": self.deployed_at_block,
            "codeHashes": dict(self.code_hashes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a deployment back."""
        return cls(data["chainId"], data["addresses"], data["deployedAtBlock"], data.get("codeHashes", {}))

    def save(self, path: Path) -> None:
        """Keep the deployment in a file, written beside and renamed."""
        side = path.with_name(path.name + ".part")
        with side.open("w", encoding="utf-8") as stream:
            json.dump(self.to_json(), stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        side.rename(path)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read the deployment kept in a file; None where there is none."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None


def deployment_file(data_dir: Path) -> Path:
    """Name the file in which an installation keeps where its contracts stand."""
    return data_dir / "deployment.json"


def load_deployment(data_dir: Path) -> Deployment:
    """Read where this installation's contracts stand.

    Raises:
        DeploymentUnknown: They were not deployed yet.
    """
    path = deployment_file(data_dir)
    found = Deployment.load(path)
    if found is None:
        raise DeploymentUnknown(path=str(path))
    return found


def created_address(sender: bytes, nonce: int) -> str:
    """Give the address at which an account's transaction of this nonce creates a contract."""
    count = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    # RLP: a byte below 0x80 stands for itself, a short string has its length in front, a short list likewise.
    item = count if 0 < nonce < RLP_STRING else bytes([RLP_STRING + len(count)]) + count
    body = bytes([RLP_STRING + ADDRESS_BYTES]) + sender + item
    return to_checksum_address(keccak(bytes([RLP_LIST + len(body)]) + body)[-ADDRESS_BYTES:])


def predicted_verifiers(chain: Chain, account: LocalAccount) -> Deployment:
    """Tell where the verifiers are going to stand: founding members may use P-256 keys and passkeys."""
    nonce = chain.nonce(account.address)
    sender = bytes.fromhex(account.address[2:])
    verifiers = (VERIFIER_P256, VERIFIER_PASSKEY)
    return Deployment(
        chain.chain_id(),
        {name: created_address(sender, nonce + place) for place, name in enumerate(verifiers)},
    )


def deploy(
    chain: Chain, account: LocalAccount, founding: Sequence[FoundingMember], threshold: int
) -> Deployment:
    """Create all contracts and wait for them. The account that pays gets no role in any.

    Args:
        chain: The node.
        account: Whoever pays.
        founding: The founding members.
        threshold: How many of them must sign a change of the consortium.

    Raises:
        DeploymentFailed: The chain refused one.
        LedgerUnavailable: The node is away.
    """
    nonce = chain.nonce(account.address)
    sender = bytes.fromhex(account.address[2:])
    where = {name: created_address(sender, nonce + place) for place, name in enumerate(CONTRACTS)}
    members = [(member.organisation, member.signer) for member in founding]
    arguments = {
        "Consortium": encode(["(bytes32,bytes)[]", "uint8"], [members, threshold]),
        "MaterialCertificates": encode(["address"] * 2, [where["Consortium"], where["ReleaseDecisions"]]),
        "ReleaseDecisions": encode(["address"] * 2, [where["Consortium"], where["MaterialCertificates"]]),
        "CheckNotes": encode(["address"] * 2, [where["Consortium"], where["MaterialCertificates"]]),
        "EvidenceLog": encode(["address"], [where["Consortium"]]),
    }
    first_block: int | None = None
    for place, name in enumerate(CONTRACTS):
        creation = load_artifact(name).bytecode + arguments.get(name, b"")
        receipt = chain.send_and_wait(
            account, nonce=nonce + place, to=None, data=creation, gas=DEPLOYMENT_GAS
        )
        if not receipt.succeeded:
            raise DeploymentFailed(contract=name)
        first_block = receipt.block_number if first_block is None else first_block
    hashes = {name: "0x" + keccak(chain.code(address)).hex() for name, address in where.items()}
    return Deployment(chain.chain_id(), where, first_block or 0, hashes)


def check_deployment(chain: Chain, deployment: Deployment) -> None:
    """Make sure that the chain is the one that the contracts were deployed on and still holds them.

    Raises:
        DeploymentMissing: It is not, or does not.
        LedgerUnavailable: The node is away.
    """
    if chain.chain_id() != deployment.chain_id:
        raise DeploymentMissing(contract="chain", address=str(deployment.chain_id))
    for name, address in deployment.addresses.items():
        if "0x" + keccak(chain.code(address)).hex() != deployment.code_hashes.get(name):
            raise DeploymentMissing(contract=name, address=address)
