-- Holds: credits set aside for work whose price is known only when it is done (reserved), or for a payout (locked). See
-- ledger.sql for the rules, ledger_lots.sql for how they end by themselves.

-- Sets credits aside; p_feature and p_units price it by the matrix, else p_credits says how many. Without p_seconds it
-- does not end by itself. The posting's source_id is the hold's uuid (the first one on a replay).
create function ledger.hold(
  p_wallet_id bigint, p_hold uuid, p_kind smallint, p_credits bigint, p_feature text, p_units bigint, p_seconds bigint,
  p_key text, p_key_hash uuid, p_api_key_id bigint, p_metadata jsonb
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare
  w wallet; t credit_transaction; p ledger.posting; f feature_price; n bigint := p_credits; ends timestamptz;
  life interval := make_interval(secs => p_seconds);
begin
  w := ledger.lock(p_wallet_id);
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = case p_kind when 1 then 8 else 5 end and t.idempotency_key = p_key
      and t.metadata is not distinct from p_metadata and t.amount = coalesce(p_credits, t.amount)
      and t.feature is not distinct from p_feature and t.units is not distinct from p_units
      and exists (select from hold h where h.uuid::text = t.source_id and h.expires_at - h.created_at is not distinct from life));
  end if;
  if p_feature is not null then
    f := ledger.price(w.project_id, p_feature);
    if f.feature is null then p.outcome := 7; return p; end if;
    n := f.credits * p_units;
  end if;
  if n <= 0 then p.outcome := 10; return p; end if;
  if w.frozen then p.outcome := 8; return p; end if;
  if w.available_credits < n then
    p.outcome := 2; p.balance_before := w.available_credits; p.required_credits := n; return p;
  end if;
  t := ledger.movement((case p_kind when 1 then 8 else 5 end)::smallint, (case p_kind when 1 then 6 else 8 end)::smallint,
    1::smallint, (case p_kind when 1 then 2 else 3 end)::smallint, n, p_key, p_key_hash, p_hold::text);
  t.api_key_id := p_api_key_id; t.metadata := p_metadata; t.feature := p_feature; t.units := p_units;
  t.category := f.category; t.price_version := f.version;
  if w.capped and p_kind = 1 then
    p := ledger.check_caps(w.id, t);
    if p.outcome is not null then return p; end if;
    perform ledger.count_caps(w.id, t, 1);
  end if;
  ends := t.created_at + life;
  insert into hold (uuid, wallet_id, wallet_uuid, credits, expires_at, created_at, status, sequence, kind, feature, unit_credits,
    category, price_version)
    values (p_hold, p_wallet_id, w.uuid, n, ends, t.created_at, 1, w.sequence + 1, p_kind, p_feature, f.credits, f.category,
      f.version);
  p := ledger.write(w, t);
  update wallet set next_expiry_at = least(next_expiry_at, ends) where id = p_wallet_id;
  return p;
end $$;

-- The price in force of a project's feature.
create function ledger.price(p_project_id bigint, p_feature text) returns feature_price language sql stable as $$
  select f.* from project pr join feature_price f
    on f.project_id = pr.id and f.version = pr.price_version and f.feature = p_feature where pr.id = p_project_id
$$;

-- Gives back what a hold still has set aside and closes it. The caller holds the wallet's lock.
create function ledger.close_hold(h hold, p_status smallint, t credit_transaction) returns ledger.posting
language plpgsql as $$
declare w wallet; p ledger.posting; o credit_transaction;
begin
  select * into w from wallet where id = h.wallet_id;
  update hold set status = p_status where id = h.id;
  if h.credits > h.captured then
    t.amount := h.credits - h.captured;
    if w.capped and h.kind = 1 then
      select * into o from credit_transaction where wallet_id = h.wallet_id and sequence = h.sequence;
      o.amount := t.amount;
      if h.unit_credits > 0 then o.units := t.amount / h.unit_credits; end if;
      perform ledger.count_caps(w.id, o, -1);
    end if;
    p := ledger.write(w, t);
  end if;
  perform ledger.settle_given_back(h.wallet_id, t.created_at);
  return p;
end $$;

-- Spends credits of a hold: p_credits, or p_units at the hold's price, or all that is left. With p_cap a larger request
-- takes what is left instead of being refused; with p_final the rest goes back at once.
create function ledger.capture(
  p_wallet_id bigint, p_hold uuid, p_credits bigint, p_units bigint, p_cap boolean, p_final boolean, p_key text,
  p_key_hash uuid, p_api_key_id bigint
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare
  w wallet; t credit_transaction; h hold; p ledger.posting; k text := 'capture:' || p_key_hash; n bigint; rest bigint;
begin
  w := ledger.lock(p_wallet_id);
  select * into h from hold where uuid = p_hold and wallet_id = p_wallet_id and kind = 1;
  if not found then p.outcome := 11; return p; end if;
  n := coalesce(p_credits, p_units * h.unit_credits);
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = 10 and t.source_id = p_hold::text and t.idempotency_key = p_key
      and (t.amount = coalesce(n, t.amount) or p_cap and t.amount < n));
  end if;
  if h.status <> 1 then p.outcome := 9; return p; end if;
  rest := h.credits - h.captured;
  n := coalesce(n, rest);
  if p_cap then n := least(n, rest); end if;
  if n <= 0 or n > rest then p.outcome := 10; p.required_credits := rest; return p; end if;
  t := ledger.movement(10::smallint, 6::smallint, 2::smallint, 12::smallint, n, p_key, p_key_hash, p_hold::text);
  t.api_key_id := p_api_key_id; t.feature := h.feature; t.category := h.category; t.price_version := h.price_version;
  if h.unit_credits > 0 then t.units := coalesce(p_units, n / h.unit_credits); end if;
  p := ledger.write(w, t);
  perform ledger.count_usage(p_wallet_id, p.posted_at, coalesce(h.feature, 'HOLD_CAPTURE'), null, h.category,
    coalesce(t.units, 1), n);
  perform ledger.watch_burn(p_wallet_id, p.posted_at);
  update hold set captured = captured + n where id = h.id returning * into h;
  if p_final or h.captured = h.credits then
    t := ledger.movement(9::smallint, 6::smallint, 2::smallint, 1::smallint, 0, k, md5('system:' || k)::uuid, p_hold::text);
    t.api_key_id := p_api_key_id;
    perform ledger.close_hold(h, 2::smallint, t);
  end if;
  return p;
end $$;

-- Gives back all that a hold still has set aside.
create function ledger.release(p_wallet_id bigint, p_hold uuid, p_key text, p_key_hash uuid, p_api_key_id bigint)
returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare t credit_transaction; h hold; p ledger.posting;
begin
  perform ledger.lock(p_wallet_id);
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type in (6, 9) and t.to_account = 1 and t.source_id = p_hold::text
      and t.idempotency_key = p_key);
  end if;
  select * into h from hold where uuid = p_hold and wallet_id = p_wallet_id;
  if not found then p.outcome := 11; return p; end if;
  if h.status <> 1 then p.outcome := 9; return p; end if;
  t := ledger.movement((case h.kind when 1 then 9 else 6 end)::smallint, (case h.kind when 1 then 6 else 8 end)::smallint,
    (case h.kind when 1 then 2 else 3 end)::smallint, 1::smallint, 0, p_key, p_key_hash, p_hold::text);
  t.api_key_id := p_api_key_id;
  return ledger.close_hold(h, 3::smallint, t);
end $$;

-- Pays out what a payout hold has set aside: the credits leave the wallet for good.
create function ledger.pay_out(p_wallet_id bigint, p_hold uuid, p_key text, p_key_hash uuid, p_api_key_id bigint)
returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; t credit_transaction; h hold; p ledger.posting;
begin
  w := ledger.lock(p_wallet_id);
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = 6 and t.to_account = 14 and t.source_id = p_hold::text and t.idempotency_key = p_key);
  end if;
  select * into h from hold where uuid = p_hold and wallet_id = p_wallet_id and kind = 2;
  if not found then p.outcome := 11; return p; end if;
  if h.status <> 1 then p.outcome := 9; return p; end if;
  update hold set status = 2, captured = credits where id = h.id;
  t := ledger.movement(6::smallint, 8::smallint, 3::smallint, 14::smallint, h.credits, p_key, p_key_hash, p_hold::text);
  t.api_key_id := p_api_key_id;
  return ledger.write(w, t);
end $$;
