"""What is committed besides code: locks, and pages that need nothing from outside."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
VENDORED = ROOT / "runtime" / "static" / "graphiql"
SKIPPED = {".git", ".venv", ".coffer", "node_modules", "__pycache__"}
REGISTRY = re.compile(
    r"--(extra-)?index-url|--find-links|pypi\.org|pythonhosted\.org|npmjs\.|yarnpkg\.com|deb\.debian\.org"
    r"|\"resolved\": *\""
)
OUTSIDE = re.compile(r"(https?|wss?):(\\?/){2}(?!www\.w3\.org/)[^\s\"'`]*")
LOADED = re.compile(r"(src|href|action)\s*=\s*[\"']?\s*(https?:)?//|url\(\s*[\"']?(https?:)?//|@import")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def committed() -> list[Path]:
    """The files of the repository; in a copy without its history, every file that is not made here."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not SKIPPED & set(path.relative_to(ROOT).parts)]


def pins(lock: str) -> dict[str, str]:
    """The versions that a lock file names, by normalised package name."""
    text = (ROOT / lock).read_text()
    return {name.lower().replace("_", "-").replace(".", "-"): version for name, version in PINNED.findall(text)}


def declared() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def unmet(requirements: list[str], lock: str) -> list[str]:
    """The requirements that a lock does not satisfy."""
    pinned = pins(lock)
    wanted = [Requirement(text) for text in requirements]
    return [
        str(requirement)
        for requirement in wanted
        if not requirement.specifier.contains(pinned.get(requirement.name.lower(), "0"), prereleases=True)
    ]


def test_no_committed_file_names_a_package_registry() -> None:
    """Lock files and scripts leave the choice of a registry to the machine."""
    texts = [path for path in committed() if path != Path(__file__) and path.parent != VENDORED]
    named = [path for path in texts if REGISTRY.search(path.read_text(errors="ignore"))]
    assert named == []


def test_the_lock_satisfies_the_declared_dependencies() -> None:
    """Each dependency of pyproject.toml is locked at a version that it admits; `make lock` resolves anew."""
    assert unmet(declared()["dependencies"], "requirements.lock") == []


def test_the_development_lock_satisfies_its_extra() -> None:
    """Each development tool is locked at a version that pyproject.toml admits."""
    assert unmet(declared()["optional-dependencies"]["dev"], "requirements-dev.lock") == []


def test_tests_run_on_what_is_served() -> None:
    """The development lock pins every served package at the same version."""
    development = pins("requirements-dev.lock")
    served = pins("requirements.lock")
    assert {name: development.get(name) for name in served} == served


LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock", "examples/python/requirements.lock"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    """Each locked package carries the hashes of its files."""
    entries = re.split(r"^(?=\S)", (ROOT / lock).read_text(), flags=re.MULTILINE)
    assert [entry.split()[0] for entry in entries if entry.strip() and "--hash=sha256:" not in entry] == []


PAGES = sorted(
    path
    for path in (ROOT / "runtime").rglob("*")
    if path.suffix in {".html", ".css", ".js", ".svg"} and path.parent != VENDORED
)
OWN_PAGES = [*PAGES, *sorted(VENDORED.glob("page.*")), VENDORED / "index.html"]


@pytest.mark.parametrize("path", OWN_PAGES, ids=lambda path: str(path.relative_to(ROOT / "runtime")))
def test_pages_name_no_outside_address(path: Path) -> None:
    """A served page, style or script of ours has no absolute address besides XML namespaces."""
    assert OUTSIDE.search(path.read_text()) is None


@pytest.mark.parametrize("path", sorted(VENDORED.glob("*.css")), ids=lambda path: path.name)
def test_vendored_styles_load_nothing_from_outside(path: Path) -> None:
    """A vendored style holds its fonts and pictures itself."""
    assert LOADED.search(path.read_text()) is None


def test_pages_have_no_inline_script() -> None:
    """Every script is a file of its own, so that a policy of script-src 'self' lets it run."""
    pages = {path: path.read_text() for path in OWN_PAGES if path.suffix == ".html"}
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\son[a-z]+\s*=\s*[\"']|javascript:", re.IGNORECASE)
    assert [path for path, text in pages.items() if inline.search(text)] == []


def test_vendored_files_are_those_that_were_built() -> None:
    """GraphiQL's vendored files have the versions of its lock; `make graphiql` makes them anew."""
    lock = json.loads((ROOT / "deploy" / "graphiql" / "package-lock.json").read_text())
    wanted = {
        name.removeprefix("node_modules/"): entry["version"]
        for name, entry in lock["packages"].items()
        if name and not entry.get("dev")
    }
    notices = (VENDORED / "LICENSES.txt").read_text()
    assert [name for name, version in wanted.items() if f"{name} {version}\n" not in notices] == []
