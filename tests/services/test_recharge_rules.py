"""What the database itself says of auto-recharge."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from db import recharges as queries
from db.models.recharges import Recharge
from domain.recharges import RechargeState
from tests.services.recharge_steps import Bank, recharging, with_bank

if TYPE_CHECKING:
    from domain.permissions import Actor
    from services.coffer import Coffer


async def test_the_database_refuses_a_second_attempt_under_way(coffer: Coffer, actor: Actor) -> None:
    """Two open attempts of one wallet can't be written, by whatever code."""
    wallet = await recharging(with_bank(coffer, Bank()), actor)
    async with coffer.database.reading() as session:
        auto = await queries.settings(session, wallet.id)
    assert auto

    async def write(number: int) -> None:
        values = {"project_id": wallet.project_id, "wallet_id": wallet.id, "wallet_uuid": wallet.uuid, "number": number}
        amounts = {"amount_minor": 1, "total_minor": 1, "currency": "INR", "state": RechargeState.CHARGING}
        async with coffer.database.transaction() as session:
            session.add(Recharge(uuid=uuid4(), saved_method_id=auto.saved_method_id, **values, **amounts))

    await write(1)
    with pytest.raises(IntegrityError, match="uq_recharge_open"):
        await write(2)
