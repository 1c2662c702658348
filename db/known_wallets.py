"""What a process remembers of wallets: a batch answers with what it changed, the other columns come from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from db.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg


KNOWN_WALLETS: Final = 100_000


class KnownWallets:
    """Rows of wallets by id, each good as long as its `revision` is the one in the database."""

    def __init__(self) -> None:
        self._rows: dict[int, Mapping[str, Any]] = {}

    def keep(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Remember rows, and forget the oldest beyond KNOWN_WALLETS."""
        for row in rows:
            self._rows[row["id"]] = row
        while len(self._rows) > KNOWN_WALLETS:
            del self._rows[next(iter(self._rows))]

    def changed(self, batch: asyncpg.Record) -> dict[int, Row]:
        """The wallets of a batch's answer (type ledger.spent_batch) as it left them, but those not known."""
        at = batch["posted_at"]
        day = at.date()
        found = {}
        changes = (batch[name] for name in _COLUMNS)
        for wallet_id, revision, sequence, available, used, ai, webhook, email in zip(*changes, strict=True):
            known = self._rows.get(wallet_id)
            if known is not None and known["revision"] == revision:
                found[wallet_id] = Row(
                    {
                        **known,
                        "sequence": sequence,
                        "available_credits": available,
                        "lifetime_used_credits": used,
                        "ai_units": ai,
                        "webhook_units": webhook,
                        "email_units": email,
                        "units_day": day,
                        "updated_at": at,
                    }
                )
        return found


_COLUMNS: Final = ("wallets", "revisions", "wallet_sequences", "available", "used", "ai", "webhook", "email")
