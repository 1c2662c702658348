"""The settings of one process, read once from the environment."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.config import Config

from domain.fraud import HOME_COUNTRY
from domain.webhooks import KEEP_DAYS, LEAST_KEEP_DAYS
from gateways.accounts import GatewayAccounts
from runtime.gateways import read_accounts
from runtime.mail import DEFAULT_SENDER, read_sender, read_smtp_url
from runtime.storage import BunnyAccount, read_bunny

DEFAULT_PORT: Final = 8000
DEFAULT_SIMULATED_DELAY_MS: Final = 300
DEFAULT_SIMULATED_NOTICE_SECONDS: Final = 24 * 3_600
"""How long the simulated provider announces the debit of a mandate before it."""

_SIMULATED_FILE: Final = "simulated.secret"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may take of a process; each is a COFFER_ setting of the same name."""

    max_request_bytes: int = 2 * 1024 * 1024
    """A batch of 1,000 spends with metadata fits."""
    max_socket_message_bytes: int = 256 * 1024
    max_live_connections_per_project: int = 20_000
    """Sockets and event streams, in each process."""
    socket_init_seconds: float = 10.0
    """How long a socket may stay without connection_init."""
    operation_seconds: float = 30.0
    """How long a query or mutation may run."""
    max_cost_points: int = 10_000
    """What one operation may cost: an object is one point, a mutation ten, times the sizes of lists."""
    rate_points_per_second: int = 100_000
    """What a key may spend for long; more than the clients of one server ask for."""
    rate_burst_points: int = 1_000_000
    """What a key may spend at once after a rest."""
    anonymous_points_per_second: int = 1_000
    """The same for everybody without a key at one address; at once, ten seconds of it."""


@dataclass(frozen=True, slots=True)
class Origins:
    """How a request's origin is found out: which proxies are believed, and what says the country of an address.

    The country comes from a header of a trusted proxy, or from a file in MaxMind's format.
    """

    trusted_proxies: tuple[str, ...] = ()
    country_header: str = "cf-ipcountry"
    device_header: str = "x-device-id"
    country_file: Path | None = None
    home_country: str = HOME_COUNTRY


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; absent servers mean the embedded ones, and jobs inside the process without RabbitMQ.

    `jwt_secret` absent means that only API keys are accepted. `simulated_secret` signs the simulated provider's
    webhooks.
    """

    port: int
    bind_host: str
    data_dir: Path
    public_url: str
    database_url: str | None
    redis_url: str | None
    simulated_delay_ms: int
    simulated_secret: str
    jwt_secret: str | None
    allowed_origins: tuple[str, ...]
    documents_dir: Path | None = None
    """Where trusted documents are; `trusted_documents_only` refuses all others."""
    trusted_documents_only: bool = False
    fast_execution: bool = True
    """Whether plain operations and parts of answers are compiled (`schema.plans`, `schema.fast_execution`)."""
    limits: Limits = Limits()
    accounts: GatewayAccounts = field(default_factory=GatewayAccounts)
    queue_url: str | None = None
    bunny: BunnyAccount | None = None
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str = DEFAULT_SENDER
    simulated_notice_seconds: int = DEFAULT_SIMULATED_NOTICE_SECONDS
    origins: Origins = field(default_factory=Origins)
    webhook_retention_days: int = KEEP_DAYS
    """How long providers' messages are kept that were acted on."""


def read_settings() -> Settings:
    """Read COFFER_* from the environment. ValueError says which value can't be used."""
    config = Config(env_prefix="COFFER_")
    port = config("PORT", cast=int, default=DEFAULT_PORT)
    data_dir = Path(config("DATA_DIR", default=".coffer")).resolve()
    public_url = config("PUBLIC_URL", default=f"http://127.0.0.1:{port}").rstrip("/")
    origins = config("ALLOWED_ORIGINS", default="")
    return Settings(
        port=port,
        bind_host=config("BIND_HOST", default="127.0.0.1"),
        data_dir=data_dir,
        public_url=public_url,
        database_url=config("DATABASE_URL", default=None),
        redis_url=config("REDIS_URL", default=None),
        queue_url=_read_queue_url(config),
        simulated_delay_ms=config("SIMULATED_DELAY_MS", cast=int, default=DEFAULT_SIMULATED_DELAY_MS),
        simulated_notice_seconds=config("SIMULATED_NOTICE_SECONDS", cast=int, default=DEFAULT_SIMULATED_NOTICE_SECONDS),
        simulated_secret=config("SIMULATED_SECRET", default=None) or _kept_secret(data_dir),
        jwt_secret=config("JWT_SECRET", default=None),
        allowed_origins=tuple(origin.strip() for origin in origins.split(",") if origin.strip()),
        documents_dir=Path(config("DOCUMENTS_DIR", default=str(data_dir / "documents"))).resolve(),
        trusted_documents_only=config("TRUSTED_DOCUMENTS_ONLY", cast=bool, default=False),
        fast_execution=config("FAST_EXECUTION", cast=bool, default=True),
        limits=_read_limits(config),
        accounts=read_accounts(config, public_url),
        bunny=read_bunny(config),
        smtp_url=read_smtp_url(config),
        mail_from=read_sender(config),
        origins=_read_origins(config),
        webhook_retention_days=_read_retention(config),
    )


def _read_retention(config: Config) -> int:
    """How many days providers' messages are kept: not less than they may be delivered again."""
    days: int = config("WEBHOOK_RETENTION_DAYS", cast=int, default=KEEP_DAYS)
    if days < LEAST_KEEP_DAYS:
        raise ValueError(
            f"COFFER_WEBHOOK_RETENTION_DAYS is {LEAST_KEEP_DAYS} or more: providers deliver again for that long."
        )
    return days


def _read_queue_url(config: Config) -> str | None:
    """Where RabbitMQ answers; None when jobs stay inside the process."""
    url: str | None = config("QUEUE_URL", default=None) or None
    if url is not None and not (urlsplit(url).scheme in {"amqp", "amqps"} and urlsplit(url).hostname):
        raise ValueError("COFFER_QUEUE_URL is the address of a RabbitMQ, such as amqp://user:password@host:5672/.")
    return url


def _read_origins(config: Config) -> Origins:
    """What is believed about where requests come from. ValueError for an address that is none."""
    default = Origins()
    proxies = tuple(text.strip() for text in config("TRUSTED_PROXIES", default="").split(",") if text.strip())
    for proxy in proxies:
        try:
            ip_network(proxy)
        except ValueError as fault:
            raise ValueError(f"COFFER_TRUSTED_PROXIES has {proxy!r}, which is no address or network.") from fault
    file = config("COUNTRY_FILE", default=None)
    return Origins(
        proxies,
        config("COUNTRY_HEADER", default=default.country_header).lower(),
        config("DEVICE_HEADER", default=default.device_header).lower(),
        Path(file) if file else None,
        config("HOME_COUNTRY", default=default.home_country).upper(),
    )


def _read_limits(config: Config) -> Limits:
    """Every limit by its own name; a number that is not above zero would refuse everything."""
    values: dict[str, Any] = {
        limit.name: config(limit.name.upper(), cast=type(limit.default), default=limit.default)
        for limit in fields(Limits)
    }
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"COFFER_{name.upper()} is a number above zero.")
    limits = Limits(**values)
    if limits.max_cost_points > limits.rate_burst_points:
        raise ValueError("COFFER_RATE_BURST_POINTS is at least COFFER_MAX_COST_POINTS: else some operation never runs.")
    return limits


def _kept_secret(data_dir: Path) -> str:
    """The secret of this data folder, made at its first use, so that every process here signs alike."""
    path = data_dir / _SIMULATED_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write("whsec_" + secrets.token_hex(_SECRET_BYTES))
    except FileExistsError:
        pass
    return path.read_text()
