"""What pyproject.toml promises, and what stands in other files because of it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "pyproject.toml").read_text()
PYPROJECT = tomllib.loads(TEXT)
PROJECT = PYPROJECT["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
README = (ROOT / "README.md").read_text()

# The lowest versions


def minimum(requirement: str) -> str:
    """Return a requirement such as `numpy>=2.4` as the constraint to its lowest version, `numpy==2.4`."""
    parsed = Requirement(requirement)
    [specifier] = parsed.specifier
    assert specifier.operator == ">=", requirement
    return f"{parsed.name}=={specifier.version}"


def test_ci_tests_the_lowest_versions_that_are_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    assert "adrun[cluster,graph]" in extras["test"]
    tests = [requirement for requirement in extras["test"] if requirement != "adrun[cluster,graph]"]
    declared = PROJECT["dependencies"] + extras["cluster"] + extras["graph"] + tests
    lines = (ROOT / ".ci" / "lowest.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [minimum(requirement) for requirement in declared]
    assert "-c .ci/lowest.txt" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_dependency_has_its_reason(requirement: str) -> None:
    assert re.search(rf'^    "{requirement}", +# \w', TEXT, re.MULTILINE)


def test_the_pythons_named_are_those_allowed() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{named[0].replace('.', '')}"


# The readme on a package index


def readme_of_the_package() -> str:
    """Return the readme as the build rewrites it."""
    text = README
    for change in PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    return text


def test_every_link_of_the_readme_leads_into_the_repository() -> None:
    link = re.compile(r"(!\[[^]]*)?\]\(([^)]+)\)")  # a picture may itself be what leads to a page
    written, shown = link.findall(README), link.findall(readme_of_the_package())
    assert {bool(picture) for picture, _ in written} == {True, False}
    for (_, target), (picture, found) in zip(written, shown, strict=True):
        expected = f"{REPOSITORY}/{'raw' if picture else 'blob'}/HEAD/{target}"
        assert found == (target if target.startswith("https://") else expected)


def test_nothing_but_links_is_rewritten() -> None:
    assert re.sub(rf"{REPOSITORY}/(raw|blob)/HEAD/", "", readme_of_the_package()) == README


# What stands once


def test_every_address_is_within_the_repository() -> None:
    addresses = re.findall(r"https://[^\"' ]+", TEXT)
    assert len(addresses) > 1
    assert all(address == REPOSITORY or address.startswith(f"{REPOSITORY}/") for address in addresses)


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first
    assert first[1] == PROJECT["version"]
