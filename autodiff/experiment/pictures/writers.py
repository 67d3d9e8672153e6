"""Writing frames of palette indices as GIF, WebP, APNG and PNG."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from autodiff.experiment.files import replacing

from .film import Animation
from .palette import TRANSPARENT, Palette

FRAME_MILLISECONDS = 100
LAST_FRAME_MILLISECONDS = 1500
KEEP = 1  # each frame stays, and the next covers what changes
GIF_END = b";"
PILLOW_FORMATS: dict[Animation, tuple[str, dict[str, Any]]] = {
    "webp": ("WEBP", {"lossless": True}),
    "apng": ("PNG", {}),
}

Indices = NDArray[np.uint8]


def write_animation(path: Path, frames: Iterable[Indices], count: int, palette: Palette, animation: Animation) -> None:
    """Write `count` frames (height, width) for ever repeated, the last of them held; atomically."""
    durations = [FRAME_MILLISECONDS] * (count - 1) + [LAST_FRAME_MILLISECONDS]
    with replacing(path) as temporary:
        if animation == "gif":
            write_gif(temporary, frames, palette, durations)
        else:
            first, *rest = (with_colors(frame, palette) for frame in frames)
            name, options = PILLOW_FORMATS[animation]
            first.save(temporary, name, save_all=True, append_images=rest, duration=durations, loop=0, **options)


def write_gif(path: Path, frames: Iterable[Indices], palette: Palette, durations: list[int]) -> None:
    """Write a GIF of the first frame and then of each what changes: files are up to 60 % smaller.

    The encoder is Pillow's. Its `save` would look for changes once more, in copies of all frames, and write the palette
    with each of them.
    """
    previous: Indices | None = None
    with path.open("wb") as file:
        for frame, duration in zip(frames, durations, strict=True):
            if previous is None:
                header, _ = GifImagePlugin.getheader(with_colors(frame, palette), info={"loop": 0, "optimize": False})
                file.writelines(header)
                changed, corner = frame, (0, 0)
            else:
                changed, corner = changes(previous, frame)
            image = Image.fromarray(changed)
            data = GifImagePlugin.getdata(image, corner, duration=duration, disposal=KEEP, transparency=TRANSPARENT)
            file.writelines(data)
            previous = frame
        file.write(GIF_END)


def changes(before: Indices, after: Indices) -> tuple[Indices, tuple[int, int]]:
    """Return the part of a frame that differs from the one before, and the (x, y) of its corner.

    Pixels in it that do not differ are transparent, but for those between others that do, one of them in their colour:
    each run of one index costs bytes, and so there is one less. Where nothing changes, it is one transparent pixel.
    """
    differ = before != after
    left, top, right, bottom = Image.fromarray(differ.view(np.uint8)).getbbox() or (0, 0, 1, 1)
    part = slice(top, bottom), slice(left, right)
    pixels = differ[part].astype(np.uint16)
    pixels <<= 8
    pixels |= after[part]  # of one value: one run
    flat = pixels.reshape(-1)
    runs = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    index, written = flat[runs].astype(np.uint8), flat[runs] > TRANSPARENT
    alike = index[1:] == index[:-1]
    written[1:-1] |= written[:-2] & written[2:] & (alike[:-1] | alike[1:])
    index[~written] = TRANSPARENT
    return index.repeat(np.diff(runs, append=flat.size)).reshape(pixels.shape), (left, top)


def write_png(path: Path, frame: Indices, palette: Palette) -> None:
    """Write one frame as PNG with its palette, atomically."""
    with replacing(path) as temporary:
        with_colors(frame, palette).save(temporary, format="PNG")


def with_colors(frame: Indices, palette: Palette) -> Image.Image:
    """Return a frame as Pillow's palette image."""
    image = Image.fromarray(frame)
    image.putpalette(palette.rgb.tobytes())
    return image
