"""YAML as a config needs it: plain values with the position of each, and none of YAML 1.1's surprises.

PyYAML parses and keeps the marks; what a scalar means is decided here. `1e-2` is a number, `on`, `no`, dates and
`1:30` are texts, `010` is refused because half of its readers would take it for 8, and a key given twice is an error.
Tabs may separate, as YAML 1.2 has it, where PyYAML knows spaces alone; they never indent.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import yaml

Scalar = str | int | float | bool | None
Value = Scalar | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]

DEEPEST = 20  # levels of nesting: a config needs three
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BLANK_MISSING = re.compile(r"""[ \t]*(?:-[ \t]+)*["']?[A-Za-z_][\w.-]*["']?[ \t]*:(?=[^\s/\\:])""")

MOST_VALUES = 10_000  # after aliases are expanded, so that a "billion laughs" file ends here

WHOLE = re.compile(r"[-+]?[0-9][0-9_]*")
LEADING_ZERO = re.compile(r"[-+]?0[0-9_]*[0-9]")
DECIMAL = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: dict[str, float | bool | None] = {
    "null": None, "true": True, "false": False,
    ".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf,
}  # fmt: skip
WORDS = {"": None, "~": None, ".NaN": math.nan} | {
    spelling: value for word, value in _SPECIAL.items() for spelling in (word, word.capitalize(), word.upper())
}


@dataclass(frozen=True)
class Position:
    """A position in a text; lines and columns count from 1."""

    line: int
    column: int


class SourceError(Exception):
    """One mistake in the YAML itself and, where it is known, its position."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass
class Document:
    """The value of a YAML text, the position of each value and key by its path, and the mistakes that were survived."""

    value: Value = None
    positions: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    problems: list[tuple[Path, SourceError]] = field(default_factory=list)


def parse(text: str) -> Document:
    """Read one YAML document.

    Raises SourceError where the text is not YAML, holds several documents, or is too deep or too large. Mistakes that
    leave the rest readable (a repeated key, a number such as 010) are listed in `problems`: all are told at once.
    """
    document = Document()
    node = _compose(text)
    if node is not None:
        document.value = _Reader(document, _LINE_BREAK.split(text)).read(node, ())
    return document


def scalar(text: str) -> Scalar:
    """Return what an unquoted scalar means. Raises ValueError, with the advice, for a number with a leading zero."""
    if text in WORDS:
        return WORDS[text]
    if LEADING_ZERO.fullmatch(text):
        sign, digits = ("-" if text[0] == "-" else ""), text.lstrip("+-0_") or "0"
        raise ValueError(f"{text} is read as octal by some and as decimal by others; write {sign}{digits}")
    try:
        if WHOLE.fullmatch(text):
            return int(text)
        if DECIMAL.fullmatch(text):
            return float(text)
    except ValueError:  # a stray underscore, or more digits than Python will convert
        pass
    return text


def is_number(text: str) -> bool:
    """Tell whether an unquoted scalar would be a number."""
    try:
        return isinstance(scalar(text), int | float) and not isinstance(scalar(text), bool)
    except ValueError:
        return True


class _Loader(yaml.SafeLoader):
    """PyYAML's composer, with every unquoted scalar left as text, the depth bounded, and tabs where they are legal."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own name for a class attribute)
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise SourceError(f"nested more than {DEEPEST} levels deep", _next_position(self))
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.peek() == "\t":
            indents = not self.flow_level and not self._before()
            position = Position(self.line + 1, self.column + 1)
            self._skip_blanks()
            if indents and self.peek() not in _ENDS_A_LINE:
                raise SourceError("a tab character; YAML is indented with spaces", position)
            if not self.flow_level:
                self.allow_simple_key = False  # after "-\t", a key would be indented by the tab
            super().scan_to_next_token()

    def scan_plain_spaces(self, indent: int, start_mark: yaml.Mark) -> list[str] | None:
        blanks = self._blanks()
        if "\t" not in blanks:
            return super().scan_plain_spaces(indent, start_mark)
        self.forward(len(blanks))
        following = super().scan_plain_spaces(indent, start_mark)
        return [blanks] if following == [] else following

    def _blanks(self) -> str:
        """Return the spaces and tabs that follow."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        return str(self.prefix(length))

    def _skip_blanks(self) -> None:
        self.forward(len(self._blanks()))

    def _before(self) -> str:
        """Return what stands on the line up to here, but for blanks around it."""
        return str(self.buffer[self.pointer - self.column : self.pointer]).strip(" \t")


_ENDS_A_LINE = "#\0\r\n\x85\u2028\u2029"


def _compose(text: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        if not loader.check_node():
            return None
        node = loader.get_node()
        if loader.check_node():
            raise SourceError("a second document starts here; a config is one document", _next_position(loader))
        return node
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        position = Position(before.count("\n") + 1, error.position - before.rfind("\n"))
        raise SourceError(
            f"not text: the character U+{ord(text[error.position]):04X} cannot stand in YAML", position
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        first = next(_blanks_missing(_LINE_BREAK.split(text)[: mark.line + 1]), None) if mark else None
        if first:
            raise SourceError(_MISSING, first) from None
        raise SourceError(_explained(error, text), _position(mark) if mark else None) from None
    except ValueError:  # PyYAML's own, for an escape such as "\U00200000"
        raise SourceError("not YAML: an escape in quotes names no character") from None


def _explained(error: yaml.MarkedYAMLError, text: str) -> str:
    """Say what PyYAML found, in words for someone who did not write a parser."""
    problem = error.problem or "cannot be read"
    mark = error.problem_mark
    if mark is not None and "\t" in text[mark.index : mark.index + 1]:
        return "a tab character, where YAML knows only a space"
    if "undefined alias" in problem:
        return f"not YAML: {problem.replace('found ', '')} (an unquoted value that starts with * refers to an anchor)"
    if "mapping values are not allowed here" in problem:
        return "not YAML: a second ':' on this line, or a line that is indented wrongly"
    if "could not find expected ':'" in problem:
        return "not YAML: this line, or the one before it, lacks a ':' and a value"
    context = f" {error.context}" if error.context else ""
    return f"not YAML: {problem}{context}"


_MERGE = "merge keys (<<) are not read, as a config has no place for what is merged; write the fields out"
_MISSING = "a blank is missing after the ':'"


def _blanks_missing(lines: Sequence[str], first: int = 0) -> Iterator[Position]:
    """Yield where lines such as `epochs:5` lack a blank. first: the number of lines before these."""
    for number, line in enumerate(lines, first + 1):
        found = _BLANK_MISSING.match(line)
        if found:
            yield Position(number, found.end() + 1)


class _Reader:
    """Turns nodes into plain values and notes the position of each."""

    def __init__(self, document: Document, lines: Sequence[str]) -> None:
        self.document = document
        self.lines = lines
        self.count = 0

    def read(self, node: yaml.Node, path: Path) -> Value:
        position = _position(node.start_mark)
        self.document.positions[path] = position
        self.count += 1
        if self.count > MOST_VALUES or len(path) > DEEPEST:
            raise SourceError("too large once its aliases (*name) are expanded", position)
        if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":str"):
            return self._scalar(node, path)
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        self.document.problems.append((path, SourceError(f"the tag {tag} has no meaning in a config", position)))
        return None

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Scalar:
        if node.style is not None:  # quoted, or a block of text
            return str(node.value)
        start, end = node.start_mark, node.end_mark
        if not self.lines[start.line][: start.column].strip(" \t"):  # on lines of its own, where fields would be
            missing = list(_blanks_missing(self.lines[start.line : end.line + 1], start.line))
            self.document.problems += [(path, SourceError(_MISSING, position)) for position in missing]
            if missing:
                return None
        try:
            return scalar(node.value)
        except ValueError as error:
            self.document.problems.append((path, SourceError(str(error), _position(node.start_mark))))
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Value]:
        mapping: dict[str, Value] = {}
        for key_node, value_node in node.value:
            position = _position(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.document.problems.append(
                    ((*path, "?"), SourceError("a field's name must be a plain word", position))
                )
                continue
            key = str(key_node.value)
            if key_node.style is None and key == "<<":
                self.document.problems.append((path, SourceError(_MERGE, position)))
                continue
            if key_node.style is None and (missing := _BLANK_MISSING.match(key)):
                after = Position(position.line, position.column + missing.end())
                self.document.problems.append(((*path, key[: missing.end() - 1].strip()), SourceError(_MISSING, after)))
                continue
            if key in mapping:
                first = self.document.keys[(*path, key)]
                message = f"given twice, first at line {first.line}, column {first.column}; keep one"
                self.document.problems.append(((*path, key), SourceError(message, position)))
                continue
            self.document.keys[(*path, key)] = position
            mapping[key] = self.read(value_node, (*path, key))
        return mapping


def _next_position(loader: _Loader) -> Position:
    return _position(loader.peek_event().start_mark)  # type: ignore[no-untyped-call]


def _position(mark: yaml.Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)
