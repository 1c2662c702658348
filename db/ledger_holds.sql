-- Holds: credits set aside for work whose price is known only when it is done. See ledger.sql for the rules.

-- Gives back the credits of holds that have expired; runs before any decision about a wallet, so that an expired hold
-- never blocks a spend although no sweeper ran. The caller holds the wallet's lock.
create function ledger.expire_holds(p_wallet_id bigint, p_at timestamptz) returns integer
language plpgsql as $$
declare h hold; w wallet; n integer := 0; k text;
begin
  for h in select * from hold where wallet_id = p_wallet_id and status = 1 and expires_at <= p_at
    order by expires_at, id loop
    select * into w from wallet where id = p_wallet_id;
    k := 'hold:' || h.uuid || ':expiry';
    perform ledger.write(w, 9::smallint, 7::smallint, 2::smallint, 1::smallint, h.credits - h.captured, p_at, k,
      md5('system:' || k)::uuid, h.uuid::text, null, null, null);
    update hold set status = 4 where id = h.id;
    n := n + 1;
  end loop;
  update wallet set next_expiry_at = (select min(expires_at) from hold where wallet_id = p_wallet_id and status = 1)
    where id = p_wallet_id;
  return n;
end $$;

-- Sets credits aside until p_seconds from now. The posting's source_id is the hold's uuid (the first one on a replay).
create function ledger.hold(
  p_wallet_id bigint, p_hold uuid, p_credits bigint, p_seconds bigint, p_key text, p_key_hash uuid,
  p_api_key_id bigint, p_metadata jsonb
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; t credit_transaction; p ledger.posting; ts timestamptz; life interval := make_interval(secs => p_seconds);
begin
  w := ledger.lock(p_wallet_id);
  ts := clock_timestamp();
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = 8 and t.amount = p_credits and t.idempotency_key = p_key
      and t.metadata is not distinct from p_metadata
      and exists (select from hold h where h.uuid::text = t.source_id and h.expires_at - h.created_at = life));
  end if;
  if w.frozen then p.outcome := 8; return p; end if;
  if w.available_credits < p_credits then
    p.outcome := 2; p.balance_before := w.available_credits; p.required_credits := p_credits; return p;
  end if;
  insert into hold (uuid, wallet_id, credits, expires_at, created_at, status)
    values (p_hold, p_wallet_id, p_credits, ts + life, ts, 1);
  p := ledger.write(w, 8::smallint, 6::smallint, 1::smallint, 2::smallint, p_credits, ts, p_key, p_key_hash,
    p_hold::text, null, p_api_key_id, p_metadata);
  update wallet set next_expiry_at = least(next_expiry_at, ts + life) where id = p_wallet_id;
  return p;
end $$;

-- Gives back what a hold still has set aside and closes it. The caller holds the wallet's lock.
create function ledger.close_hold(
  h hold, p_status smallint, p_key text, p_key_hash uuid, p_api_key_id bigint
) returns ledger.posting language plpgsql as $$
declare w wallet; p ledger.posting;
begin
  select * into w from wallet where id = h.wallet_id;
  update hold set status = p_status where id = h.id;
  update wallet set next_expiry_at = (select min(expires_at) from hold where wallet_id = w.id and status = 1)
    where id = w.id;
  if h.credits = h.captured then return p; end if;
  return ledger.write(w, 9::smallint, 6::smallint, 2::smallint, 1::smallint, h.credits - h.captured,
    clock_timestamp(), p_key, p_key_hash, h.uuid::text, null, p_api_key_id, null);
end $$;

-- Spends credits of a hold (null: all that is left); with p_final the rest goes back at once.
create function ledger.capture(
  p_wallet_id bigint, p_hold uuid, p_credits bigint, p_final boolean, p_key text, p_key_hash uuid, p_api_key_id bigint
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; t credit_transaction; h hold; p ledger.posting; k text := 'capture:' || p_key_hash; n bigint;
begin
  w := ledger.lock(p_wallet_id);
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = 10 and t.source_id = p_hold::text and t.idempotency_key = p_key
      and t.amount = coalesce(p_credits, t.amount));
  end if;
  select * into h from hold where uuid = p_hold and wallet_id = p_wallet_id;
  if not found then p.outcome := 11; return p; end if;
  if h.status <> 1 then p.outcome := 9; return p; end if;
  n := coalesce(p_credits, h.credits - h.captured);
  if n <= 0 or n > h.credits - h.captured then
    p.outcome := 10; p.required_credits := h.credits - h.captured; return p;
  end if;
  p := ledger.write(w, 10::smallint, 6::smallint, 2::smallint, 12::smallint, n, clock_timestamp(), p_key, p_key_hash,
    p_hold::text, null, p_api_key_id, null);
  perform ledger.count_usage(p_wallet_id, p.posted_at, 'HOLD_CAPTURE', null, null, 1, n);
  update hold set captured = captured + n where id = h.id returning * into h;
  if p_final or h.captured = h.credits then
    perform ledger.close_hold(h, 2::smallint, k, md5('system:' || k)::uuid, p_api_key_id);
  end if;
  return p;
end $$;

-- Gives back all that a hold still has set aside.
create function ledger.release(p_wallet_id bigint, p_hold uuid, p_key text, p_key_hash uuid, p_api_key_id bigint)
returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; t credit_transaction; h hold; p ledger.posting;
begin
  w := ledger.lock(p_wallet_id);
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = 9 and t.source_id = p_hold::text and t.idempotency_key = p_key);
  end if;
  select * into h from hold where uuid = p_hold and wallet_id = p_wallet_id;
  if not found then p.outcome := 11; return p; end if;
  if h.status <> 1 then p.outcome := 9; return p; end if;
  return ledger.close_hold(h, 3::smallint, p_key, p_key_hash, p_api_key_id);
end $$;
