"""Writing frames of palette indices as GIF, WebP, APNG and PNG."""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

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
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_KEEP, PNG_OVER = 0, 1  # what the GIF does: each frame stays, the next is laid over it
Indices = NDArray[np.uint8]


def write_animation(path: Path, frames: Iterable[Indices], length: int, palette: Palette, animation: Animation) -> None:
    """Write `length` frames (height, width) for ever repeated, the last of them held; atomically.

    Each frame is written when it has come, and two are held at a time, however many there are.
    """
    durations = [FRAME_MILLISECONDS] * (length - 1) + [LAST_FRAME_MILLISECONDS]
    with replacing(path) as temporary:
        if animation == "gif":
            write_gif(temporary, frames, palette, durations)
        elif animation == "apng":
            write_apng(temporary, frames, palette, durations)
        else:
            reel = Reel((with_colors(frame, palette) for frame in frames), length)
            reel.save(temporary, "WEBP", save_all=True, duration=durations, loop=0, lossless=True)


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


def write_apng(path: Path, frames: Iterable[Indices], palette: Palette, durations: list[int]) -> None:
    """Write an animated PNG of the first frame and then of each what changes (Portable Network Graphics, 3rd edition).

    Pillow compresses the pixels; its own writer of animations would hold all frames.
    """
    previous: Indices | None = None
    numbers = count()  # of the chunks that control and hold frames
    with path.open("wb") as file:
        for frame, duration in zip(frames, durations, strict=True):
            changed, corner = (frame, (0, 0)) if previous is None else changes(previous, frame)
            kinds = png_chunks(with_colors(changed, palette))
            if previous is None:
                file.write(PNG_SIGNATURE + png_chunk(b"IHDR", kinds["IHDR"]))
                file.write(png_chunk(b"acTL", struct.pack(">II", len(durations), 0)))
                file.write(png_chunk(b"PLTE", kinds["PLTE"]) + png_chunk(b"tRNS", kinds["tRNS"]))
            height, width = changed.shape
            control = struct.pack(
                ">IIIIIHHBB", next(numbers), width, height, *corner, duration, 1000, PNG_KEEP, PNG_OVER
            )
            file.write(png_chunk(b"fcTL", control))
            pixels = kinds["IDAT"]
            first = previous is None
            file.write(
                png_chunk(b"IDAT", pixels) if first else png_chunk(b"fdAT", struct.pack(">I", next(numbers)) + pixels)
            )
            previous = frame
        file.write(png_chunk(b"IEND", b""))


def png_chunks(image: Image.Image) -> dict[str, bytes]:
    """Return what the chunks of an image's PNG hold, by their kinds."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=TRANSPARENT)
    data, position = buffer.getvalue(), len(PNG_SIGNATURE)
    kinds: dict[str, bytes] = {}
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8].decode("ascii")
        kinds[kind] = kinds.get(kind, b"") + data[position + 8 : position + 8 + length]
        position += length + 12
    return kinds


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk: its length, kind, data and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class Reel(Image.Image):
    """Images one after the other as Pillow's writers ask for them: each is made when it is its turn, then forgotten."""

    def __init__(self, images: Iterator[Image.Image], length: int) -> None:
        super().__init__()
        self.images = images
        self.n_frames = length
        self.position = -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Go on to an image; going back, as writers do when they are done, changes nothing."""
        while self.position < frame:
            image = next(self.images)
            self.im, self._mode, self._size, self.palette = image.im, image.mode, image.size, image.palette
            self.position += 1


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
