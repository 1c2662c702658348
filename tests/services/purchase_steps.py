"""Steps that the tests of paid purchases share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.purchases import purchase_credits
from tests.builders import owner_of, wallet_with
from tests.services.test_settlement import apply, payment_of, request_for

if TYPE_CHECKING:
    from uuid import UUID

    from db.models.purchases import Purchase
    from domain.permissions import Actor
    from services.coffer import Coffer


async def paid(
    coffer: Coffer, wallet: UUID | None = None, key: str = "buy", **changes: object
) -> tuple[Actor, Purchase]:
    """A purchase whose payment the provider has told of; no provider runs in these tests."""
    actor = await owner_of(coffer)
    wallet = wallet or (await wallet_with(coffer, actor, 0)).uuid
    purchase = await purchase_credits(coffer, actor, request_for(wallet, key, **changes))
    said = await apply(coffer, payment_of(purchase, payment_id=f"pay-{purchase.uuid}"))
    assert said == "granted"
    return actor, purchase
