"""Which object store keeps documents: a folder in the data folder, or Bunny.net where its settings are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateways.storage import BUNNY_URL, BunnyZone, LocalFolder

if TYPE_CHECKING:
    from starlette.config import Config

    from gateways.storage import ObjectStore
    from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class BunnyAccount:
    """A storage zone of Bunny.net; `access_key` is its password."""

    zone: str
    base_url: str
    access_key: str = field(repr=False)


def read_bunny(config: Config) -> BunnyAccount | None:
    """Read COFFER_BUNNY_*; None when none is set. ValueError when one is missing."""
    zone, access_key = config("BUNNY_ZONE", default=""), config("BUNNY_ACCESS_KEY", default="")
    if not zone and not access_key:
        return None
    if not zone or not access_key:
        raise ValueError("Bunny's storage needs COFFER_BUNNY_ZONE and COFFER_BUNNY_ACCESS_KEY, both.")
    return BunnyAccount(zone, config("BUNNY_URL", default=BUNNY_URL), access_key)


def open_store(settings: Settings) -> ObjectStore:
    """The store that the settings name."""
    if settings.bunny is None:
        return LocalFolder(settings.data_dir / "documents")
    return BunnyZone(settings.bunny.base_url, settings.bunny.zone, settings.bunny.access_key)
