"""Who may know whom: DESIGN.md's rules, read from the imports of every file."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from autodiff import public
from autodiff.compiler.record.kinds import is_trusted_file

ROOT = Path(__file__).parents[1]
FILES = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
    for path in ROOT.glob("autodiff/**/*.py")
}
FILES["cli"] = ROOT / "cli.py"

OUTSIDE_ENGINE = ("autodiff.experiment", "autodiff.compiler", "autodiff.__main__")
FACE = {"autodiff", "autodiff.public"}
"""They gather the public names, of the engine and of the compiler, and load one of adrun's when it is asked for."""
LOADED_WHEN_ASKED_FOR = "autodiff.experiment.runs.loading"
ENGINE = {name for name in FILES if name != "cli" and not name.startswith(OUTSIDE_ENGINE)} - FACE
USING_MORE = {"autodiff.model_files": "safetensors", "autodiff.drawing.draw": "graphviz"}
"""It writes a format that others read, by its library."""
PUBLIC_MODULES = {"autodiff", "autodiff.functional", "autodiff.gradcheck"}


def imports_of(name, source, at_the_top_only=False):
    """Return the full names a module imports: `a.b` for `import a.b`, `a.b.c` for `from a.b import c`."""
    tree = ast.parse(source)
    found = set()
    for node in tree.body if at_the_top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")
                base = ".".join([*parts[: len(parts) - node.level], *filter(None, [base])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


@cache
def imports(name, at_the_top_only=False):
    return imports_of(name, FILES[name].read_text(encoding="utf-8"), at_the_top_only)


def modules_imported(name):
    """Return which of our own modules a module imports, be it in a function or for type checkers alone."""
    found = (imported if imported in FILES else imported.rpartition(".")[0] for imported in imports(name))
    return {module for module in found if module in FILES}


def within(imported, *packages):
    """Return whether an imported name is one of these packages or something in them."""
    return any(imported == package or imported.startswith(f"{package}.") for package in packages)


def is_standard(imported):
    return imported.split(".")[0] in sys.stdlib_module_names


def offenders(modules, allowed, **options):
    """Return the imports of these modules that are not allowed, as `module -> import`."""
    return sorted(
        f"{name} -> {imported}" for name in modules for imported in imports(name, **options) if not allowed(imported)
    )


# The reader of imports itself


def test_every_kind_of_import_is_read():
    source = "import a.b as x\nfrom c import d, e\ndef f():\n    from .near import g\n    from . import h\n"
    assert imports_of("p.q.m", source) == {"a.b", "c.d", "c.e", "p.q.near.g", "p.q.h"}
    assert imports_of("p.q.m", source, at_the_top_only=True) == {"a.b", "c.d", "c.e"}


def test_the_files_of_the_engine_are_found():
    assert {"autodiff.graph", "autodiff.tensor", "autodiff.modules.linear", "autodiff.optimizers.adam"} <= ENGINE
    assert not any("experiment" in name for name in ENGINE)


# Circles


def circle_in(modules):
    """Return a circle of modules that import each other; nothing if there is none."""
    try:
        TopologicalSorter(modules).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_a_circle_would_be_seen():
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert {"autodiff.graph", "autodiff.saved"} <= modules_imported("autodiff.tensor")
    assert "autodiff.experiment.config.load" in modules_imported("cli")  # within a function
    assert "autodiff.public" in modules_imported("autodiff")  # for type checkers


def test_no_modules_import_each_other():
    """Not even within functions or for type checkers alone: what needs that is one module, or one too many."""
    assert LOADED_WHEN_ASKED_FOR in modules_imported("autodiff.public")
    known = {name: modules_imported(name) for name in FILES}
    for name in FACE:
        known[name] = known[name] - {LOADED_WHEN_ASKED_FOR}
    assert circle_in(known) == []


# The rules


def test_rules_know_numpy_and_how_to_declare_them_alone_and_functional_knows_the_rules():
    for package in ("autodiff.rules", "autodiff.functional"):
        members = [name for name in FILES if within(name, package)]
        assert members
        known = ("numpy", *(f"autodiff.{name}" for name in ("declarations", "function", "trees", "rules")), package)
        allowed = lambda i, known=known: is_standard(i) or within(i, *known)
        assert offenders(members, allowed) == []


def test_modules_know_the_core_and_functional_and_nothing_that_uses_them():
    members = [name for name in FILES if within(name, "autodiff.modules")]
    assert members
    later = ("optimizers", "model_files", "samples", "gradcheck", "catalogue", "aliases", "public")
    assert offenders(members, lambda i: not within(i, *[f"autodiff.{name}" for name in later])) == []


def test_the_engine_imports_numpy_and_the_standard_library_alone():
    allowed = lambda i: is_standard(i) or within(i, "numpy", "autodiff")
    assert offenders(ENGINE - {*USING_MORE}, allowed) == []


@pytest.mark.parametrize("name", USING_MORE)
def test_two_files_import_a_library_more_where_they_use_it(name):
    allowed = lambda i: is_standard(i) or within(i, "numpy", "autodiff")
    assert offenders([name], lambda i: allowed(i) or within(i, USING_MORE[name])) == []
    assert offenders([name], allowed, at_the_top_only=True) == []


def test_the_engine_knows_neither_experiment_nor_the_compiler_nor_cli():
    assert offenders(ENGINE, lambda i: not within(i, *OUTSIDE_ENGINE, "cli")) == []


def test_the_engine_and_the_compiler_do_not_name_experiment():
    inside = [name for name in FILES if within(name, "autodiff") and not within(name, "autodiff.experiment")]
    assert len(inside) > len(ENGINE)
    named = {name: FILES[name].read_text(encoding="utf-8").count("experiment") for name in inside}
    assert {name: count for name, count in named.items() if count} == dict.fromkeys(FACE, 1)


def test_the_compiler_looks_into_functions_of_experiment_and_not_into_the_engines():
    outside = [name for name in FILES if within(name, "autodiff.experiment") and name.count(".") > 2]
    assert "autodiff.experiment.training.training" in outside
    assert [name for name in outside if is_trusted_file(str(FILES[name]))] == []
    assert [name for name in ENGINE | FACE if not is_trusted_file(str(FILES[name]))] == []
    assert [name for name in FILES if within(name, "autodiff.compiler") and not is_trusted_file(str(FILES[name]))] == []


def test_the_compiler_knows_the_engine_numpy_and_the_standard_library_alone():
    compiler = [name for name in FILES if within(name, "autodiff.compiler")]
    allowed = lambda i: is_standard(i) or (within(i, "numpy", "autodiff") and not within(i, "autodiff.experiment"))
    assert offenders(compiler, allowed) == []


def test_a_room_of_the_compiler_knows_itself_and_those_before_it():
    rooms = ("record", "passes", "replay")
    for i, room in enumerate(rooms):
        members = [name for name in FILES if within(name, f"autodiff.compiler.{room}")]
        assert members, room
        later = [f"autodiff.compiler.{other}" for other in (*rooms[i + 1 :], "compiler", "captured")]
        assert offenders(members, lambda imported, later=later: not within(imported, *later)) == []


def is_public(imported):
    """Return whether an imported name is part of the engine's public face."""
    module, _, last = imported.rpartition(".")
    if within(imported, "autodiff.experiment") or imported in PUBLIC_MODULES:
        return True
    if module == "autodiff":
        return last in public.__all__
    return module in PUBLIC_MODULES and not last.startswith("_")


def test_experiment_and_cli_know_the_engine_through_its_public_names():
    outside = [name for name in FILES if within(name, "autodiff.experiment", "cli")]
    assert offenders(outside, lambda i: not within(i, "autodiff") or is_public(i)) == []


def test_experiment_uses_no_attribute_of_autodiff_that_is_not_public():
    for name in (name for name in FILES if within(name, "autodiff.experiment")):
        for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ad":
                assert node.attr in public.__all__, f"{name}: ad.{node.attr}"


def test_cli_imports_only_typer_and_the_standard_library_at_the_top():
    assert offenders(["cli"], lambda i: is_standard(i) or within(i, "typer"), at_the_top_only=True) == []


def test_the_command_knows_the_standard_library_alone():
    assert offenders(["autodiff.__main__"], is_standard) == []


ROOMS = ("parts", "data", "config", "training", "pictures", "runs", "studies", "report")


def test_a_room_of_experiment_knows_itself_and_those_before_it():
    for i, room in enumerate(ROOMS):
        members = [name for name in FILES if within(name, f"autodiff.experiment.{room}")]
        assert members, room
        later = [f"autodiff.experiment.{other}" for other in ROOMS[i + 1 :]]
        assert offenders(members, lambda imported, later=later: not within(imported, *later)) == []


def test_what_all_rooms_of_experiment_share_knows_none_of_them():
    rooms = [f"autodiff.experiment.{room}" for room in ROOMS]
    shared = [name for name in FILES if within(name, "autodiff.experiment") and not within(name, *rooms)]
    assert "autodiff.experiment.errors" in shared
    assert offenders(shared, lambda imported: not within(imported, *rooms)) == []


def test_cli_knows_experiment_and_not_the_engine():
    assert offenders(["cli"], lambda i: not within(i, "autodiff") or within(i, "autodiff.experiment")) == []


# Trees

WRITERS = {"text", "tree", "index_text", "show"}
"""They write nested arguments as text for people, each in its own way."""


def walkers(source):
    """Return the names of the functions that ask for a list, tuple or dict themselves, and call themselves."""
    found = set()
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            calls = [(ast.unparse(node.func), node.args) for node in ast.walk(function) if isinstance(node, ast.Call)]
            called = {name for name, _ in calls} | {ast.unparse(args[0]) for name, args in calls if name == "map"}
            kinds = [ast.unparse(args[1]) for name, args in calls if name == "isinstance"]
            asks = any(re.search(r"\b(list|tuple|dict|SEQUENCE)\b", kind) for kind in kinds)
            if asks and {function.name, f"self.{function.name}"} & called:
                found.add(function.name)
    return found


def test_a_walker_would_be_seen():
    source = (
        "def nested(a):\n    return 1 + nested(a[0]) if isinstance(a, list) else 0\n"
        "def kept(a):\n    return kept(a - 1) if a else 0\n"
        "def by_map(a):\n    return [*map(by_map, a)] if isinstance(a, dict | tuple) else a\n"
    )
    assert walkers(source) == {"nested", "by_map"}
    assert walkers(FILES["autodiff.trees"].read_text(encoding="utf-8")) == {"flatten"}


def test_trees_alone_walks_nested_lists_tuples_and_dicts():
    inside = [name for name in FILES if within(name, "autodiff") and not within(name, "autodiff.experiment")]
    found = {name: walkers(FILES[name].read_text(encoding="utf-8")) for name in inside if name != "autodiff.trees"}
    assert set().union(*found.values()) - WRITERS == set(), found


# What is loaded

HEAVY = ["matplotlib", "PIL", "imageio", "pydantic", "typer", "yaml", "safetensors", "torch", "autodiff.experiment"]


@pytest.mark.parametrize("name", ["Tensor", "functional", "gradcheck"])
def test_using_the_engine_loads_nothing_heavy(name):
    script = f"import sys; from autodiff import {name}; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_using_the_engine_loads_nothing_but_numpy_from_outside_the_standard_library():
    script = (
        "import sys, numpy.random; before = set(sys.modules); from autodiff import Tensor, gradcheck\n"
        "print({n.split('.')[0] for n in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(ast.literal_eval(result.stdout)) <= {"autodiff", "numpy"}


def test_a_star_import_brings_the_public_names():
    script = "from autodiff import *; print(Tensor.__name__, grad.__name__, functional.__name__)"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["Tensor", "grad", "autodiff.functional"]


@pytest.mark.parametrize("name", ["modules.linear", "compiler.record.recording", "optimizers.sgd", "functional.losses"])
def test_a_module_may_be_the_first_that_is_imported(name):
    script = f"import autodiff.{name}, sys; print('autodiff.public' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
