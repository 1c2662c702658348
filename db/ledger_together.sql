-- Many movements that give credits, written by sets: payments that are settled together. See ledger.sql for the rules.

-- An item that will be written; `last` says that its wallet will stand as the item leaves it.
create type ledger.giving as (
  i bigint, w bigint, type smallint, source smallint, from_account smallint, amount bigint, k text, kh uuid, source_id text,
  sequence bigint, after bigint, last boolean, purchased bigint
);

-- The items of those locked wallets where every item is new and nothing else has to happen. Joins here are between the
-- batch's own arrays, whose sizes the planner can't know: hashed, always; look-ups by key are subqueries.
create function ledger.fit_given(
  locked wallet[], ts timestamptz, p_wallet_id bigint[], p_type smallint[], p_source smallint[], p_from smallint[],
  p_to smallint[], p_amount bigint[], p_key text[], p_key_hash uuid[], p_source_id text[]
) returns setof ledger.giving language plpgsql rows 1000 set enable_nestloop = off as $$
begin
  return query
  with item as materialized (
    select n.*, row_number() over upto as place, sum(n.amount) over upto as running,
      n.amount > 0 and n.to_account = 1 and n.from_account > 5
      and (select l.sequence from credit_transaction l where l.wallet_id = n.w and l.key_hash = n.kh) is null as plain
    from unnest(p_wallet_id, p_type, p_source, p_from, p_to, p_amount, p_key, p_key_hash, p_source_id) with ordinality
      as n(w, type, source, from_account, to_account, amount, k, kh, source_id, i)
    window upto as (partition by n.w order by n.i rows unbounded preceding)
  ), wanted as (
    select t.w, count(*) as items, count(distinct t.kh) as keys, sum(t.amount) as total, bool_and(t.plain) as plain,
      coalesce(sum(t.amount) filter (where t.type = 1), 0) as bought
    from item t group by t.w
  ), fit as (
    select x.id, x.sequence, x.available_credits as available, q.items,
      (x.lifetime_purchased_credits + q.bought)::bigint as purchased
    from wanted q join unnest(locked) x on x.id = q.w
    where q.plain and q.keys = q.items and x.debt_credits = 0 and (x.next_expiry_at is null or x.next_expiry_at > ts)
      and x.available_credits + q.total <= 9007199254740991
  )
  select t.i, t.w, t.type, t.source, t.from_account, t.amount, t.k, t.kh, t.source_id, f.sequence + t.place,
    (f.available + t.running)::bigint, t.place = f.items, f.purchased
  from item t join fit f on f.id = t.w;
end $$;

-- Movements of any kind, one statement, one commit; for each, in any order: its outcome, its wallet and its sequence. Those
-- that do not fit go through ledger.post, one by one in the order of the items.
create function ledger.post_batch(
  p_wallet_id bigint[], p_type smallint[], p_source smallint[], p_from smallint[], p_to smallint[], p_amount bigint[],
  p_key text[], p_key_hash uuid[], p_source_id text[]
) returns table (outcome smallint, wallet_id bigint, posted_sequence bigint)
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare locked wallet[]; ts timestamptz; done bigint[]; wallets bigint[]; sequences bigint[];
begin
  select array_agg(x.w) into locked from (
    select w from wallet w where w.id = any(p_wallet_id) order by w.id for no key update) x;
  ts := clock_timestamp();
  with given as materialized (
    select * from ledger.fit_given(locked, ts, p_wallet_id, p_type, p_source, p_from, p_to, p_amount, p_key, p_key_hash,
      p_source_id)
  ), touched as (
    update wallet x set available_credits = g.after, sequence = g.sequence, updated_at = ts,
      lifetime_purchased_credits = g.purchased
    from given g where g.last and x.id = g.w
  ), written as (
    insert into credit_transaction (wallet_id, sequence, amount, balance_before, balance_after, created_at, type, source,
      from_account, to_account, key_hash, idempotency_key, source_id)
    select g.w, g.sequence, g.amount, g.after - g.amount, g.after, ts, g.type, g.source, g.from_account, 1, g.kh, g.k,
      g.source_id from given g
  )
  select coalesce(array_agg(g.i), '{}'), array_agg(g.w), array_agg(g.sequence) into done, wallets, sequences from given g;
  return query select 0::smallint, d.w, d.sequence from unnest(wallets, sequences) d(w, sequence);
  if cardinality(done) < cardinality(p_wallet_id) then
    return query
      select p.outcome, n.w, p.posted_sequence
      from unnest(p_wallet_id, p_type, p_source, p_from, p_to, p_amount, p_key, p_key_hash, p_source_id) with ordinality
        as n(w, type, source, from_account, to_account, amount, k, kh, source_id, i)
      cross join lateral ledger.post(n.w, n.type, n.source, n.from_account, n.to_account, n.amount, n.k, n.kh, n.source_id,
        null, null) p
      where n.i <> all(done);
  end if;
end $$;

revoke all on function ledger.fit_given, ledger.post_batch from public;
grant execute on function ledger.post_batch to coffer_app;
