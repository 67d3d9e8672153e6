"""Models in files, in the safetensors format: arrays by name and a little text, which PyTorch and others read too.

The format is described at https://github.com/huggingface/safetensors. A file holds numbers and no code, so one that
somebody else wrote can do no harm when it is loaded. The library is imported when a file is written or read.
"""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.modules.module import Module
from autodiff.tensor import Tensor

DTYPES = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
"""What NumPy calls the format's dtypes, of those that a Tensor can have."""
METADATA = "__metadata__"
"""The format's name for the text in a file's header, where the names of the arrays stand too."""
LARGEST_HEADER = 100_000_000
"""Bytes. No reader accepts more: MAX_HEADER_SIZE of the safetensors library."""


# Writing


def save(
    model: Module | Mapping[str, Any], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a model's `state_dict()`, or any arrays by name, to a safetensors file. `load` returns them.

    The file appears whole or not at all: what stood at `path` stays until the new file is on the disk. The same arrays
    and metadata make the same bytes, in whatever order they are given.

    model: a Module, or a mapping of names to arrays, NumPy scalars or Tensors, of any shape and memory layout; of
    booleans, integers, float16, float32 or float64. Names are any text but "__metadata__".
    metadata: text by name, to go with the arrays. `load_metadata` returns it.

    Raises TypeError for what is no such mapping, array or text, ValueError for text that the format does not allow, and
    FileNotFoundError or another OSError when the folder does not exist or the file cannot be written.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> ad.save({"weight": np.ones(2)}, path, {"epoch": "3"})
    >>> ad.load(path), ad.load_metadata(path)
    ({'weight': array([1., 1.])}, {'epoch': '3'})
    """
    from safetensors.numpy import save as to_bytes

    written = memoryview(to_bytes(arrays_of(model)))
    end = 8 + int.from_bytes(written[:8], "little")
    header = with_metadata(bytes(written[8:end]), {} if metadata is None else metadata)
    write_whole(Path(path), (len(header).to_bytes(8, "little"), header, written[end:]))


def arrays_of(model: Any) -> dict[str, NDArray[Any]]:
    """Return a model's arrays by name, as the format stores them."""
    state = model.state_dict() if isinstance(model, Module) else model
    if not isinstance(state, Mapping):
        raise TypeError(
            "save takes a Module, or a mapping of names to arrays such as model.state_dict(), and then a path; "
            f"found {type(state).__name__} first"
        )
    for name in state:
        check_text("the name of an array", name)
        if name == METADATA:
            raise ValueError(f"no array can be named {METADATA!r}: the format keeps the metadata there; rename it")
    return {name: as_stored(name, value) for name, value in state.items()}


def as_stored(name: str, value: Any) -> NDArray[Any]:
    """Return a value as the format stores arrays: little-endian, row by row."""
    if isinstance(value, Tensor):
        value = value._data
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name!r} is a masked array, and its mask would be lost; save its data and its mask")
    if not isinstance(value, np.ndarray | np.generic):
        nested = isinstance(value, Mapping)
        remedy = "name what is in it, as 'outer.inner'" if nested else "make it an array, or text in the metadata"
        raise TypeError(f"{name!r} must be an array or a Tensor, found {type(value).__name__}; {remedy}")
    if value.dtype.name not in DTYPES.values():
        raise TypeError(
            f"{name!r} must be an array of one of {', '.join(DTYPES.values())}, found {value.dtype}; convert it, as "
            "with astype"
        )
    return np.asarray(value, value.dtype.newbyteorder("<"), order="C")


def with_metadata(header: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a file's header with metadata, sorted: the library writes it in an order that changes with the process.

    It is padded with spaces, so that the data starts at a multiple of 8 bytes, as the library has it.
    """
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a mapping of text to text, found {type(metadata).__name__}")
    for name, text in metadata.items():
        check_text("a name in the metadata", name)
        check_text(f"{name!r} in the metadata", text)
    if metadata:
        entries = {METADATA: dict(sorted(metadata.items())), **json.loads(header)}
        header = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
    if len(header) > LARGEST_HEADER:
        raise ValueError(
            f"the names and the metadata take {len(header):,} bytes, and the format allows {LARGEST_HEADER:,}; "
            "keep long text in a file of its own"
        )
    return header


def check_text(what: str, text: Any) -> None:
    """Raise TypeError for what is no text, and ValueError for text that no file can hold."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be text, found {type(text).__name__}: {text!r}; convert it, as with str")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} must be text that UTF-8 can encode, found {text!r}: {error.reason}") from None


def write_whole(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file that appears whole or not at all, even if the process is killed, the disk full or the power cut.

    A link stays one, and a file that is replaced hands on its permissions. OSError names `path`.
    """
    check_ordinary(path)
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "its folder does not exist; make it first", str(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "it is protected from being written", str(path))
    temporary = target.with_name(f".saving-{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


# Reading


def load(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file by name, sorted, for `model.load_state_dict(ad.load(path))`.

    They have the shapes and dtypes that were saved, and are the caller's own: writing to them does not reach the file.

    Raises FileNotFoundError or another OSError when there is no file to read, and ValueError when it is no safetensors
    file, is not whole, or has an array of a dtype that no Tensor has, such as PyTorch's bfloat16.
    """
    with opened(path) as file:
        names = sorted(file.keys())
        for name in names:
            code = file.get_slice(name).get_dtype()
            if code not in DTYPES:
                raise ValueError(
                    f"{os.fspath(path)}: {name!r} must have one of the dtypes {', '.join(DTYPES)}, found {code}; "
                    "convert the model where it was made, in PyTorch with model.float(), and save it again"
                )
        return {name: file.get_tensor(name) for name in names}


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the text that was saved with a safetensors file's arrays, sorted by name. Without any, the dict is empty.

    The arrays are not read. Raises OSError and ValueError as `load` does.
    """
    with opened(path) as file:
        return dict(sorted((file.metadata() or {}).items()))


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a safetensors file, to be read within the block."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    check_ordinary(path)
    path.open("rb").close()  # where there is none, or none to be read, Python's own error names it
    try:
        with safe_open(path, framework="np") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(
            f"{path} is no whole safetensors file ({error}); it was cut short, or is of another format: write it with "
            "ad.save or, from PyTorch, with safetensors.torch.save_file"
        ) from error


# Both


def check_ordinary(path: Path) -> None:
    """Raise OSError for a folder, a device and other things that are no file."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; name a file", str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is no ordinary file; name one", str(path))
