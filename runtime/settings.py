"""The settings of one process, read once from the environment."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from starlette.config import Config

from gateways.accounts import GatewayAccounts
from runtime.gateways import read_accounts

DEFAULT_PORT: Final = 8000
DEFAULT_SIMULATED_DELAY_MS: Final = 300
_SIMULATED_FILE: Final = "simulated.secret"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; absent servers mean the embedded ones.

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
    accounts: GatewayAccounts = field(default_factory=GatewayAccounts)


def read_settings() -> Settings:
    """Read COFFER_* from the environment. ValueError says which value can't be used."""
    config = Config(env_prefix="COFFER_")
    if config("QUEUE_URL", default=None):
        raise ValueError(
            "Jobs run inside the process; a RabbitMQ transport does not exist yet: unset COFFER_QUEUE_URL."
        )
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
        simulated_delay_ms=config("SIMULATED_DELAY_MS", cast=int, default=DEFAULT_SIMULATED_DELAY_MS),
        simulated_secret=config("SIMULATED_SECRET", default=None) or _kept_secret(data_dir),
        jwt_secret=config("JWT_SECRET", default=None),
        allowed_origins=tuple(origin.strip() for origin in origins.split(",") if origin.strip()),
        accounts=read_accounts(config, public_url),
    )


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
