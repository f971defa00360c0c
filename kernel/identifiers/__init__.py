"""Checks of identifiers and codes: each function gives the faults of one value, none where it is good.

`check_…(value, field)` names the field as a JSON pointer (or an XPath) in the faults. A value must be written
in its proper form; where only the writing is wrong, the next step says how to write it.

Source: DOMAIN.md §3, §4, §7.
"""

from kernel.identifiers.codes import (
    PackageKind,
    Unit,
    check_country,
    check_currency,
    check_hs,
    check_package,
    check_place,
    check_unit,
    convert_exactly,
    country_exists,
    packages,
    units,
)
from kernel.identifiers.customs import (
    check_bonded_ledger_number,
    check_carnet,
    check_carnet_number,
    check_certificate_number,
    check_check_note_number,
    check_declaration_number,
    check_inventory_list_number,
    check_office,
)
from kernel.identifiers.organisations import (
    check_eori,
    check_foreign_id,
    check_identity_card,
    check_lei,
    check_party,
    check_uscc,
)
from kernel.identifiers.transport import (
    check_air_waybill,
    check_container,
    check_imo,
    check_mmsi,
    check_plate,
    plate_key,
)

__all__ = [
    "PackageKind",
    "Unit",
    "check_air_waybill",
    "check_bonded_ledger_number",
    "check_carnet",
    "check_carnet_number",
    "check_certificate_number",
    "check_check_note_number",
    "check_container",
    "check_country",
    "check_currency",
    "check_declaration_number",
    "check_eori",
    "check_foreign_id",
    "check_hs",
    "check_identity_card",
    "check_imo",
    "check_inventory_list_number",
    "check_lei",
    "check_mmsi",
    "check_office",
    "check_package",
    "check_party",
    "check_place",
    "check_plate",
    "check_unit",
    "check_uscc",
    "convert_exactly",
    "country_exists",
    "packages",
    "plate_key",
    "units",
]
