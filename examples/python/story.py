"""Open a wallet, buy a pack, watch it land, spend, and handle refusals by their type: story.py OWNER."""

import asyncio
import sys
from contextlib import aclosing

from coffer_client import CofferClient, ConsumeConsume
from coffer_client import ConsumeConsumeErrorsCapReachedError as CapReached
from coffer_client import ConsumeConsumeErrorsDailyCapReachedError as DailyCapReached
from coffer_client import ConsumeConsumeErrorsInsufficientCreditsError as InsufficientCredits
from coffer_client import ConsumeConsumeErrorsPricingMatrixMismatchError as PriceMismatch
from connection import connect

from live import wallet_updates


async def main(owner: str) -> None:
    """Tell the story of one owner; telling it again with the same keys moves nothing twice."""
    async with connect() as coffer:
        opened = await coffer.open_wallet(owner)
        if opened.wallet is None:
            raise SystemExit(opened.errors[0].message)
        wallet = opened.wallet
        print(f"opened: {wallet.available_credits} credits")
        await buy(coffer, wallet.id, f"{owner}-pack")
        await until_paid(coffer, wallet.id, wallet.sequence)
        for key in ("first", "first"):  # as if the first answer had been lost: send the same key again
            print(outcome(await coffer.consume(wallet.id, "AI_SUMMARY", f"{owner}-{key}")))
        print(outcome(await coffer.consume(wallet.id, "AI_SUMMARY", f"{owner}-many", quantity=1_000)))
        print(outcome(await coffer.consume(wallet.id, "AI_SUMMARY", f"{owner}-cheap", expected_credits=1)))
        print(outcome(await coffer.consume(wallet.id, "NO_SUCH_FEATURE", f"{owner}-unknown")))


async def buy(coffer: CofferClient, wallet_id: str, key: str) -> None:
    """Start a purchase; a real buyer pays at its `checkout_url`, the simulated provider pays by itself."""
    bought = await coffer.buy_pack(wallet_id, "PACK_500", key)
    if bought.purchase is None:
        raise SystemExit(bought.errors[0].message)
    print(f"bought for {bought.purchase.quote.total.formatted}")


async def until_paid(coffer: CofferClient, wallet_id: str, after: int) -> None:
    """Wait on the live wallet until credits are there."""
    async with aclosing(wallet_updates(coffer, wallet_id, after)) as updates:
        async for update in updates:
            for row in update.transactions:
                print(f"live: {row.sequence} {row.type_.value} {row.credits}")
            if update.wallet.available_credits:
                return


def outcome(result: ConsumeConsume) -> str:
    """A spend in words: what moved, or what to do about the refusal."""
    if row := result.transaction:
        return f"{'spent before' if result.replayed else 'spent'}: {-row.credits}, {row.balance_after} left"
    match result.errors[0]:
        case InsufficientCredits(required_credits=required, available_credits=available):
            return f"buy {required - available} more credits"
        case PriceMismatch(actual_credits=actual):
            return f"ask the user again: it costs {actual}"
        case CapReached(resets_at=resets_at) | DailyCapReached(resets_at=resets_at):
            return f"try again at {resets_at:%H:%M} UTC"
        case other:
            return f"refused: {other.code.value}: {other.message}"


asyncio.run(main(*sys.argv[1:]))
