-- One chunk of made-up history: rows, balances and rollup. See bench/generator.py.
-- $1 first row, $2 last row, $3 the wallets' ids, $4 skew, $5 time of row 0, $6 time between rows, $7 API key, $8 project,
-- $9 credits of a full wallet, $10 rows of a wallet from one filling up to the next
with prices as (
  select count(*) as many, array_agg(feature order by md5(feature)) as features,
    array_agg(category order by md5(feature)) as categories, array_agg(credits order by md5(feature)) as credits
  from feature_price f join project p on p.id = f.project_id and p.price_version = f.version
  where p.id = $8 and credits > 0
), drawn as (
  select n, $5::timestamptz + n::float8 * $6::interval as at, md5(n::text)::uuid as key,
    1 + floor(cardinality($3::bigint[]) * power(pg_temp.chance(n, 1), $4::float8))::int as wallet,
    floor(4 * power(pg_temp.chance(n, 2), 2))::int as taste, pg_temp.chance(n, 3) as units, pg_temp.chance(n, 4) as member,
    pg_temp.chance(n, 5) as details
  from generate_series($1::bigint, $2::bigint) n
), placed as (
  select d.*, w.id, w.available_credits as start, w.sequence + row_number() over (partition by w.id order by n) as place
  from drawn d join wallet w on w.id = ($3::bigint[])[d.wallet]
), priced as (
  select d.n, d.at, d.key, d.id, d.start, d.place, (d.place - 1) / $10 as stretch, s.*, p.categories[f.number] as category,
    p.features[f.number] as feature, case when s.refill then 0 else s.count * f.credits end as price,
    case when d.member < 0.5 then 'member-' || floor(4 * d.member)::int end as member,
    case when d.details < 0.2 then jsonb_build_object('request', d.n) end as details
  from placed d cross join prices p
  -- A wallet has four features that it uses, one of them far more often than the others.
  cross join lateral (select 1 + (d.wallet * 7 + d.taste) % p.many as number) k
  cross join lateral (select k.number, p.credits[k.number] as credits) f
  cross join lateral (select (d.place - 1) % $10 = 0 as refill,
    case when f.credits = 1 and d.units > 0.8 then floor(20 * d.units)::bigint else 1 end as count) s
), balanced as (
  select q.*, case when bool_or(refill) over spent then $9 else start end - sum(price) over spent as after
  from priced q window spent as (partition by id, stretch order by n)
), chained as (
  select b.*, lag(after, 1, start::numeric) over (partition by id order by n) as before from balanced b
), written as (
  insert into credit_transaction (wallet_id, sequence, amount, balance_before, balance_after, units, created_at, api_key_id,
    price_version, type, source, from_account, to_account, category, key_hash, idempotency_key, feature, member, metadata)
  select id, place, abs(after - before), before, after, case when not refill then count end, at, $7::bigint,
    case when not refill then 1 end, case when refill then 3 else 2 end, case when refill then 3 else 1 end,
    case when refill then 11 else 1 end, case when refill then 1 else 12 end, case when not refill then category end,
    md5(key::text)::uuid, key::text, case when not refill then feature end, case when not refill then member end, details
  from chained order by n
  returning wallet_id, sequence, amount, balance_after, units, created_at, to_account, category, feature, member
), moved as (
  update wallet w set sequence = l.sequence, available_credits = l.balance_after, updated_at = l.created_at,
    lifetime_used_credits = lifetime_used_credits + l.used
  from (
    select distinct on (wallet_id) wallet_id, sequence, balance_after, created_at,
      sum(case when to_account = 12 then amount else 0 end) over (partition by wallet_id) as used
    from written order by wallet_id, sequence desc
  ) l where w.id = l.wallet_id
)
insert into usage_rollup as r (wallet_id, day, feature, member, events, units, credits, last_activity_at, category)
select wallet_id, (created_at at time zone 'utc')::date, feature, coalesce(member, ''), count(*), sum(units), sum(amount),
  max(created_at), max(category)
from written where to_account = 12 group by 1, 2, 3, 4
on conflict (wallet_id, day, feature, member) do update set events = r.events + excluded.events,
  units = r.units + excluded.units, credits = r.credits + excluded.credits, last_activity_at = excluded.last_activity_at
