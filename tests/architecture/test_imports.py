"""Imports run one way, and the rules import nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ["schema", "resolvers", "services", "domain", "db", "gateways", "live", "runtime"]
OUTSIDE = {"main", "tests", "bench", "examples"}


def imported(path: Path) -> Iterator[str]:
    """The full names that a file imports, wherever in it they stand."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_imports_run_one_way() -> None:
    """import-linter keeps every contract of pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_schema_module_has_a_layer() -> None:
    """Each module of schema stands in the layers of pyproject.toml, so none escapes their order."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    modules = {f"schema.{path.stem}" for path in (ROOT / "schema").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert modules - placed - {"schema.__init__", "schema.__pycache__"} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_what_stands_outside(package: str) -> None:
    """No package imports the composition root, the tests, the benchmarks or the examples."""
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in imported(path)
        if name.split(".")[0] in OUTSIDE
    ]
    assert found == []


def test_domain_imports_the_standard_library_alone() -> None:
    """A rule needs no library and no other folder."""
    names = {name.split(".")[0] for path in (ROOT / "domain").rglob("*.py") for name in imported(path)}
    assert names - sys.stdlib_module_names - {"domain"} == set()


def test_rules_have_no_clock() -> None:
    """Domain never asks for the time: now is an argument."""
    asked = re.compile(r"datetime\.(now|utcnow|today)\(|\btime\.(time|monotonic|perf_counter)|date\.today\(")
    assert [path.name for path in (ROOT / "domain").rglob("*.py") if asked.search(path.read_text())] == []


def test_rules_have_no_input_or_output() -> None:
    """Domain opens no file, socket or process."""
    doors = {"asyncio", "http", "io", "logging", "os", "pathlib", "socket", "subprocess", "tempfile", "urllib"}
    names = {name.split(".")[0] for path in (ROOT / "domain").rglob("*.py") for name in imported(path)}
    assert names & doors == set()
