"""A process whose clock tests move, and an owner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.builders import owner_of
from tests.services.job_steps import Clock
from tests.services.payout_steps import Payer, with_payer
from tests.services.split_steps import Splitter

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer


@pytest.fixture
def clock(coffer: Coffer) -> Clock:
    """The clock of `timed`."""
    return Clock(coffer)


@pytest.fixture
def timed(coffer: Coffer, clock: Clock) -> Coffer:
    """The process under a clock that tests move."""
    return replace(coffer, clock=clock)


@pytest.fixture
async def actor(coffer: Coffer) -> Actor:
    """An owner of the project whose jobs these are."""
    return await owner_of(coffer)


@pytest.fixture
def payer() -> Payer:
    """A provider of payouts."""
    return Payer()


@pytest.fixture
def paying(timed: Coffer, payer: Payer) -> Coffer:
    """A process with that provider, under a clock that tests move."""
    return with_payer(timed, payer)


@pytest.fixture
def splitter() -> Splitter:
    """A provider of orders that splits."""
    return Splitter()


@pytest.fixture
def splitting(timed: Coffer, splitter: Splitter) -> Coffer:
    """A process with that provider, under a clock that tests move."""
    return replace(timed, gateways={"simulated": splitter})  # type: ignore[dict-item]  # it gets no webhooks
