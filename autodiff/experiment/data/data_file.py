"""A file of data that a config names: read with the config, and known by its bytes from then on."""

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from autodiff.experiment.errors import reason

LARGEST = 512 * 1024**2  # bytes
KEPT = "data.csv"  # what a record calls its copy, whatever the file was called

_place: ContextVar[tuple[Path, bool]] = ContextVar("place", default=(Path(), False))


@contextmanager
def beside(config: Path, *, is_record: bool) -> Iterator[None]:
    """Look for files beside a config. That of a record has a copy of its own: a file with that hash is there."""
    token = _place.set((config.parent, is_record))
    try:
        yield
    finally:
        _place.reset(token)


class DataFile:
    """A file by the name that a config gives it, relative to the config, and its bytes.

    A config may say `points.csv`, or {name: points.csv, sha256: ...}, and is refused if the file has another hash. Two
    are the same if both are.
    """

    def __init__(self, name: str, contents: bytes, sha256: str) -> None:
        self.name, self.contents, self.sha256 = name, contents, sha256

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataFile) and (self.name, self.sha256) == (other.name, other.sha256)

    def __hash__(self) -> int:
        return hash((self.name, self.sha256))

    def __repr__(self) -> str:
        return f"DataFile({self.name!r})"

    def plain(self) -> dict[str, str]:
        """Return what a config says of it."""
        return {"name": self.name, "sha256": self.sha256}

    @classmethod
    def read(cls, value: Any) -> "DataFile":
        """Return the file that a value of a config names. Raises PydanticCustomError."""
        if isinstance(value, DataFile):
            return value
        named = value if isinstance(value, Mapping) else {"name": value}
        name, sha256 = named.get("name"), named.get("sha256")
        if not isinstance(name, str) or not isinstance(sha256, str | None) or named.keys() - {"name", "sha256"}:
            raise _wrong(f"must be {WANTED}, found {value!r:.60}")
        folder, is_record = _place.get()
        path = folder / (KEPT if is_record and sha256 is not None else Path(name).expanduser())
        contents, found = _read(path)
        if sha256 is not None and found != sha256:
            advice = "train with what it was, or leave sha256 out to train with what it is now"
            raise _wrong(f"{shown(path)} has changed: its SHA-256 is {found}, not {sha256}; {advice}")
        return cls(name, contents, found)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda file: file, when_used="always"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {"type": "string"}
        with_hash = {
            "type": "object",
            "properties": {"name": text, "sha256": text},
            "required": ["name"],
            "additionalProperties": False,
        }
        return {"anyOf": [text, with_hash]}


WANTED = "the path of a file, relative to this config"


def _read(path: Path) -> tuple[bytes, str]:
    """Return the bytes of a file and their hash. Raises PydanticCustomError."""
    where = shown(path)
    try:
        if path.is_dir():
            raise _wrong(f"{where} is a folder; name a file in it")
        state = path.stat()
        if state.st_size > LARGEST:
            size = f"{state.st_size / 1024**2:,.0f} MB"
            raise _wrong(f"{where} has {size}; at most {LARGEST // 1024**2} MB are read, for this machine's memory")
        return _contents(path.absolute(), state.st_mtime_ns, state.st_size)
    except PydanticCustomError:  # which is a ValueError
        raise
    except FileNotFoundError:
        if path.name == KEPT and _place.get()[1]:
            raise _wrong(f"{where} is gone, where the record had its points") from None
        raise _wrong(f"{where}: no such file{_nearest(path)}") from None
    except OSError as error:
        raise _wrong(f"{where}: cannot be read: {reason(error)}") from None
    except ValueError as error:  # a null character in the name
        raise _wrong(f"{where}: cannot be read: {error}") from None


@lru_cache(maxsize=4)  # the configs of a study mostly share one
def _contents(path: Path, modified: int, size: int) -> tuple[bytes, str]:
    """Return the bytes of a file, as it was last modified, and their hash. Raises OSError."""
    contents = path.read_bytes()
    return contents, hashlib.sha256(contents).hexdigest()


def _nearest(path: Path) -> str:
    """Suggest the file that was meant by the name of a missing one."""
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())
    except OSError:
        return f" (nor is there a folder {shown(path.parent)})"
    nearest = difflib.get_close_matches(path.name, names, n=1)
    return f" (did you mean {shown(Path(nearest[0]))}?)" if nearest else ""


def shown(path: Path) -> str:
    """Return a path on one line."""
    return str(path) if str(path).isprintable() else repr(str(path))


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("contradiction", "{message}", {"message": message})
