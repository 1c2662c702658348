"""The proof that the books are right: every promise of the ledger as a query that must find nothing."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from db.database import SERVER_SETTINGS
from db.metric_promises import METRIC_PROMISES
from db.money_promises import MONEY_PROMISES

EXAMPLES: Final = 20
"""Wallets named in the report for each broken promise."""

STATEMENT_TIMEOUT_MS: Final = 0
"""No limit: a large ledger takes its time."""

PROMISES: Final[dict[str, str]] = {
    "the balances are the sums of their movements": """
        select w.uuid from wallet w left join lateral (
          select sum(case when to_account = 1 then amount when from_account = 1 then -amount end) as available,
            sum(case when to_account = 2 then amount when from_account = 2 then -amount end) as reserved,
            sum(case when to_account = 3 then amount when from_account = 3 then -amount end) as locked,
            sum(case when to_account = 4 then amount when from_account = 4 then -amount end) as pending
          from credit_transaction t where t.wallet_id = w.id) s on true
        where (w.available_credits, w.reserved_credits, w.locked_credits, w.pending_credits) is distinct from
          (coalesce(s.available, 0), coalesce(s.reserved, 0), coalesce(s.locked, 0), coalesce(s.pending, 0))""",
    "the rows form one chain without a gap": """
        select w.uuid from wallet w join (
          select wallet_id, sequence, balance_before, row_number() over chain as place,
            lag(balance_after, 1, 0::bigint) over chain as previous
          from credit_transaction window chain as (partition by wallet_id order by sequence)) t on t.wallet_id = w.id
        where t.sequence <> t.place or t.balance_before <> t.previous""",
    "the wallet stands at the end of its chain": """
        select w.uuid from wallet w left join lateral (
          select sequence, balance_after from credit_transaction t where t.wallet_id = w.id
          order by sequence desc limit 1) t on true
        where w.sequence <> coalesce(t.sequence, 0) or w.available_credits <> coalesce(t.balance_after, 0)""",
    "nothing is negative": """
        select uuid from wallet
        where least(available_credits, reserved_credits, locked_credits, pending_credits, debt_credits) < 0""",
    "no key was posted twice": """
        select w.uuid from wallet w join (select wallet_id from credit_transaction
          group by wallet_id, key_hash having count(*) > 1) t on t.wallet_id = w.id""",
    "lifetime totals are the sums of their movements": """
        select w.uuid from wallet w left join lateral (
          select sum(amount) filter (where type = 1) as bought, sum(amount) filter (where to_account = 12) as used
          from credit_transaction t where t.wallet_id = w.id) s on true
        where w.lifetime_purchased_credits <> coalesce(s.bought, 0)
          or w.lifetime_used_credits <> coalesce(s.used, 0)""",
    "the usage rollup equals the ledger": """
        select w.uuid from (
          select wallet_id, (created_at at time zone 'utc')::date as day, coalesce(feature, 'HOLD_CAPTURE') as feature,
            coalesce(member, '') as member, count(*) as events, sum(amount) as credits
          from credit_transaction where to_account = 12 group by 1, 2, 3, 4) t
        full join usage_rollup r using (wallet_id, day, feature, member)
        join wallet w on w.id = coalesce(t.wallet_id, r.wallet_id)
        where t.events is distinct from r.events or t.credits is distinct from r.credits""",
    "the folded usage equals the ledger": """
        select w.uuid from (
          select t.wallet_id, date_bin('15 minutes', created_at, '2000-01-01Z') as slot,
            coalesce(feature, 'HOLD_CAPTURE') as feature, coalesce(member, '') as member,
            coalesce(api_key_id, 0) as api_key_id, coalesce(category, 0::smallint) as category, count(*) as events,
            sum(amount) as credits, sum(coalesce(units, 0)) as units
          from credit_transaction t join usage_cursor c on c.wallet_id = t.wallet_id and t.sequence <= c.sequence
          where to_account = 12 group by 1, 2, 3, 4, 5, 6) t
        full join usage_quarter s
          using (wallet_id, slot, feature, member, api_key_id, category)
        join wallet w on w.id = coalesce(t.wallet_id, s.wallet_id)
        where (t.events, t.credits, t.units) is distinct from (s.events, s.credits, s.units)""",
    "the sums of recorded usage equal its events": """
        select w.uuid from (
          select e.wallet_id, g.grain, g.utc_offset, e.metric_id,
            ledger.slot_of(e.occurred_at, g.grain, g.utc_offset) as slot,
            coalesce(e.member, '') as member, coalesce(e.api_key_id, 0) as api_key_id, count(*) as events,
            sum(e.units) as units, max(e.units) as most, sum(coalesce(e.credits, 0)) as credits,
            (array_agg(e.units order by e.occurred_at desc, e.id desc))[1] as latest
          from usage_event e join wallet w on w.id = e.wallet_id join lateral (
            select 1 as grain, 0 as utc_offset union all
            select n, k.utc_offset from ledger.project_clock k cross join (values (2), (3)) g (n)
              where k.project_id = w.project_id and k.made_until = 'infinity') g on true
          group by 1, 2, 3, 4, 5, 6, 7) t
        full join (select s.* from metric_slot s join wallet w on w.id = s.wallet_id join ledger.project_clock k
            on k.project_id = w.project_id and k.utc_offset = s.utc_offset and k.made_until = 'infinity') s
          using (wallet_id, grain, utc_offset, slot, metric_id, member, api_key_id)
        join wallet w on w.id = coalesce(t.wallet_id, s.wallet_id)
        where (t.events, t.units, t.most, t.credits, t.latest)
          is distinct from (s.events, s.units, s.most, s.credits, s.latest[3])""",
    "each charge of recorded usage stands in the ledger": """
        select w.uuid from usage_event e join wallet w on w.id = e.wallet_id left join credit_transaction t
          on t.wallet_id = e.wallet_id and t.sequence = e.transaction_sequence and t.key_hash = e.key_hash
        where e.transaction_sequence is not null and (e.credits, e.units) is distinct from (t.amount, t.units)""",
    "months of usage are made of its quarters": """
        select w.uuid from (
          select wallet_id, 7 - grouping(api_key_id, member, feature) as view, utc_offset, day,
            coalesce(feature, '') as feature, coalesce(member, '') as member, coalesce(api_key_id, 0) as api_key_id,
            coalesce(category, 0) as category, sum(events) as events, sum(units) as units, sum(credits) as credits,
            extract(epoch from max(last_activity_at)) * 1000000 as last
          from (select q.*, k.utc_offset, (q.slot at time zone 'utc' + k.utc_offset * interval '1 minute')::date as day
            from usage_quarter q join wallet w on w.id = q.wallet_id join ledger.project_clock k
              on k.project_id = w.project_id and k.made_until = 'infinity') d
          group by wallet_id, utc_offset, day, grouping sets ((), (feature, category),
            (feature, member, api_key_id, category))) t
        full join (select m.*, month + n - 1 as day, days[n][1] - coalesce(days[n - 1][1], 0) as more_events,
            days[n][2] - coalesce(days[n - 1][2], 0) as more_units, days[n][3] - coalesce(days[n - 1][3], 0) as more,
            days[n][4] as last_at, coalesce(days[n - 1][4], 0) as last_before
            from usage_month m cross join generate_subscripts(days, 1) n) s
          using (wallet_id, view, utc_offset, day, feature, member, api_key_id, category)
        join wallet w on w.id = coalesce(t.wallet_id, s.wallet_id)
        left join usage_clock k on k.project_id = w.project_id and k.utc_offset = s.utc_offset
        where coalesce(k.made_until, 'infinity') = 'infinity' and (coalesce(t.events, 0), coalesce(t.units, 0),
          coalesce(t.credits, 0), coalesce(t.last, last_before))
            is distinct from (more_events, more_units, more, last_at)""",
    "the usage of a project is that of its wallets": """
        select min(w.uuid::text)::uuid as uuid from wallet w join (
          select project_id, utc_offset, sum(events) as events, sum(credits) as credits, sum(units) as units
            from project_usage_slot group by project_id, view, grain, utc_offset
          union all select w.project_id, 0, sum(events), sum(credits), sum(units) from usage_quarter s
            join wallet w on w.id = s.wallet_id group by 1) s on s.project_id = w.project_id
        left join usage_clock k on k.project_id = w.project_id and k.utc_offset = s.utc_offset
        where coalesce(k.made_until, 'infinity') = 'infinity'
        group by w.project_id having (count(*) / count(distinct w.id), min(events), min(credits), min(units))
          <> (33 + 14 * (select count(*) from usage_clock c where c.project_id = w.project_id
            and c.made_until = 'infinity'), max(events), max(credits), max(units))""",
    "set aside credits are those of the open holds and payouts": """
        select w.uuid from wallet w left join lateral (select sum(credits - captured) filter (where kind = 1) as held,
            sum(credits - captured) filter (where kind = 2) as locked from hold h
          where h.wallet_id = w.id and h.status = 1) s on true
        where (w.reserved_credits, w.locked_credits) is distinct from (coalesce(s.held, 0), coalesce(s.locked, 0))""",
    "what lots have left is the balance at their settlement": """
        select w.uuid from wallet w join settlement s on s.wallet_id = w.id left join lateral (
          select sum(remaining) as left from lot l where l.wallet_id = w.id and l.active) l on true left join lateral (
          select balance_after from credit_transaction t where t.wallet_id = w.id and t.sequence = s.sequence) t on true
        where coalesce(l.left, 0) <> coalesce(t.balance_after, 0)""",
    "a lot has left what it gave less what it paid": """
        select w.uuid from lot l join wallet w on w.id = l.wallet_id left join lateral (
          select sum(credits) as paid from allocation a where a.lot_id = l.id) a on true
        where l.remaining <> l.credits - coalesce(a.paid, 0)""",
    "no lot lives beyond its end": """
        select w.uuid from lot l join wallet w on w.id = l.wallet_id
        where l.active and l.remaining > 0 and l.expires_at < now() and w.next_expiry_at is distinct from null
          and w.next_expiry_at > l.expires_at""",
    "the account flows are the sums of the settled rows": """
        select w.uuid from (
          select t.wallet_id, t.from_account, t.to_account, sum(t.amount) as credits, count(*) as movements
          from credit_transaction t join settlement s on s.wallet_id = t.wallet_id and t.sequence <= s.sequence
          group by 1, 2, 3) t full join account_flow f using (wallet_id, from_account, to_account)
        join wallet w on w.id = coalesce(t.wallet_id, f.wallet_id)
        where t.credits is distinct from f.credits or t.movements is distinct from f.movements""",
    "what is owed and what waits to be claimed is what moved there": """
        select w.uuid from wallet w left join lateral (
          select sum(case when from_account = 5 then amount when to_account = 5 then -amount end) as debt,
            sum(case when to_account = 18 then amount when from_account = 18 then -amount end) as given
          from credit_transaction t where t.wallet_id = w.id) s on true left join lateral (
          select sum(case when g.wallet_id = w.id and g.status in (1, 2) then credits else 0 end)
            - sum(case when g.claimed_wallet_id = w.id then credits else 0 end) as waiting
          from gift g where g.wallet_id = w.id or g.claimed_wallet_id = w.id) g on true
        where w.debt_credits <> coalesce(s.debt, 0) or coalesce(s.given, 0) <> coalesce(g.waiting, 0)""",
    "transfers of a project leave nothing on the way": """
        select min(w.uuid::text)::uuid as uuid from credit_transaction t join wallet w on w.id = t.wallet_id
        where 17 in (t.from_account, t.to_account) group by w.project_id
        having sum(case when t.to_account = 17 then t.amount else -t.amount end) <> 0""",
    "every seal fits the rows and the seal before it": """
        select w.uuid from (
          select *, lag(digest) over chain as previous, lag(to_sequence, 1, 0::bigint) over chain as before from seal
          window chain as (partition by wallet_id order by to_sequence)) s join wallet w on w.id = s.wallet_id
        where s.from_sequence <> s.before + 1
          or s.digest <> ledger.digest(s.wallet_id, s.from_sequence, s.to_sequence, s.previous)""",
    "every successful purchase was granted once, in full": """
        select w.uuid from purchase p join wallet w on w.id = p.wallet_id left join (
          select wallet_id, source_id, sum(amount) as credits from credit_transaction
          where type in (1, 3) and source = 2 group by 1, 2) s
          on s.wallet_id = p.wallet_id and s.source_id = 'pur_' || replace(p.uuid::text, '-', '')
        where (p.status in (3, 5) and s.credits is distinct from p.credits)
          or (p.status not in (3, 5) and s.credits is not null)""",
    "what went back took its credits, and is no more than was paid": """
        select w.uuid from purchase p join wallet w on w.id = p.wallet_id left join (
          select purchase_id, sum(total_minor) as total, sum(credits) as credits
          from refund where status <> 4 group by 1) r on r.purchase_id = p.id
        left join (select purchase_id, sum(frozen_credits) as frozen from dispute group by 1) d on d.purchase_id = p.id
        left join (
          select wallet_id, source_id, sum(case when to_account = 13 then amount else -amount end) as taken
          from credit_transaction where type = 4 and 13 in (from_account, to_account) group by 1, 2) t
          on t.wallet_id = p.wallet_id and t.source_id = 'pur_' || replace(p.uuid::text, '-', '')
        where coalesce(t.taken, 0) <> coalesce(r.credits, 0) + coalesce(d.frozen, 0)
          or r.total > p.amount_minor + p.gst_minor + p.platform_fee_minor or r.credits > p.credits""",
    **METRIC_PROMISES,
    **MONEY_PROMISES,
}


async def reconcile(database_url: str) -> dict[str, Any]:
    """Check every promise over every wallet in one snapshot: counts, and examples of what is broken."""
    settings = SERVER_SETTINGS | {"statement_timeout": str(STATEMENT_TIMEOUT_MS)}
    connection = await asyncpg.connect(database_url, server_settings=settings)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            checks = [await _check(connection, promise, query) for promise, query in PROMISES.items()]
            wallets = await connection.fetchval("select count(*) from wallet")
            transactions = await connection.fetchval("select count(*) from credit_transaction")
            checked_at = await connection.fetchval("select now()")
    finally:
        await connection.close()
    broken = sum(check["violations"] for check in checks)
    counts = {"wallets": wallets, "transactions": transactions, "violations": broken}
    return {"checked_at": checked_at, **counts, "checks": checks}


async def _check(connection: asyncpg.Connection[asyncpg.Record], promise: str, query: str) -> dict[str, Any]:
    rows = await connection.fetch(f"select uuid, count(*) over () as n from ({query}) broken limit {EXAMPLES}")  # noqa: S608 - our own text
    found = rows[0]["n"] if rows else 0
    return {"promise": promise, "violations": found, "wallets": [f"wal_{row['uuid'].hex}" for row in rows]}
