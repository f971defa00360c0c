# ruff: noqa: PLR2004 — the numbers are the formats' own, from the specifications named below
"""What a picture file says of itself, read from its bytes without decoding a pixel.

Each function walks the whole structure, so that a file that is cut off is found here and not in a decoder.
Sources: PNG (ISO/IEC 15948), JPEG (ITU-T T.81 annex B), TIFF 6.0, WebP container (RFC 9649).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from inspection.refusals import AnimatedPicture, UploadMalformed, UploadTruncated

MOST_JPEG_SCANS = 100
"""A progressive JPEG has about ten scans; thousands of them only cost time."""


class Frame(NamedTuple):
    """Size of one page of a picture file, in pixels."""

    width: int
    height: int


def png_frame(data: bytes) -> Frame:
    """Walk the chunks of a PNG and give its size.

    Raises:
        UploadTruncated: No IEND chunk before the end of the file.
        UploadMalformed: A checksum is wrong or IHDR does not come first.
        AnimatedPicture: The file holds an animation control chunk.
    """
    position, frame, has_pixels = 8, None, False
    while True:
        if position + 12 > len(data):
            raise UploadTruncated(format="PNG", detail="no IEND")
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise UploadTruncated(format="PNG", detail=kind.decode("latin-1"))
        if zlib.crc32(data[position + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise UploadMalformed(format="PNG", detail="CRC")
        if frame is None:
            if kind != b"IHDR" or length != 13:
                raise UploadMalformed(format="PNG", detail="IHDR")
            frame = Frame(*struct.unpack_from(">II", data, position + 8))
        if kind == b"acTL":
            raise AnimatedPicture(format="PNG")
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            break
        position = end
    if not has_pixels:
        raise UploadMalformed(format="PNG", detail="IDAT")
    return frame


_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def jpeg_frame(data: bytes) -> Frame:
    """Walk the markers of a JPEG and give its size.

    Raises:
        UploadTruncated: No end-of-image marker.
        UploadMalformed: No frame header before the first scan, several frames, or absurdly many scans.
    """
    frame: Frame | None = None
    scans = 0
    for marker, body in _jpeg_segments(data):
        if marker in _FRAME_HEADERS:
            if frame is not None or body + 7 > len(data):
                raise UploadMalformed(format="JPEG", detail="SOF")
            height, width = struct.unpack_from(">HH", data, body + 3)
            frame = Frame(width, height)
        elif marker == 0xDA:
            scans += 1
            if frame is None or scans > MOST_JPEG_SCANS:
                raise UploadMalformed(format="JPEG", detail="SOS")
    if frame is None or not scans:
        raise UploadMalformed(format="JPEG", detail="SOF")
    return frame


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (marker, offset of the segment's length field) up to the end-of-image marker."""
    position = 2
    while True:
        marker, position = _jpeg_marker(data, position)
        if marker == 0xD9:
            return
        if marker in _STANDALONE:
            continue
        if position + 2 > len(data):
            raise UploadTruncated(format="JPEG", detail="segment")
        length = struct.unpack_from(">H", data, position)[0]
        if length < 2:
            raise UploadMalformed(format="JPEG", detail="segment")
        yield marker, position
        position += length
        if marker == 0xDA:
            following = _AFTER_SCAN.search(data, position)
            if following is None:
                raise UploadTruncated(format="JPEG", detail="no EOI")
            position = following.start()


def _jpeg_marker(data: bytes, position: int) -> tuple[int, int]:
    """Give the marker that stands here, after any fill bytes, and where its segment begins."""
    while data[position : position + 2] == b"\xff\xff":
        position += 1
    if position + 2 > len(data):
        raise UploadTruncated(format="JPEG", detail="no EOI")
    if data[position] != 0xFF:
        raise UploadMalformed(format="JPEG", detail="marker")
    return data[position + 1], position + 2


_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TIFF_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I"}
_WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 322, 323
_OFFSETS_AND_COUNTS = ((273, 279), (324, 325))


def tiff_frames(data: bytes, most: int) -> list[Frame]:
    """Walk the directories of a TIFF and give the size of each page; stops one page after `most`.

    Raises:
        UploadTruncated: A directory, strip or tile lies beyond the end of the file.
        UploadMalformed: The directories form a ring, or a page has no size.
    """
    order = "<" if data[:2] == b"II" else ">"
    frames: list[Frame] = []
    seen: set[int] = set()
    offset = _unpack(order + "I", data, 4)
    while offset and len(frames) <= most:
        if offset in seen:
            raise UploadMalformed(format="TIFF", detail="IFD ring")
        seen.add(offset)
        tags, offset = _tiff_directory(data, order, offset)
        frames.append(_tiff_frame(data, tags))
    if not frames:
        raise UploadMalformed(format="TIFF", detail="no IFD")
    return frames


def _tiff_directory(data: bytes, order: str, offset: int) -> tuple[dict[int, tuple[int, ...]], int]:
    wanted = {
        _WIDTH,
        _HEIGHT,
        _TILE_WIDTH,
        _TILE_HEIGHT,
        *(tag for pair in _OFFSETS_AND_COUNTS for tag in pair),
    }
    tags: dict[int, tuple[int, ...]] = {}
    count = _unpack(order + "H", data, offset)
    for index in range(count):
        entry = offset + 2 + 12 * index
        if entry + 12 > len(data):
            raise UploadTruncated(format="TIFF", detail="IFD")
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        if tag not in wanted or kind not in _TIFF_INTEGERS:
            continue
        size = number * _TIFF_SIZES[kind]
        start = entry + 8 if size <= 4 else _unpack(order + "I", data, entry + 8)
        if start + size > len(data):
            raise UploadTruncated(format="TIFF", detail=f"tag {tag}")
        tags[tag] = struct.unpack_from(f"{order}{number}{_TIFF_INTEGERS[kind]}", data, start)
    return tags, _unpack(order + "I", data, offset + 2 + 12 * count)


def _tiff_frame(data: bytes, tags: dict[int, tuple[int, ...]]) -> Frame:
    if not tags.get(_WIDTH) or not tags.get(_HEIGHT):
        raise UploadMalformed(format="TIFF", detail="size")
    for offsets, counts in _OFFSETS_AND_COUNTS:
        ends = (
            start + size for start, size in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)
        )
        if any(end > len(data) for end in ends):
            raise UploadTruncated(format="TIFF", detail="strip")
    tile = Frame((tags.get(_TILE_WIDTH) or (0,))[0], (tags.get(_TILE_HEIGHT) or (0,))[0])
    return Frame(max(tags[_WIDTH][0], tile.width), max(tags[_HEIGHT][0], tile.height))


def _unpack(form: str, data: bytes, offset: int) -> int:
    if offset + struct.calcsize(form) > len(data):
        raise UploadTruncated(format="TIFF", detail="IFD")
    number: int = struct.unpack_from(form, data, offset)[0]
    return number


def webp_frame(data: bytes) -> Frame:
    """Walk the chunks of a WebP and give the largest size that it states.

    Raises:
        UploadTruncated: The RIFF size goes beyond the end of the file.
        UploadMalformed: No picture chunk.
        AnimatedPicture: The file holds an animation.
    """
    end = 8 + struct.unpack_from("<I", data, 4)[0] if len(data) >= 12 else len(data) + 1
    if end > len(data):
        raise UploadTruncated(format="WebP", detail="RIFF")
    position = 12
    sizes: list[Frame] = []
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        body = position + 8
        if body + length > end:
            raise UploadTruncated(format="WebP", detail=kind.decode("latin-1"))
        if kind in {b"ANIM", b"ANMF"}:
            raise AnimatedPicture(format="WebP")
        sizes.extend(_webp_size(kind, data[body : body + min(length, 10)]))
        position = body + length + (length & 1)
    if not sizes:
        raise UploadMalformed(format="WebP", detail="VP8")
    return Frame(max(size.width for size in sizes), max(size.height for size in sizes))


def _webp_size(kind: bytes, head: bytes) -> Iterator[Frame]:
    if kind == b"VP8X" and len(head) == 10:
        yield Frame(1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little"))
    elif kind == b"VP8 " and len(head) == 10 and head[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 6)
        yield Frame(width & 0x3FFF, height & 0x3FFF)
    elif kind == b"VP8L" and len(head) >= 5 and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        yield Frame(1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF))
    elif kind in {b"VP8 ", b"VP8L", b"VP8X"}:
        raise UploadMalformed(format="WebP", detail=kind.decode("latin-1"))
