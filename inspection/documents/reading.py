"""From a file to positioned text: page pictures, their orientation, and the OCR engine.

The engine (RapidOCR on onnxruntime) is made lazily in each process, never before a fork, with one thread:
a session of several threads that was made before a fork hangs for ever in the child.
Its models come inside its wheel; nothing is loaded from anywhere.
"""

from __future__ import annotations

import io
import math
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pypdfium2
import rapidocr
from numpy.typing import NDArray
from PIL import Image, ImageOps, ImageSequence

from inspection.documents.schema import Box, ModelDigest, ReadingProvenance, ReadPage, TextLine
from inspection.intake import FileKind, Intake
from inspection.pdf_contents import opened
from inspection.refusals import UploadMalformed
from kernel.errors import PisteError, Text

Picture = NDArray[np.uint8]
"""Height × width × 3, red green blue."""
Quads = NDArray[np.float64]
"""Number × 4 × 2: corners of text boxes clockwise from the top left, x before y."""

LONG_SIDE_PX = 2000
"""Pages are read at no more than this: an A4 page at 170 dpi. Larger scans are made smaller."""
MODELS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
}
DETECTION_SIDE_PX = 1280
"""Lines are looked for at this size, which halves the time, and recognised at the full one."""
_ENGINE_PARAMETERS = {
    "Global.log_level": "error",
    "Global.use_vertical_padding": False,
    "Det.limit_type": "max",
    "Det.limit_side_len": DETECTION_SIDE_PX,
    # One line at a time, hardly padded: quicker where most cells are short, and what is read in one line
    # does not depend on the others.
    "Rec.rec_img_shape": [3, 48, 96],
    "Rec.rec_batch_num": 1,
}
_ORIENTATION_SAMPLE = 12
_UPSIDE_DOWN_CONFIDENCE = 0.8
_COLOURED, _BLACK = 40, 110
"""Grey levels: from where a dot counts as coloured, up to where as black."""
_SEAL_SHARE = 0.02
_SURE = 0.9
_FIGURE = re.compile(r"[\d.,'’ ]*\d[\d.,'’ ]*[A-Za-z\u4e00-\u9fff]{0,6}\.?")
"""What is believed at a second look: a number, perhaps with a unit."""


class PageMissing(PisteError):
    """A crop was asked for from a page that the document does not have."""

    code = "inspection.page-missing"
    message = Text(
        "The document has {pages} pages; there is no page {page}.", "该单证共{pages}页，没有第{page}页。"
    )
    next_step = Text("Ask for a page between 1 and {pages}.", "请指定1至{pages}之间的页码。")
    field = "/page"
    page: int
    pages: int


# ------------------------------------------------------------------------------------------------ page pictures


def page_pictures(data: bytes, intake: Intake) -> list[Picture]:
    """Give each page of an accepted file as picture.

    Args:
        data: The file.
        intake: What `examine_upload` said of exactly these bytes.

    Raises:
        UploadMalformed: The header was fine but the content does not decode.
    """
    if intake.kind is FileKind.PDF:
        return _pdf_pictures(data)
    try:
        with Image.open(io.BytesIO(data), formats=[intake.kind.upper()]) as file:
            frames = ImageSequence.Iterator(file) if intake.kind is FileKind.TIFF else [file]
            return [_as_rgb(_within(frame, intake)) for frame in frames]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UploadMalformed(format=intake.kind.upper(), detail="pixels") from error


def _within(frame: Image.Image, intake: Intake) -> Image.Image:
    """Give a frame that is not yet decoded, once it is no larger than the header said at the door."""
    if frame.width > intake.width or frame.height > intake.height:
        raise UploadMalformed(format=intake.kind.upper(), detail="size")
    return frame


def _as_rgb(frame: Image.Image) -> Picture:
    upright = ImageOps.exif_transpose(frame)
    if upright.mode in {"I", "I;16", "I;16B", "F"}:
        tall = np.asarray(upright, dtype=np.float64)
        upright = Image.fromarray((255 * tall / max(float(tall.max()), 1.0)).astype(np.uint8))
    if "A" in upright.getbands() or "transparency" in upright.info:
        paper = Image.new("RGBA", upright.size, (255, 255, 255, 255))
        upright = Image.alpha_composite(paper, upright.convert("RGBA"))
    return np.asarray(upright.convert("RGB"), dtype=np.uint8)


def _pdf_pictures(data: bytes) -> list[Picture]:
    pictures = []
    with opened(data) as document:
        for index in range(len(document)):
            page: pypdfium2.PdfPage = document[index]
            width, height = page.get_size()
            bitmap = page.render(
                scale=LONG_SIDE_PX / max(width, height), rev_byteorder=True, may_draw_forms=False
            )
            pictures.append(np.array(bitmap.to_numpy()[..., :3], dtype=np.uint8))
            bitmap.close()
            page.close()
    return pictures


# ---------------------------------------------------------------------------------------------------- OCR engine


@dataclass(frozen=True)
class _Recognised:
    text: str
    confidence: float


class Reader:
    """The OCR engine of one process."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._lock = threading.Lock()
        self._engine = rapidocr.RapidOCR(params=dict(_ENGINE_PARAMETERS))
        folder = Path(rapidocr.__file__).parent / "models"
        digests = []
        for part, name in MODELS.items():
            model = (folder / name).read_bytes()
            digests.append(ModelDigest(name, sha256(model).hexdigest()))
            section = self._engine.cfg[part]
            section._set_flag("allow_objects", True)  # noqa: SLF001, FBT003 — the configuration library has no other way
            section.session = _session(model)
        self.models = tuple(digests)
        self.engine = f"rapidocr {version('rapidocr')}, onnxruntime {onnxruntime.__version__}"

    def find(self, picture: Picture) -> Quads:
        """Find the text boxes of a picture, top to bottom."""
        with self._lock:
            result = self._engine(picture[..., ::-1], use_det=True, use_cls=False, use_rec=False)
        boxes = getattr(result, "boxes", None)
        return np.zeros((0, 4, 2)) if boxes is None else np.asarray(boxes, dtype=np.float64)

    def share_upside_down(self, crops: Sequence[Picture]) -> float:
        """Give the share of text crops that stand on their head, as sure as the classifier is."""
        with self._lock:
            _, result = self._engine.cls_and_rotate([crop[..., ::-1] for crop in crops])
        votes = [label == "180" and score > _UPSIDE_DOWN_CONFIDENCE for label, score in result.cls_res or []]
        return sum(votes) / len(votes) if votes else 0.0

    def recognise(self, crops: Sequence[Picture]) -> list[_Recognised]:
        """Read text crops, in their order."""
        if not crops:
            return []
        with self._lock:
            result = self._engine.recognize_txt([np.ascontiguousarray(crop[..., ::-1]) for crop in crops])
        return [
            _Recognised(str(text), float(score))
            for text, score in zip(result.txts or (), result.scores or (), strict=True)
        ]

    def provenance(self, input_sha256: str) -> ReadingProvenance:
        """Name everything that a second reading needs."""
        config = self._engine.cfg
        settings = {
            "long_side_px": str(LONG_SIDE_PX),
            "threads": "1",
            "det.limit": f"{config.Det.limit_type} {config.Det.limit_side_len}",
            "det.thresh": str(config.Det.thresh),
            "det.box_thresh": str(config.Det.box_thresh),
            "det.unclip_ratio": str(config.Det.unclip_ratio),
            "rec.shape": "x".join(str(size) for size in config.Rec.rec_img_shape),
            "rec.batch": str(config.Rec.rec_batch_num),
        }
        return ReadingProvenance(input_sha256, self.engine, self.models, settings)


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


_readers: dict[int, Reader] = {}
"""By process: a child made by fork finds its parent's engine here, leaves it alone and makes its own."""
_making = threading.Lock()


def reader() -> Reader:
    """Give the engine of this process, made at the first call."""
    process = os.getpid()
    if process not in _readers:
        with _making:
            if process not in _readers:
                _readers[process] = Reader()
    return _readers[process]


def _forget_lock() -> None:
    """Replace a lock that another thread of the parent may have held at the fork."""
    global _making  # noqa: PLW0603 — a fork copies module state, there is no other place to mend it
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget_lock)


# ------------------------------------------------------------------------------------------------------- a page


def read_page(picture: Picture, number: int) -> ReadPage:
    """Read one page: turn it upright, find its lines, recognise them, measure what tilt is left."""
    engine = reader()
    height, width = picture.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    small = picture
    if scale < 1.0:
        small = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    turned, quads, turns = _upright(engine, small)
    crops = [_crop_quad(turned, quad) for quad in quads]
    texts = engine.recognise([_under_seal(crop) for crop in crops])
    skew = _skew(quads)
    lines = []
    for quad, recognised in zip(quads, texts, strict=True):
        if recognised.text.strip():
            level = _rotated(quad, -skew, turned.shape)
            placed = _turned_back(quad, turns, small.shape)
            lines.append(
                TextLine(
                    recognised.text.strip(), recognised.confidence, _box(placed / scale), _box(level / scale)
                )
            )
    lines.sort(key=lambda line: (line.upright.middle, line.upright.left))
    return ReadPage(number, width, height, turns, round(skew, 3), tuple(lines))


def look_again(picture: Picture, page: ReadPage, places: Sequence[Box]) -> ReadPage:
    """Read places of a page in which no text was found, and give the page with what stands there.

    Args:
        picture: The page picture that was read.
        page: What was read of it.
        places: Boxes on the page once it is turned upright.
    """
    engine = reader()
    turned = np.ascontiguousarray(np.rot90(picture, page.quarter_turns))
    quads = [_rotated(_corners(place), page.skew_degrees, turned.shape) for place in places]
    texts = engine.recognise([_under_seal(_crop_quad(turned, quad)) for quad in quads])
    found = [
        TextLine(
            read.text.strip(),
            read.confidence,
            _box(_turned_back(quad, page.quarter_turns, picture.shape)),
            place,
        )
        for place, quad, read in zip(places, quads, texts, strict=True)
        if read.confidence >= _SURE and _FIGURE.fullmatch(read.text.strip())
    ]
    lines = sorted((*page.lines, *found), key=lambda line: (line.upright.middle, line.upright.left))
    return replace(page, lines=tuple(lines))


def _corners(box: Box) -> Quads:
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def _upright(engine: Reader, picture: Picture) -> tuple[Picture, Quads, int]:
    """Turn a page by quarters until its text stands upright; give also the text boxes and the turns made."""
    quads, turns = engine.find(picture), 0
    turned = picture
    if len(quads) and _mostly_vertical(quads):
        turned, turns = np.ascontiguousarray(np.rot90(picture)), 1
        quads = engine.find(turned)
    longest = sorted(quads, key=lambda quad: -_length(quad))[:_ORIENTATION_SAMPLE]
    if longest and engine.share_upside_down([_crop_quad(turned, quad) for quad in longest]) > 1 / 2:
        turned, turns = np.ascontiguousarray(np.rot90(turned, 2)), turns + 2
        quads = engine.find(turned)
    return turned, quads, turns


def _mostly_vertical(quads: Quads) -> bool:
    sizes = quads.max(axis=1) - quads.min(axis=1)
    long = sizes.max(axis=1) > 2 * sizes.min(axis=1)
    lengths = sizes.max(axis=1) * long
    return bool(lengths[sizes[:, 1] > sizes[:, 0]].sum() > lengths.sum() / 2)


def _length(quad: Quads) -> float:
    return float(np.linalg.norm(quad[1] - quad[0]))


def _skew(quads: Quads) -> float:
    """Give the page's tilt in degrees: the median over the longer lines, weighted by length."""
    angles, weights = [], []
    for quad in quads:
        along = (quad[1] - quad[0]) + (quad[2] - quad[3])
        if _length(quad) > 5 * float(np.linalg.norm(quad[3] - quad[0])):
            angles.append(math.degrees(math.atan2(along[1], along[0])))
            weights.append(_length(quad))
    if not angles:
        return 0.0
    order = np.argsort(angles)
    reach = np.cumsum(np.asarray(weights)[order])
    return float(np.asarray(angles)[order][int(np.searchsorted(reach, reach[-1] / 2))])


def _rotated(quad: Quads, degrees: float, shape: tuple[int, ...]) -> Quads:
    turn = math.radians(degrees)
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre = np.array([shape[1] / 2, shape[0] / 2])
    return np.asarray((quad - centre) @ matrix.T + centre, dtype=np.float64)


def _turned_back(quad: Quads, turns: int, shape: tuple[int, ...]) -> Quads:
    """Map points of a page turned by anticlockwise quarters back onto the page as it came."""
    height, width = shape[:2]
    x, y = quad[:, 0], quad[:, 1]
    back = {
        0: (x, y),
        1: (width - y, x),
        2: (width - x, height - y),
        3: (y, height - x),
    }[turns]
    return np.stack(back, axis=1)


def _box(points: Quads) -> Box:
    left, top = np.floor(points.min(axis=0))
    right, bottom = np.ceil(points.max(axis=0))
    return Box(max(0, int(left)), max(0, int(top)), max(1, int(right)), max(1, int(bottom)))


def _crop_quad(picture: Picture, quad: Quads) -> Picture:
    """Cut a text box out and make it level."""
    width = max(1, round(max(np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[2] - quad[3]))))
    height = max(1, round(max(np.linalg.norm(quad[3] - quad[0]), np.linalg.norm(quad[2] - quad[1]))))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    warp: Any = cv2.getPerspectiveTransform(quad.astype(np.float32), corners)
    level = cv2.warpPerspective(
        picture, warp, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(level, dtype=np.uint8)


def _under_seal(crop: Picture) -> Picture:
    """Take the colour off a line on which a seal was pressed over black print; leave any other as it is.

    The brightest channel shows coloured ink as near paper and black ink as black.
    """
    bright, dark = crop.max(axis=2), crop.min(axis=2)
    coloured = bright.astype(np.int16) - dark > _COLOURED
    black = (bright < _BLACK) & ~coloured
    if coloured.mean() < _SEAL_SHARE or black.mean() < _SEAL_SHARE:
        return crop
    return np.repeat(bright[..., None], 3, axis=2)


# -------------------------------------------------------------------------------------------------------- crops


def crop_picture(pictures: Sequence[Picture], page: int, box: Box, margin: int = 12) -> bytes:
    """Cut a box with a margin out of a page and give it as PNG.

    Raises:
        PageMissing: There is no such page.
    """
    if not 1 <= page <= len(pictures):
        raise PageMissing(page=page, pages=len(pictures))
    picture = pictures[page - 1]
    height, width = picture.shape[:2]
    left, top = min(max(0, box.left - margin), width - 1), min(max(0, box.top - margin), height - 1)
    right, bottom = (
        max(left + 1, min(width, box.right + margin)),
        max(top + 1, min(height, box.bottom + margin)),
    )
    out = io.BytesIO()
    Image.fromarray(picture[top:bottom, left:right]).save(out, "PNG")
    return out.getvalue()
