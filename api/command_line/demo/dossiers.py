"""The example dossiers as what the API takes. Days are set anew, so that the examples can be run on any day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from kernel.errors import Kind, PisteError, Text

SLUGS = ("timing-equipment", "waxes", "medical-device")
VALID_FOR = timedelta(days=170)
RE_EXPORT_WITHIN = timedelta(days=175)


class ExamplesMissing(PisteError):
    """The folder with the example dossiers is not there."""

    code = "demo.examples-missing"
    kind = Kind.MISSING
    message = Text("There are no example dossiers in {folder}.", "{folder}中没有示例资料。")
    next_step = Text("Run the command in a checkout, or name the folder.", "请在检出目录中运行，或指定目录。")
    folder: str


@dataclass(frozen=True)
class Dossier:
    """One example: who takes part, what is filed, what is to happen."""

    folder: Path
    data: dict[str, Any]

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return self.folder.name

    @property
    def title(self) -> Text:
        """What it is about."""
        return text_of(self.data["title"])

    @property
    def certificate_number(self) -> str:
        """Number of its certificate."""
        number: str = self.data["certificate"]["certificate_no"]
        return number

    @property
    def reference(self) -> str:
        """The broker's number of its declaration."""
        reference: str = self.data["declaration"]["reference"]
        return reference

    def party(self, role: str) -> dict[str, Any]:
        """Give a party by its role."""
        found: dict[str, Any] = self.data["parties"][role]
        return found

    def file(self, name: str) -> bytes:
        """Read one of its files."""
        return (self.folder / name).read_bytes()

    def declaration_xml(self, *, amended: bool = False) -> bytes:
        """Give the declaration as WCO Data Model XML."""
        return self.file(self.data["amended_declaration" if amended else "declaration"]["file"])

    def papers(self, version: int) -> list[dict[str, Any]]:
        """List the scans that belong to a version of the declaration, without the certificate's letter."""
        return [
            paper
            for paper in self.data["documents"]
            if version in paper["declaration_versions"] and paper["kind"] != "certificate"
        ]

    def letter(self) -> dict[str, Any]:
        """Give the scan of the certificate's letter."""
        return next(paper for paper in self.data["documents"] if paper["kind"] == "certificate")

    def certificate(self, now: datetime) -> dict[str, Any]:
        """Give the content of the certificate as the API takes it."""
        given = self.data["certificate"]
        holder, broker = self.party(given["holder"]), self.party(given["broker"])
        temporary = given["category"] in {"special_need_temporary", "ata_carnet"}
        return {
            "number": given["certificate_no"],
            "event": given["event"],
            "issuing_team": both(given["issuing_team"]),
            "holder": holder["id"],
            "holder_name": both(holder["name"]),
            "broker": broker["id"],
            "broker_name": both(broker["name"]),
            "venue": both(given["venue"]),
            "functional_area": given["functional_area"],
            "arrival_ports": given["arrival_ports"],
            "category": given["category"],
            "legal_basis": both(given["legal_basis"]),
            "guarantee_reference": given["guarantee_reference"],
            "valid_from": f"{now:%Y-%m-%d}",
            "valid_until": f"{now + VALID_FOR:%Y-%m-%d}",
            "re_export_due": f"{now + RE_EXPORT_WITHIN:%Y-%m-%d}" if temporary else None,
            "lines": [_goods_line(line) for line in given["lines"]],
            "contacts": [
                {"name": both(one["name"]), "telephone": one["telephone"], "email": one["email"]}
                for one in given["contacts"]
            ],
        }

    def check_note(self, declaration: dict[str, Any]) -> dict[str, Any]:
        """Give the check note for the vehicle that brings the goods of a declaration."""
        given = self.data["check_note"]
        return {
            "internal_no": f"{self.reference}-V1",
            "office": declaration["content"]["office"],
            "direction": given["direction"],
            "note_type": "first_line",
            "binding": 2,
            "gates": given["gates"],
            "vehicle_plate": given["vehicle_plate"],
            "container_number": given["container_no"],
            "seal_number": given["seal_no"],
            "vehicle_weight_kg": given["vehicle_kg"],
            "frame_weight_kg": given["frame_kg"],
            "container_weight_kg": given["container_kg"],
            "goods_weight_kg": given["goods_gross_kg"],
            "total_weight_kg": given["total_kg"],
            "items": [
                {
                    "declaration_id": declaration["id"],
                    "line_no": line["line_no"],
                    "quantity": line["quantity"],
                }
                for line in declaration["content"]["lines"]
            ],
        }

    def gate_event(self, note: dict[str, Any], gate: int, now: datetime) -> dict[str, Any]:
        """Give what the gate sees when that vehicle stands before it."""
        given = self.data["check_note"]
        return {
            "event_id": str(uuid5(NAMESPACE_URL, f"{note['id']}/{gate}/{now.isoformat()}")),
            "note_number": note["number"],
            "direction": given["direction"],
            "gate": gate,
            "plate": given["vehicle_plate"],
            "container_number": given["container_no"],
            "weighbridge_kg": given["weighbridge_kg"],
            "weighbridge_calibrated_until": (now + VALID_FOR).isoformat(),
            "seal_state": "intact",
            "seal_number": given["seal_no"],
            "seen_at": now.isoformat(),
        }

    def readings(self, declaration_id: UUID, now: datetime) -> list[dict[str, Any]]:
        """Give the instruments' readings, measured just now."""
        stages = {"portal_screening": "portal", "isolation_retest": "retest"}
        return [
            {
                "quantity": given["quantity"],
                "declaration": str(declaration_id),
                "stage": stages[given["stage"]],
                "instrument": given["instrument"]["id"],
                "calibration": _calibration(given["instrument"]["calibration"], now),
                "measured_at": now.isoformat(),
                **{name: given[name] for name in _FIGURES if name in given},
            }
            for given in self.data["readings"]
        ]


_FIGURES = ("reading_usv_h", "background_usv_h", "alpha_bq_cm2", "beta_bq_cm2", "area_cm2")


def load_dossiers(folder: Path) -> list[Dossier]:
    """Read the three example dossiers.

    Raises:
        ExamplesMissing: They are not there.
    """
    try:
        return [
            Dossier(folder / slug, orjson.loads((folder / slug / "dossier.json").read_bytes()))
            for slug in SLUGS
        ]
    except FileNotFoundError:
        raise ExamplesMissing(folder=str(folder)) from None


def text_of(words: dict[str, str]) -> Text:
    """Read words in two languages."""
    return Text(words["en"], words["zh"])


def both(words: dict[str, str]) -> str:
    """Write words in both languages on one line."""
    return f"{words['zh']} {words['en']}"


def _goods_line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "line_no": line["line_no"],
        "hs_code": line["hs_code"],
        "name_zh": line["name"]["zh"],
        "name_en": line["name"]["en"],
        "brand": line["brand"],
        "model": line["model"],
        "serials": line["serials"],
        "quantity": line["ceiling"],
        "unit": line["unit"],
        "packages": line["packages"],
        "package_kind": line["package_kind"],
        "gross_kg": line["gross_kg"],
        "net_kg": line["net_kg"],
        "value": line["value"],
        "currency": line["currency"],
        "origin": line["origin"],
    }


def _calibration(given: dict[str, Any], now: datetime) -> dict[str, Any]:
    calibrated = now - timedelta(days=given["calibrated_days_before"])
    return {
        "certificate_no": given["certificate_no"],
        "calibrated_at": calibrated.isoformat(),
        "valid_until": (calibrated + timedelta(days=given["valid_for_days"])).isoformat(),
    }
