"""The shape of the code: limits on sizes and names."""

from __future__ import annotations

import ast
import statistics
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ["schema", "resolvers", "services", "domain", "db", "gateways", "live", "runtime"]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_MEDIAN_FUNCTION_LINES = 10
MAX_PARAMETERS = 6
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}

FOLDERS = [*PACKAGES, "tests", "bench", "examples"]
GENERATED = ROOT / "examples" / "python" / "coffer_client"
FOUND = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
PYTHON = [ROOT / "main.py", *sorted(path for path in FOUND if path.parent != GENERATED)]
SQL = sorted((ROOT / "db").rglob("*.sql"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def functions(path: Path) -> list[Function]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    docstring = ast.get_docstring(function, clean=False)
    return (function.end_lineno or 0) - function.lineno + 1 - (docstring.count("\n") + 1 if docstring else 0)


def test_files_stay_under_their_limit() -> None:
    """No source file has more than 300 lines."""
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in [*PYTHON, *SQL]}
    assert {name: lines for name, lines in long.items() if lines > MAX_FILE_LINES} == {}


def test_functions_fit_on_a_screen() -> None:
    """No function has more than 40 lines."""
    long = [f"{path.name}:{f.name} {length(f)}" for path in PYTHON for f in functions(path)]
    assert [name for name in long if int(name.rsplit(" ", 1)[1]) > MAX_FUNCTION_LINES] == []


def test_most_functions_are_short() -> None:
    """The median function of the application has at most 10 lines."""
    own = [path for path in PYTHON if path.relative_to(ROOT).parts[0] in PACKAGES]
    assert statistics.median(length(f) for path in own for f in functions(path)) <= MAX_MEDIAN_FUNCTION_LINES


def test_parameters_stay_under_their_limit() -> None:
    """No function takes more than 6 parameters, self and cls not counted."""
    found = []
    for path in PYTHON:
        for function in functions(path):
            names = [a.arg for a in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]]
            if len([name for name in names if name not in {"self", "cls"}]) > MAX_PARAMETERS:
                found.append(f"{path.name}:{function.name}")
    assert found == []


def test_no_module_has_a_vague_name() -> None:
    """There is no utils, helpers or manager module."""
    assert [path for path in PYTHON if path.stem in VAGUE_NAMES] == []


def test_packages_are_empty() -> None:
    """An __init__.py holds nothing, so every import names the module that declares the thing."""
    assert [path for path in PYTHON if path.name == "__init__.py" and path.read_text().strip()] == []
