"""Turn a clean sheet into what an office scanner makes of it: paper, stamp, tilt, dust, noise, JPEG."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.float32]

SCALE = 2
"""Sheets are drawn at twice the size of the scan, so that edges come out as soft as a scanner's."""
WIDTH, HEIGHT = 1240, 1754
"""A4 at 150 dpi."""
STAMP_RED = (196, 32, 38)


@dataclass(frozen=True)
class Wear:
    """How badly a sheet was treated."""

    tilt_degrees: float
    noise: float
    quality: int
    fold: bool = False
    holes: bool = False
    staple: bool = False


def scan(sheet: Image.Image, wear: Wear, rng: np.random.Generator) -> Image.Image:
    """Scan a drawn sheet: the same sheet, wear and seed give the same picture."""
    small = sheet.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    ink = np.asarray(small, dtype=np.float32) / 255.0
    ink = 1.0 - (1.0 - ink) * (0.86 + 0.10 * _cloud(rng, 40))[..., None]
    page: Pixels = np.asarray(ink * _paper(rng), dtype=np.float32)
    if wear.fold:
        page *= _fold(rng)[..., None]
    if wear.holes:
        _punch(page)
    if wear.staple:
        _staple(page)
    page = _tilt(page, wear.tilt_degrees, rng)
    page *= _lid_shadow()[..., None]
    _dust(page, rng)
    page = cv2.GaussianBlur(page, (0, 0), 0.55).astype(np.float32)
    page += rng.normal(0.0, wear.noise / 255.0, page.shape[:2]).astype(np.float32)[..., None]
    page += rng.normal(0.0, wear.noise / 600.0, page.shape).astype(np.float32)
    return Image.fromarray((np.clip(page, 0, 1) * 255).astype(np.uint8))


def as_jpeg(picture: Image.Image, quality: int) -> bytes:
    """Compress as a scanner does, with halved colour."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, subsampling=2, dpi=(150, 150), optimize=True)
    return out.getvalue()


def _cloud(rng: np.random.Generator, cells: int) -> Pixels:
    """Give smooth random values between 0 and 1 over the page."""
    coarse = rng.random((cells, round(cells * WIDTH / HEIGHT))).astype(np.float32)
    return np.clip(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 1).astype(
        np.float32
    )


def _paper(rng: np.random.Generator) -> Pixels:
    tone = np.array([0.968, 0.960, 0.938], dtype=np.float32)
    fibre = 0.012 * (_cloud(rng, 220) - 0.5) + 0.02 * (_cloud(rng, 6) - 0.5)
    return np.asarray(tone * (1.0 + fibre)[..., None], dtype=np.float32)


def _fold(rng: np.random.Generator) -> Pixels:
    """Two creases of a letter folded in three."""
    rows = np.arange(HEIGHT, dtype=np.float32)
    light = np.ones(HEIGHT, dtype=np.float32)
    for third in (1, 2):
        at = HEIGHT * third / 3 + rng.uniform(-12, 12)
        light -= 0.075 * np.exp(-(((rows - at) / 1.6) ** 2)) - 0.03 * np.exp(-(((rows - at - 5) / 4) ** 2))
        light -= 0.02 * np.exp(-np.clip(rows - at, 0, None) / 40) * (rows > at)
    return np.repeat(light[:, None], WIDTH, axis=1)


def _punch(page: Pixels) -> None:
    for y in (HEIGHT // 2 - 236, HEIGHT // 2 + 236):
        cv2.circle(page, (58, y), 17, (0.30, 0.30, 0.31), -1, cv2.LINE_AA)
        cv2.circle(page, (57, y - 1), 18, (0.72, 0.72, 0.70), 2, cv2.LINE_AA)


def _staple(page: Pixels) -> None:
    cv2.line(page, (46, 74), (96, 46), (0.42, 0.42, 0.44), 3, cv2.LINE_AA)
    cv2.line(page, (48, 78), (98, 50), (0.80, 0.79, 0.77), 2, cv2.LINE_AA)


def _tilt(page: Pixels, degrees: float, rng: np.random.Generator) -> Pixels:
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 0.994)
    turn = turn + np.concatenate([np.zeros((2, 2)), rng.uniform(-4, 4, (2, 1))], axis=1)
    backing = (0.90, 0.90, 0.89)
    return cv2.warpAffine(
        page,
        turn,
        (WIDTH, HEIGHT),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=backing,
    ).astype(np.float32)


def _lid_shadow() -> Pixels:
    across = np.arange(WIDTH, dtype=np.float32)
    light = 1.0 - 0.16 * np.exp(-across / 14) - 0.10 * np.exp(-(WIDTH - across) / 30)
    down = 1.0 - 0.10 * np.exp(-np.arange(HEIGHT, dtype=np.float32) / 10)
    return (down[:, None] * light[None, :]).astype(np.float32)


def _dust(page: Pixels, rng: np.random.Generator) -> None:
    for _ in range(90):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        grey = float(rng.uniform(0.45, 0.85))
        cv2.circle(page, (x, y), int(rng.integers(0, 2)), (grey, grey, grey), -1, cv2.LINE_AA)
    streak = int(rng.integers(WIDTH // 3, WIDTH - 60))
    page[:, streak : streak + 2] *= 0.975


def round_stamp(
    text: str,
    foot: str,
    font_path: str,
    rng: np.random.Generator,
    radius: int = 250,
    colour: tuple[int, int, int] = STAMP_RED,
) -> Image.Image:
    """Draw a round office seal: ring, text along the upper arc, star, a line below; unevenly inked."""
    size = 2 * radius + 20
    seal = Image.new("RGBA", (size, size), (*colour, 0))
    draw = ImageDraw.Draw(seal)
    middle = size / 2
    draw.ellipse((10, 10, size - 10, size - 10), outline=(*colour, 255), width=max(8, radius // 22))
    font = ImageFont.truetype(font_path, round(radius * min(0.22, 3.4 / len(text))), index=2)
    spread = math.radians(252)
    for index, sign in enumerate(text):
        angle = -spread / 2 + spread * (index + 0.5) / len(text)
        letter = Image.new("RGBA", (radius // 2, radius // 2), (*colour, 0))
        ImageDraw.Draw(letter).text(
            (radius / 4, radius / 4), sign, font=font, fill=(*colour, 255), anchor="mm"
        )
        letter = letter.rotate(-math.degrees(angle), Image.Resampling.BICUBIC)
        reach = radius * 0.79
        x, y = middle + reach * math.sin(angle), middle - reach * math.cos(angle)
        seal.alpha_composite(letter, (round(x - radius / 4), round(y - radius / 4)))
    star = []
    for index in range(10):
        reach = radius * (0.30 if index % 2 == 0 else 0.115)
        star.append(
            (middle + reach * math.sin(index * math.pi / 5), middle - reach * math.cos(index * math.pi / 5))
        )
    draw.polygon(star, fill=(*colour, 255))
    draw.text((middle, middle + radius * 0.55), foot, font=font, fill=(*colour, 255), anchor="mm")
    alpha = np.asarray(seal.getchannel("A"), dtype=np.float32)
    patches = cv2.resize(rng.random((16, 16)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    grain = rng.random((size, size)).astype(np.float32)
    alpha *= np.clip(0.52 + 0.5 * patches, 0.4, 0.94) * (0.78 + 0.22 * grain)
    seal.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return seal.rotate(float(rng.uniform(-9, 9)), Image.Resampling.BICUBIC)


def press(sheet: Image.Image, seal: Image.Image, centre: tuple[int, int]) -> None:
    """Put a seal onto a sheet as ink does: it darkens what lies below."""
    left, top = centre[0] - seal.width // 2, centre[1] - seal.height // 2
    under = sheet.crop((left, top, left + seal.width, top + seal.height))
    colour = np.asarray(seal.convert("RGBA"), dtype=np.float32)
    below = np.asarray(under, dtype=np.float32)
    alpha = colour[..., 3:] / 255.0
    mixed = below * (1 - alpha) + below * (colour[..., :3] / 255.0) * alpha
    sheet.paste(Image.fromarray(mixed.astype(np.uint8)), (left, top))


def signature(
    sheet: Image.Image, start: tuple[int, int], rng: np.random.Generator, length: int = 380
) -> None:
    """Write an unreadable signature with a blue pen."""
    steps = np.linspace(0, 1, 160)
    waves = np.zeros_like(steps)
    for _ in range(4):
        waves += rng.uniform(12, 44) * np.sin(2 * np.pi * (rng.uniform(2, 9) * steps + rng.random()))
    lean = 18 * np.sin(2 * np.pi * rng.uniform(3, 6) * steps)
    points = [
        (start[0] + length * t + dx, start[1] + dy * (1 - 0.7 * t))
        for t, dx, dy in zip(steps, lean, waves, strict=True)
    ]
    draw = ImageDraw.Draw(sheet)
    for index in range(len(points) - 1):
        draw.line(
            (points[index], points[index + 1]), fill=(38, 52, 128), width=5 + (index % 9 == 0), joint="curve"
        )
    draw.line(
        ((start[0] - 20, start[1] + 46), (start[0] + length + 40, start[1] + 30)), fill=(38, 52, 128), width=4
    )
