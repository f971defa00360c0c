"""Draw the scans of the example dossiers: `python -m examples.draw`.

Needs the Debian packages fonts-noto-cjk and fonts-wqy-zenhei. The pictures are kept in the repository, so that
nothing else needs the fonts. Same dossier, same fonts, same libraries: same bytes.
"""

from __future__ import annotations

import io
import json
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from examples.paper import Wear, as_jpeg, press, round_stamp, scan, signature
from examples.sheets import certificate_letter, trade_paper
from examples.stationery import SANS_BOLD, Json

ROOT = Path(__file__).parent
WEARS = {
    "committee": Wear(tilt_degrees=0.45, noise=5.0, quality=62, fold=True),
    "swiss": Wear(tilt_degrees=-0.7, noise=5.5, quality=60, holes=True),
    "nordic": Wear(tilt_degrees=1.1, noise=7.0, quality=55, staple=True),
    "german": Wear(tilt_degrees=-0.35, noise=6.0, quality=58, fold=True, holes=True),
}
BLUE = (40, 62, 150)
_PDF_DATE = "D:20260126080000Z"


def draw_document(dossier: Json, document: Json, wear: Wear | None = None, seed: int | None = None) -> bytes:
    """Draw one document of a dossier as the scanned file.

    Args:
        dossier: Content of dossier.json.
        document: One of its documents.
        wear: How the paper was treated; by default as its style has it.
        seed: For the noise; by default made from the file's name, so that each scan differs.
    """
    wear = wear or WEARS[document["style"]]
    if seed is None:
        seed = zlib.crc32(f"{dossier['slug']}/{document['file']}".encode())
    rng = np.random.default_rng(seed)
    if document["kind"] == "certificate":
        sheet, seal_at = certificate_letter(dossier, document)
        committee = dossier["parties"]["committee"]["name"]["zh"]
        press(sheet.image, round_stamp(committee, "物资证明专用章", SANS_BOLD, rng), seal_at)
    else:
        sheet, sign_at = trade_paper(dossier, document)
        signature(sheet.image, sign_at, rng)
        if document["style"] != "swiss":
            firm = dossier["parties"]["supplier"]
            seal = round_stamp(
                firm["name"]["en"].upper(), firm["country"], SANS_BOLD, rng, radius=150, colour=BLUE
            )
            press(sheet.image, seal, (sign_at[0] + 480, sign_at[1] - 10))
    picture = scan(sheet.image, wear, rng)
    jpeg = as_jpeg(picture, wear.quality)
    return _as_pdf(jpeg) if document["file"].endswith(".pdf") else jpeg


def _as_pdf(jpeg: bytes) -> bytes:
    """Wrap a scan into a PDF of one page, as multifunction printers do."""
    picture = Image.open(io.BytesIO(jpeg))
    width, height = picture.size
    page = (round(width * 72 / 150, 2), round(height * 72 / 150, 2))
    draw = f"q {page[0]} 0 0 {page[1]} 0 0 cm /Scan Do Q".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {page[0]} {page[1]}] /Contents 4 0 R"
        " /Resources << /XObject << /Scan 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(draw), draw),
        (
            f"<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB"
            f" /BitsPerComponent 8 /Filter /DCTDecode /Length {len(jpeg)} >>\nstream\n"
        ).encode()
        + jpeg
        + b"\nendstream",
        f"<< /Producer (Office scanner) /CreationDate ({_PDF_DATE}) >>".encode(),
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def main() -> None:
    """Draw every scan of every dossier anew."""
    for path in sorted(ROOT.glob("*/dossier.json")):
        dossier = json.loads(path.read_text())
        for document in dossier["documents"]:
            data = draw_document(dossier, document)
            (path.parent / document["file"]).write_bytes(data)
            sys.stdout.write(f"{path.parent.name}/{document['file']}: {len(data):,} bytes\n")


if __name__ == "__main__":
    main()
