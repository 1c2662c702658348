"""Coffer's command line, and the one place where its parts are put together."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import uvloop

from db import projects
from db.database import Database
from db.migrate import upgrade
from db.reconcile import reconcile
from domain.errors import DomainError
from domain.permissions import Actor, Role
from domain.wallets import OwnerType
from runtime.children import ServerError
from runtime.embedded import embedded
from runtime.settings import Settings, read_settings
from runtime.telemetry import configure_logs
from services.gateways import give_gateways
from services.keys import issue_key
from services.wallets import create_wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEMO_PROJECT = "demo"


def say(line: str) -> None:
    """A progress line; standard output belongs to a command's result."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def servers(settings: Settings, progress: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    """The addresses of PostgreSQL and Redis: from the settings, or embedded ones."""
    if settings.database_url and settings.redis_url:
        yield settings.database_url, settings.redis_url
        return
    with embedded(settings.data_dir, progress) as running:
        yield settings.database_url or running.database_url, settings.redis_url or running.redis_url


def run_serve(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Migrate, seed the demo project and serve."""
    from runtime.serving import serve  # noqa: PLC0415 - the other commands start without it

    with servers(settings, say) as (database_url, redis_url):
        say("Migrating ...")
        upgrade(database_url)
        uvloop.run(seed(settings, database_url, redis_url))
        say(f"Coffer serves {settings.public_url}/graphql (GraphiQL in a browser). Stop with Ctrl-C.")
        say("A key: .venv/bin/python main.py key --project demo --role owner")
        uvloop.run(serve(settings, database_url, redis_url))
    say("Stopped.")
    return 0


def run_work(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Do background work without serving."""
    from runtime.process import work  # noqa: PLC0415 - the other commands start without it

    with servers(settings, say) as urls:
        uvloop.run(work(settings, *urls))
    return 0


def run_migrate(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Bring the database to the newest schema."""
    with servers(settings, say) as (database_url, _):
        upgrade(database_url)
    return 0


def run_seed(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Make the demo project."""
    with servers(settings, say) as urls:
        upgrade(urls[0])
        uvloop.run(seed(settings, *urls))
    return 0


def run_key(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print a new API key."""

    async def issue(database_url: str) -> str:
        database = Database(database_url)
        try:
            return (await issue_key(database, arguments.project, Role[arguments.role.upper()])).secret
        finally:
            await database.close()

    with servers(settings, lambda _line: None) as (database_url, _):
        upgrade(database_url)
        print(uvloop.run(issue(database_url)))
    return 0


def run_gateways(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the payment providers that a project may use, the default first; --use chooses them."""
    from runtime.process import open_coffer  # noqa: PLC0415 - most commands start without it

    async def give(database_url: str, redis_url: str) -> list[str]:
        async with open_coffer(settings, database_url, redis_url) as coffer:
            return await give_gateways(coffer, arguments.project, arguments.use)

    with servers(settings, lambda _line: None) as urls:
        upgrade(urls[0])
        print("\n".join(uvloop.run(give(*urls))))
    return 0


def run_reconcile(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Check every invariant of every wallet."""
    with servers(settings, lambda _line: None) as (database_url, _):
        upgrade(database_url)
        report = uvloop.run(reconcile(database_url))
    for check in report["checks"]:
        broken = f": {check['violations']}, such as {check['wallets']}" if check["violations"] else ""
        say(f"{'BROKEN' if broken else 'ok':>6}  {check['promise']}{broken}")
    say(f"{report['wallets']:,} wallets, {report['transactions']:,} transactions, {report['violations']} violations.")
    print(json.dumps(report, indent=2, default=str))
    return 0 if report["violations"] == 0 else 1


def run_schema(_settings: Settings, _arguments: argparse.Namespace) -> int:
    """Print the GraphQL schema."""
    from schema.root import schema  # noqa: PLC0415 - the other commands start without it

    print(schema.as_str())
    return 0


def run_reference(_settings: Settings, _arguments: argparse.Namespace) -> int:
    """Print the reference of the GraphQL schema."""
    from schema.reference import reference  # noqa: PLC0415 - the other commands start without it
    from schema.root import schema  # noqa: PLC0415

    print(reference(schema._schema), end="")  # noqa: SLF001 - graphql-core's own schema
    return 0


def run_documents(settings: Settings, arguments: argparse.Namespace) -> int:
    """List the trusted documents, add those of files (a text, or JSON that names many), or remove some by id."""
    from schema.registry import change_documents  # noqa: PLC0415 - the other commands start without it

    print("\n".join(change_documents(settings.documents_dir, arguments.act, arguments.names)))
    return 0


async def seed(settings: Settings, database_url: str, redis_url: str) -> None:
    """Make the demo project with one wallet for each type of owner, unless it is there."""
    from runtime.process import open_coffer  # noqa: PLC0415 - most commands start without it

    async with open_coffer(settings, database_url, redis_url) as coffer:
        async with coffer.database.transaction() as session:
            key = await projects.open_project(session, DEMO_PROJECT)
        actor = Actor(key.id, Role.OWNER)
        for owner_type in OwnerType:
            await create_wallet(coffer, actor, owner_type, f"demo-{owner_type.name.lower()}", None)


COMMANDS = {
    "serve": run_serve,
    "work": run_work,
    "migrate": run_migrate,
    "seed": run_seed,
    "key": run_key,
    "gateways": run_gateways,
    "reconcile": run_reconcile,
    "schema": run_schema,
    "reference": run_reference,
    "documents": run_documents,
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="main.py", description="Coffer: a self-hosted credit wallet.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, act in COMMANDS.items():
        command = commands.add_parser(name, help=act.__doc__, description=act.__doc__)
        if name == "gateways":
            command.add_argument("--project", required=True, help="its name")
            command.add_argument("--use", nargs="*", metavar="GATEWAY", help="none at all: every configured one")
        if name == "documents":
            command.add_argument("act", choices=["list", "add", "remove"])
            command.add_argument("names", nargs="*", metavar="FILE or ID")
        if name == "key":
            command.add_argument("--project", required=True, help="its name; a new one makes the project")
            command.add_argument("--role", required=True, choices=[role.name.lower() for role in Role])
    return parser.parse_args(arguments)


def main() -> NoReturn:
    """Run a command; the exit code is 0 when it did what it says."""
    configure_logs()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A job in the background of a shell starts with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = parse()
    try:
        sys.exit(COMMANDS[arguments.command](read_settings(), arguments))
    except (ServerError, DomainError, ValueError) as fault:
        say(f"{arguments.command}: {fault}")
        sys.exit(1)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)


if __name__ == "__main__":
    main()
