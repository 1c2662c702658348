"""Two wallets of the real engine beside their models: each act is done in both and the answers are compared."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from db import ledger, moves, proof
from domain.errors import DomainError
from domain.ledger import ROUTES, SYSTEM_KEY, TransactionSource, TransactionType
from domain.pages import Page
from services.gifts import claim_gift, revoke_gift, send_gift
from services.grants import adjust_credits, grant_credits, post
from services.holds import capture_hold, complete_payout, hold, hold_payout, release_hold, release_payout
from services.moves import freeze_wallet, transfer_credits, unfreeze_wallet
from services.requests import CaptureRequest, GiftRequest, GrantRequest, HoldRequest
from services.spending import consume, consume_batch
from services.wallets import get_wallet
from tests.builders import spend_of
from tests.services import model as rules
from tests.services.model import Model, Set

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from services.coffer import Coffer

KEYS = [f"k{number}" for number in range(14)]
BASE = datetime.now(UTC) + timedelta(days=1)
END_LOTS = "update lot set expires_at = now() - interval '1 hour' where wallet_id = $1 and expires_at > now()"
END_HOLDS = "update hold set expires_at = now() - interval '2 hours' where wallet_id = $1 and status = 1 and kind = 1"
LOOK_AT = "update wallet set next_expiry_at = now() - interval '2 hours' where id = $1"
COMMITTED = {"spend", "batch"}
"""Acts whose refusals are answers; the others roll back, with what was due before them."""


class Engine:
    """Two wallets of the real engine, reached through two processes' connections, beside their models."""

    def __init__(self, coffers: list[Coffer], actor: Any, wallets: list[Any], admin: Any) -> None:  # noqa: ANN401
        self.coffers, self.actor, self.wallets, self.admin = coffers, actor, wallets, admin
        self.coffer = coffers[0]
        self.models = [Model(), Model()]
        self.sets: dict[str, list[tuple[str, Any]]] = {f"{kind}{n}": [] for kind in ("hold", "payout") for n in (0, 1)}
        self.gift: tuple[int, Any, Set] | None = None
        self.serial = 0

    async def act(self, process: int, place: int, step: tuple[Any, ...]) -> None:
        """Do one act in both and compare the answers."""
        self.coffer, kind, words = self.coffers[process], step[0].replace(" ", "_"), step[1:]
        saved = deepcopy((self.models, self.gift and self.gift[2]))
        answer = await getattr(self, f"_do_{kind}")(place, *words)
        if answer is not None and answer not in {"POSTED", "REPLAYED"} and step[0] not in COMMITTED:
            self.models, gift = saved
            if self.gift and gift:
                self.gift = (*self.gift[:2], gift)

    async def answer(self, expected: str, act: Awaitable[Any]) -> Any:  # noqa: ANN401 - any result
        """The result of an act that has to answer as the model did."""
        try:
            result = await act
        except DomainError as error:
            result, word_of_it = None, str(error.code.value)
        else:
            word_of_it = expected if expected in {"POSTED", "REPLAYED"} else "an answer without a refusal"
        assert word_of_it == expected
        return result

    def settled(self, place: int) -> Model:
        """The model of a wallet after what is due."""
        self.models[place].settle()
        return self.models[place]

    def where(self, place: int) -> tuple[Any, Any, Any]:
        """The first arguments of an act on a wallet."""
        return self.coffer, self.actor, self.wallets[place].uuid

    async def _do_spend(self, place: int, key: str, feature: str, units: int) -> str:
        expected = self.settled(place).spend(key, feature, units)
        spend = spend_of(self.wallets[place].uuid, feature, key, units=units)
        await self.answer(expected, consume(self.coffer, self.actor, spend))
        return expected

    async def _do_batch(self, place: int, steps: list[tuple[str, str, str, int]]) -> None:
        expected = [self.settled(place).spend(key, feature, units) for _, key, feature, units in steps]
        spends = [spend_of(self.wallets[place].uuid, feature, key, units=units) for _, key, feature, units in steps]
        assert [word(result) for result in await consume_batch(self.coffer, self.actor, spends)] == expected

    async def _do_grant(self, place: int, key: str, amount: int, priority: int, ending: bool) -> str:
        ends = KEYS.index(key) if ending else None
        expected = self.settled(place).grant(key, amount, priority, ends)
        until = BASE + timedelta(minutes=ends) if ends is not None else None
        request = GrantRequest(self.wallets[place].uuid, amount, "m", key, priority=priority, expires_at=until)
        await self.answer(expected, grant_credits(self.coffer, self.actor, request))
        return expected

    async def _do_adjust(self, place: int, key: str, amount: int) -> str:
        expected = self.settled(place).adjust(key, amount)
        await self.answer(expected, adjust_credits(*self.where(place), amount, "m", key))
        return expected

    async def _do_hold(self, place: int, key: str, amount: int) -> str:
        expected = self.settled(place).hold(key, amount)
        request = HoldRequest(self.wallets[place].uuid, key, amount, seconds=86_400)
        result = await self.answer(expected, hold(self.coffer, self.actor, request))
        if expected == "POSTED":
            self.sets[f"hold{place}"].append((key, result.hold.uuid))
        return expected

    async def _do_payout(self, place: int, key: str, amount: int) -> str:
        expected = self.settled(place).payout(key, amount)
        result = await self.answer(expected, hold_payout(*self.where(place), amount, "m", key))
        if expected == "POSTED":
            self.sets[f"payout{place}"].append((key, result.hold.uuid))
        return expected

    async def _do_capture(self, place: int, key: str, amount: int, final: bool) -> str | None:
        if not self.sets[f"hold{place}"]:
            return None
        name, uuid = self.sets[f"hold{place}"][-1]
        expected = self.settled(place).capture(key, name, amount, final=final)
        await self.answer(
            expected, capture_hold(self.coffer, self.actor, CaptureRequest(uuid, key, amount, final=final))
        )
        self.models[place].settle()
        return expected

    async def _do_release(self, place: int, key: str) -> str | None:
        if not self.sets[f"hold{place}"]:
            return None
        name, uuid = self.sets[f"hold{place}"][-1]
        expected = self.settled(place).close(key, self.models[place].holds, name, paid=False)
        await self.answer(expected, release_hold(self.coffer, self.actor, uuid, key))
        self.models[place].settle()
        return expected

    async def _do_close_payout(self, place: int, key: str, paid: bool) -> str | None:
        if not self.sets[f"payout{place}"]:
            return None
        name, uuid = self.sets[f"payout{place}"][-1]
        expected = self.settled(place).close(key, self.models[place].payouts, name, paid=paid)
        act = complete_payout if paid else release_payout
        await self.answer(expected, act(self.coffer, self.actor, uuid, key))
        self.models[place].settle()
        return expected

    async def _do_transfer(self, place: int, key: str, amount: int) -> str:
        giver, taker = self.settled(place), self.settled(1 - place)
        expected = rules.transfer(giver, taker, key, amount)
        wallets = (self.wallets[place].uuid, self.wallets[1 - place].uuid)
        await self.answer(expected, transfer_credits(self.coffer, self.actor, wallets, amount, "m", key))
        return expected

    async def _do_gift(self, place: int, key: str, amount: int) -> str | None:
        if self.gift is not None:
            return None
        found = self.settled(place).take(key, ("gift", amount), amount)
        expected = found if isinstance(found, str) else "POSTED"
        result = await self.answer(
            expected, send_gift(self.coffer, self.actor, GiftRequest(self.wallets[place].uuid, amount, key))
        )
        if not isinstance(found, str):
            self.gift = (place, result.gift.uuid, Set(found, amount))
        return expected

    async def _do_close_gift(self, place: int, claimed: bool) -> str | None:
        if self.gift is None:
            return None
        giver, uuid, kept = self.gift
        self.gift = None
        self.settled(giver)
        if claimed:
            rules.hand_over(kept.parts, self.settled(place), "gift")
            await claim_gift(self.coffer, self.actor, uuid, self.wallets[place].uuid)
        else:
            self.models[giver].back(kept)
            await revoke_gift(self.coffer, self.actor, uuid)
        self.models[place if claimed else giver].settle()
        return None

    async def _do_claw_back(self, place: int, amount: int) -> None:
        self.settled(place).claw_back(amount)
        self.serial += 1
        words = {"wallet_id": self.wallets[place].id, "amount": amount, "key": f"claw {self.serial}", "source_id": None}
        async with self.coffer.database.transaction() as session:
            await moves.claw_back(session, words)

    async def _do_purchase(self, place: int, amount: int) -> None:
        self.settled(place).purchase(amount)
        self.serial += 1
        kind, name = TransactionType.CREDIT_PURCHASE, f"purchase {self.serial}"
        movement = ledger.Movement(
            self.wallets[place], kind, TransactionSource.PURCHASE, ROUTES[kind], amount, name, SYSTEM_KEY, name
        )
        async with self.coffer.database.transaction() as session:
            await post(self.coffer, session, movement)

    async def _do_freeze(self, place: int, frozen: bool) -> None:
        self.models[place].frozen = frozen
        await (freeze_wallet(*self.where(place), "m") if frozen else unfreeze_wallet(*self.where(place)))

    async def _do_lots_end(self, place: int) -> None:
        """Time passes until all lots that ever end have ended."""
        await self._do_settle(place)
        wallet, model = self.wallets[place].id, self.models[place]
        for lot in model.lots:
            lot.due = lot.due or lot.ends is not None
        for key, request in model.keys.items():
            if request[0] == "grant" and request[3] is not None:
                model.keys[key] = ("grant of what has ended",)
        await self.admin.execute(END_LOTS, wallet)
        await self.admin.execute(LOOK_AT, wallet)

    async def _do_holds_end(self, place: int) -> None:
        """Time passes until all holds have ended."""
        wallet, model = self.wallets[place].id, self.models[place]
        for key, held in model.holds.items():
            if held.open:
                held.due, model.keys[key] = True, ("hold that has ended",)
        await self.admin.execute(END_HOLDS, wallet)
        await self.admin.execute(LOOK_AT, wallet)

    async def _do_settle(self, place: int) -> None:
        """Lots are worked out now rather than later; nothing that anybody sees may change."""
        async with self.coffer.database.transaction() as session:
            await proof.settle_lots(session, self.wallets[place].id)

    async def check(self) -> None:
        """Compare balances and lots."""
        for place, wallet in enumerate(self.wallets):
            model = self.settled(place)
            row: Any = await get_wallet(self.coffer, self.actor, wallet.uuid)
            figures = (row.available_credits, row.reserved_credits, row.locked_credits, row.debt_credits, row.sequence)
            assert figures == (model.available, model.reserved, model.locked, model.debt, model.sequence)
            await self._do_settle(place)
            async with self.coffer.database.reading() as session:
                lots = await proof.lots(session, wallet.id, Page(1_000, None))
            left = sorted((lot.priority, lot.expires_at is not None, lot.remaining) for lot in lots if lot.remaining)
            expected = [(lot.priority, lot.ends is not None, lot.remaining) for lot in model.lots if lot.remaining]
            assert left == sorted(expected)


def word(result: Any) -> str:  # noqa: ANN401 - a spend or an error
    """The model's word for a result."""
    if isinstance(result, DomainError):
        return str(result.code.value)
    return "REPLAYED" if result.replayed else "POSTED"
