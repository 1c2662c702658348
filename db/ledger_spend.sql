-- Spending: the hot path of the posting engine. See ledger.sql for the rules.

-- The answer to a spend (the columns of ledger.posting that a spend has) with the wallet after it.
create type ledger.spent as (
  item bigint, outcome smallint, required_credits bigint, cap_group smallint, amount bigint, balance_before bigint,
  balance_after bigint, posted_sequence bigint, posted_at timestamptz, category smallint, price_version bigint,
  cap_id uuid, cap_left bigint, cap_resets_at timestamptz, wallet wallet
);

-- Puts a posting and a wallet into the answer to the item-th spend.
create function ledger.answer(p_item bigint, p ledger.posting, w wallet) returns ledger.spent language plpgsql as $$
declare s ledger.spent;
begin
  s.item := p_item; s.outcome := p.outcome; s.required_credits := p.required_credits; s.cap_group := p.cap_group;
  s.amount := p.amount; s.balance_before := p.balance_before; s.balance_after := p.balance_after;
  s.posted_sequence := p.posted_sequence; s.posted_at := p.posted_at; s.category := p.category;
  s.price_version := p.price_version; s.cap_id := p.cap_id; s.cap_left := p.cap_left; s.cap_resets_at := p.cap_resets_at;
  s.wallet := w;
  return s;
end $$;

-- One spend at the price in force. A community feature is never refused for lack of credits: it takes what is there.
create function ledger.spend(
  p_wallet_id bigint, p_key text, p_key_hash uuid, p_feature text, p_units bigint, p_expected bigint, p_member text,
  p_api_key_id bigint, p_metadata jsonb
) returns ledger.spent language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare
  w wallet; p ledger.posting; t credit_transaction; f feature_price; ts timestamptz; today date;
  used bigint; cap bigint; refused ledger.posting;
begin
  select * into w from wallet where id = p_wallet_id for no key update;
  if w.next_expiry_at <= clock_timestamp() then w := ledger.lock(p_wallet_id); end if;
  ts := clock_timestamp(); today := (ts at time zone 'utc')::date;
  if w.id is null then p.outcome := 4; return ledger.answer(1, p, w); end if;
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    p := ledger.replay(t, t.type = 2 and t.feature = p_feature and t.units = p_units and t.idempotency_key = p_key
      and t.member is not distinct from p_member and t.metadata is not distinct from p_metadata);
    if p.outcome = 1 and t.category <> 1 and p_expected <> t.amount then
      p.outcome := 6; p.required_credits := t.amount;
    end if;
    return ledger.answer(1, p, w);
  end if;
  f := ledger.price(w.project_id, p_feature);
  if f.feature is null then p.outcome := 7; return ledger.answer(1, p, w); end if;
  p.required_credits := f.credits * p_units; p.category := f.category; p.price_version := f.version;
  p.balance_before := w.available_credits;
  if p_expected <> p.required_credits then p.outcome := 6; return ledger.answer(1, p, w); end if;
  p.amount := case when f.category = 1 then least(p.required_credits, w.available_credits) else p.required_credits end;
  if w.frozen and p.amount > 0 then p.outcome := 8; return ledger.answer(1, p, w); end if;
  if p.amount > w.available_credits then p.outcome := 2; return ledger.answer(1, p, w); end if;
  if w.units_day < today then w.units_day := today; w.ai_units := 0; w.webhook_units := 0; w.email_units := 0; end if;
  used := p_units + case f.cap_group when 1 then w.ai_units when 2 then w.webhook_units when 3 then w.email_units else 0 end;
  cap := case f.cap_group when 1 then w.ai_cap_units when 2 then w.webhook_cap_units when 3 then w.email_cap_units end;
  if used > cap then
    p.outcome := 3; p.cap_group := f.cap_group; p.required_credits := cap; p.posted_at := ts; return ledger.answer(1, p, w);
  end if;
  t := ledger.movement(2::smallint, 1::smallint, 1::smallint, 12::smallint, p.amount, p_key, p_key_hash, null);
  t.wallet_id := p_wallet_id; t.sequence := w.sequence + 1; t.balance_before := w.available_credits;
  t.balance_after := w.available_credits - p.amount; t.units := p_units; t.created_at := ts; t.api_key_id := p_api_key_id;
  t.price_version := f.version; t.category := f.category; t.feature := p_feature; t.member := p_member;
  t.metadata := p_metadata;
  if w.capped then
    refused := ledger.check_caps(p_wallet_id, t);
    if refused.outcome is not null then
      refused.balance_before := p.balance_before; return ledger.answer(1, refused, w);
    end if;
    perform ledger.count_caps(p_wallet_id, t, 1);
  end if;
  update wallet x set available_credits = t.balance_after, sequence = t.sequence, updated_at = ts,
    lifetime_used_credits = x.lifetime_used_credits + t.amount, units_day = w.units_day,
    ai_units = case when f.cap_group = 1 then used else w.ai_units end,
    webhook_units = case when f.cap_group = 2 then used else w.webhook_units end,
    email_units = case when f.cap_group = 3 then used else w.email_units end
    where id = p_wallet_id returning * into w;
  insert into credit_transaction select t.*;
  -- Written out, since a call of ledger.count_usage makes a spend a seventh slower (133 beside 117 us).
  insert into usage_rollup as r (wallet_id, day, feature, member, events, units, credits, last_activity_at, category)
    values (p_wallet_id, today, p_feature, coalesce(p_member, ''), 1, p_units, t.amount, ts, f.category)
    on conflict (wallet_id, day, feature, member) do update set events = r.events + 1, units = r.units + excluded.units,
      credits = r.credits + excluded.credits, last_activity_at = excluded.last_activity_at;
  p.outcome := 0; p.balance_after := t.balance_after; p.posted_sequence := t.sequence; p.posted_at := ts;
  if t.balance_before >= w.low_balance_threshold and t.balance_after < w.low_balance_threshold then
    perform ledger.raise_alert(w, p);
  end if;
  if w.lifetime_used_credits > w.burn_check_credits and (w.burn_quiet_until is null or w.burn_quiet_until <= ts) then
    perform ledger.watch_burn(p_wallet_id, ts);
    select * into w from wallet where id = p_wallet_id;
  end if;
  return ledger.answer(1, p, w);
end $$;

-- An item of a batch that will be posted; the columns after `last` are its wallet's after the batch.
create type ledger.fitting as (
  w bigint, i bigint, k text, kh uuid, feature text, units bigint, member text, api_key_id bigint, metadata jsonb,
  charge integer, category smallint, version bigint, sequence bigint, before bigint, after bigint, last boolean,
  used bigint, ai bigint, webhook bigint, email bigint, revision bigint
);

-- The answer to a batch: arrays over the posted items, and arrays over their wallets with what the batch changed.
create type ledger.spent_batch as (
  items bigint[], amounts integer[], befores bigint[], sequences bigint[], categories smallint[], versions bigint[],
  posted_at timestamptz, wallets bigint[], revisions bigint[], wallet_sequences bigint[], available bigint[],
  used bigint[], ai bigint[], webhook bigint[], email bigint[]
);

-- The new items of a batch of those locked wallets where all of them fit. Joins here are between the batch's own
-- arrays, whose sizes the planner can't know: hashed, always; look-ups by key are subqueries.
create function ledger.fit(
  locked wallet[], ts timestamptz, p_probe boolean, p_wallet_id bigint[], p_key text[], p_key_hash uuid[], p_feature text[], p_units bigint[], p_expected bigint[],
  p_member text[], p_api_key_id bigint[], p_metadata jsonb[]
) returns setof ledger.fitting language plpgsql rows 1000 set enable_nestloop = off as $$
declare today date := (ts at time zone 'utc')::date;
begin
  return query
  with base as materialized (
    select n.*, x.project_id from unnest(p_wallet_id, p_key, p_key_hash, p_feature, p_units, p_expected, p_member,
      p_api_key_id, p_metadata) with ordinality as n(w, k, kh, feature, units, expected, member, api_key_id, metadata, i)
    join unnest(locked) x on x.id = n.w
    where not p_probe
      or (select l.sequence from credit_transaction l where l.wallet_id = n.w and l.key_hash = n.kh) is null
  ), price as materialized (
    select d.project_id, d.feature, f.credits, f.category, f.version, f.cap_group
    from (select distinct b.project_id, b.feature from base b) d cross join lateral (
      select f.* from project pr join feature_price f
        on f.project_id = pr.id and f.version = pr.price_version and f.feature = d.feature
      where pr.id = d.project_id limit 1) f
  ), priced as materialized (
    -- Sums of integers are bigints, those of bigints are numerics, and slow: a wallet with a larger charge does not fit.
    select b.*, least(f.credits * b.units, 2147483647)::integer as charge, f.category, f.version, f.cap_group,
      sum(least(f.credits * b.units, 2147483647)::integer) over upto as running, row_number() over upto as n
    from base b join price f on f.project_id = b.project_id and f.feature = b.feature
    where b.units <= 2147483647 and (b.expected is null or b.expected = f.credits * b.units)
    window upto as (partition by b.w order by b.i rows unbounded preceding)
  ), wanted as (
    select p.w, count(*) as items, sum(p.charge) as total, max(p.charge) as largest,
      coalesce(sum(p.units::integer) filter (where p.cap_group = 1), 0) as ai,
      coalesce(sum(p.units::integer) filter (where p.cap_group = 2), 0) as webhook,
      coalesce(sum(p.units::integer) filter (where p.cap_group = 3), 0) as email
    from priced p group by p.w
  ), fit as (
    select x.id, x.available_credits as available, x.sequence, q.items, x.lifetime_used_credits + q.total as used,
      x.revision, u.ai + q.ai as ai, u.webhook + q.webhook as webhook, u.email + q.email as email
    from wanted q join unnest(locked) x on x.id = q.w cross join lateral (
      select case when x.units_day = today then x.ai_units else 0 end as ai,
        case when x.units_day = today then x.webhook_units else 0 end as webhook,
        case when x.units_day = today then x.email_units else 0 end as email) u
    where q.largest < 2147483647 and x.available_credits >= q.total and not x.frozen and (x.next_expiry_at is null or x.next_expiry_at > ts)
      and u.ai + q.ai <= x.ai_cap_units and u.webhook + q.webhook <= x.webhook_cap_units
      and u.email + q.email <= x.email_cap_units
      -- Caps, and alerts that happen once, are left to the careful path.
      and not x.capped
      and (x.available_credits < x.low_balance_threshold or x.available_credits - q.total >= x.low_balance_threshold)
      and (x.lifetime_used_credits + q.total <= x.burn_check_credits or x.burn_quiet_until > ts)
  )
  select p.w, p.i, p.k, p.kh, p.feature, p.units, p.member, p.api_key_id, p.metadata, p.charge, p.category, p.version,
    f.sequence + p.n, f.available - p.running + p.charge, f.available - p.running, p.n = f.items, f.used, f.ai,
    f.webhook, f.email, f.revision
  from priced p join fit f on f.id = p.w;
end $$;

-- Many spends, one statement, one commit: posts every item of the wallets where all their new items fit, and answers
-- for those only. What is missing from the answer (a known key, a refusal, a wallet where not all fit or that needs
-- an alert) goes through ledger.spend_each, one by one in the order of arrival. Known keys are looked for with p_probe
-- only; without, a known key makes the whole answer null and nothing is posted: the caller asks again with p_probe.
create function ledger.spend_batch(
  p_probe boolean, p_wallet_id bigint[], p_key text[], p_key_hash uuid[], p_feature text[], p_units bigint[], p_expected bigint[],
  p_member text[], p_api_key_id bigint[], p_metadata jsonb[]
) returns ledger.spent_batch language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare answer ledger.spent_batch; locked wallet[]; ts timestamptz; today date;
begin
  select array_agg(x.w) into locked from (
    select w from wallet w where w.id = any(p_wallet_id) order by w.id for no key update) x;
  ts := clock_timestamp(); today := (ts at time zone 'utc')::date;
  with posted as materialized (
    select * from ledger.fit(locked, ts, p_probe, p_wallet_id, p_key, p_key_hash, p_feature, p_units, p_expected, p_member,
      p_api_key_id, p_metadata)
  ), touched as (
    update wallet x set available_credits = q.after, sequence = q.sequence, updated_at = ts, units_day = today,
      lifetime_used_credits = q.used, ai_units = q.ai, webhook_units = q.webhook, email_units = q.email
    from posted q where q.last and x.id = q.w
  ), written as (
    insert into credit_transaction (wallet_id, sequence, amount, balance_before, balance_after, units, created_at,
      api_key_id, price_version, type, source, from_account, to_account, category, key_hash, idempotency_key, feature,
      member, metadata)
    select q.w, q.sequence, q.charge, q.before, q.after, q.units, ts, q.api_key_id, q.version, 2, 1, 1, 12, q.category,
      q.kh, q.k, q.feature, q.member, q.metadata from posted q
  ), counted as (
    insert into usage_rollup as r (wallet_id, day, feature, member, events, units, credits, last_activity_at, category)
    select q.w, today, q.feature, coalesce(q.member, ''), count(*), sum(q.units::integer), sum(q.charge), ts, max(q.category)
    from posted q group by q.w, q.feature, coalesce(q.member, '')
    on conflict (wallet_id, day, feature, member) do update set events = r.events + excluded.events,
      units = r.units + excluded.units, credits = r.credits + excluded.credits,
      last_activity_at = excluded.last_activity_at
  )
  select array_agg(q.i), array_agg(q.charge), array_agg(q.before), array_agg(q.sequence), array_agg(q.category),
    array_agg(q.version), ts, array_agg(q.w) filter (where q.last), array_agg(q.revision) filter (where q.last),
    array_agg(q.sequence) filter (where q.last), array_agg(q.after) filter (where q.last),
    array_agg(q.used) filter (where q.last), array_agg(q.ai) filter (where q.last),
    array_agg(q.webhook) filter (where q.last), array_agg(q.email) filter (where q.last)
    into answer from posted q;
  return answer;
exception when unique_violation then
  return null;
end $$;

-- The items one by one, in order, in one commit.
create function ledger.spend_each(
  p_wallet_id bigint[], p_key text[], p_key_hash uuid[], p_feature text[], p_units bigint[], p_expected bigint[],
  p_member text[], p_api_key_id bigint[], p_metadata jsonb[]
) returns setof ledger.spent language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare s ledger.spent;
begin
  perform 1 from wallet where id = any(p_wallet_id) order by id for no key update;
  for n in 1 .. cardinality(p_wallet_id) loop
    s := ledger.spend(p_wallet_id[n], p_key[n], p_key_hash[n], p_feature[n], p_units[n], p_expected[n], p_member[n],
      p_api_key_id[n], p_metadata[n]);
    s.item := n;
    return next s;
  end loop;
end $$;

-- The acts that the application may do; everything else in this schema is for these functions alone.
revoke all on all functions in schema ledger from public;
grant usage on schema ledger to coffer_app;
grant execute on function ledger.lock, ledger.post, ledger.grant, ledger.hold, ledger.capture, ledger.release,
  ledger.pay_out, ledger.transfer, ledger.give, ledger.claim, ledger.take_back, ledger.claw_back, ledger.undo_claw_back,
  ledger.freeze, ledger.set_capped, ledger.set_burn_limit, ledger.settle, ledger.seal, ledger.digest, ledger.sequence_at,
  ledger.lots_at, ledger.allocations_of, ledger.cap_bucket, ledger.cap_start, ledger.spend,
  ledger.spend_batch, ledger.spend_each to coffer_app;
