-- Movements between wallets, refunds and freezing. See ledger.sql for the rules. Credits that change wallets keep the
-- source, priority and expiry of the lots they came from, so nothing lives longer by moving.

-- Locks two wallets in the order of their ids and settles both.
create function ledger.lock_two(p_first bigint, p_second bigint) returns void language plpgsql as $$
begin
  perform 1 from wallet where id in (p_first, p_second) order by id for no key update;
  perform ledger.lock(p_first);
  perform ledger.lock(p_second);
end $$;

-- Gives a wallet the credits that a row took from another: one row and lot for each lot that paid, from p_account.
create function ledger.hand_over(
  p_giver bigint, p_sequence bigint, p_to bigint, p_source smallint, p_account smallint, p_lot_source smallint, p_key text,
  p_source_id text
) returns void language plpgsql as $$
declare a record; p ledger.posting; n integer := 0;
begin
  perform ledger.settle(p_giver);
  for a in select l.source, l.priority, l.expires_at, sum(x.credits)::bigint as credits
      from ledger.allocations_of(p_giver, p_sequence) x join lot l on l.id = x.lot_id
      group by l.source, l.priority, l.expires_at order by l.priority, l.expires_at nulls last loop
    n := n + 1;
    p := ledger.write_system(p_to, 12::smallint, p_source, p_account, 1::smallint, a.credits, p_key || ':' || n, p_source_id);
    insert into lot (wallet_id, sequence, credits, remaining, priority, expires_at, created_at, source, active, source_id)
      values (p_to, p.posted_sequence, a.credits, a.credits, a.priority, a.expires_at, p.posted_at,
        coalesce(p_lot_source, a.source), true, p_source_id);
  end loop;
  perform ledger.settle_due(p_to, clock_timestamp());
end $$;

-- Moves credits to another wallet of the project. The rows' source_id names the other wallet.
create function ledger.transfer(
  p_from bigint, p_to bigint, p_amount bigint, p_key text, p_key_hash uuid, p_api_key_id bigint, p_metadata jsonb
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; x wallet; t credit_transaction; p ledger.posting;
begin
  perform ledger.lock_two(p_from, p_to);
  select * into w from wallet where id = p_from;
  select * into x from wallet where id = p_to;
  if w.id is null or x.id is null or w.id = x.id or w.project_id <> x.project_id then p.outcome := 4; return p; end if;
  select * into t from credit_transaction c where c.wallet_id = p_from and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = 12 and t.source = 9 and t.amount = p_amount and t.source_id = x.uuid::text
      and t.idempotency_key = p_key and t.metadata is not distinct from p_metadata);
  end if;
  if w.frozen then p.outcome := 8; return p; end if;
  if p_amount <= 0 or x.available_credits + p_amount > 9007199254740991 then p.outcome := 10; return p; end if;
  if w.available_credits < p_amount then
    p.outcome := 2; p.balance_before := w.available_credits; p.required_credits := p_amount; return p;
  end if;
  t := ledger.movement(12::smallint, 9::smallint, 1::smallint, 17::smallint, p_amount, p_key, p_key_hash, x.uuid::text);
  t.api_key_id := p_api_key_id; t.metadata := p_metadata;
  p := ledger.write(w, t);
  perform ledger.hand_over(p_from, p.posted_sequence, p_to, 9::smallint, 17::smallint, null,
    'transfer:' || w.uuid || ':' || p.posted_sequence, w.uuid::text);
  return p;
end $$;

-- Takes credits out of a wallet as a gift that waits to be claimed. The posting's source_id is the gift's uuid.
create function ledger.give(
  p_wallet_id bigint, p_gift uuid, p_to bigint, p_amount bigint, p_seconds bigint, p_message text, p_key text,
  p_key_hash uuid, p_api_key_id bigint
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; t credit_transaction; p ledger.posting; life interval := make_interval(secs => p_seconds);
begin
  w := ledger.lock(p_wallet_id);
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = 12 and t.source = 10 and t.amount = p_amount and t.idempotency_key = p_key
      and exists (select from gift g where g.uuid::text = t.source_id and g.to_wallet_id is not distinct from p_to
        and g.message is not distinct from p_message and g.expires_at - g.created_at = life));
  end if;
  if w.frozen then p.outcome := 8; return p; end if;
  if p_amount <= 0 then p.outcome := 10; return p; end if;
  if w.available_credits < p_amount then
    p.outcome := 2; p.balance_before := w.available_credits; p.required_credits := p_amount; return p;
  end if;
  t := ledger.movement(12::smallint, 10::smallint, 1::smallint, 18::smallint, p_amount, p_key, p_key_hash, p_gift::text);
  t.api_key_id := p_api_key_id;
  p := ledger.write(w, t);
  insert into gift (uuid, project_id, wallet_id, wallet_uuid, to_wallet_id, sequence, credits, expires_at, created_at,
    status, message)
    values (p_gift, w.project_id, w.id, w.uuid, p_to, p.posted_sequence, p_amount, t.created_at + life, t.created_at, 1,
      p_message);
  return p;
end $$;

-- Puts a gift into the wallet that claims it. Claiming again by the same wallet changes nothing.
create function ledger.claim(p_gift uuid, p_wallet_id bigint) returns ledger.posting
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare g gift; w wallet; p ledger.posting;
begin
  select * into g from gift where uuid = p_gift;
  if not found then p.outcome := 13; return p; end if;
  perform ledger.lock_two(g.wallet_id, p_wallet_id);
  select * into g from gift where uuid = p_gift;
  select * into w from wallet where id = p_wallet_id;
  if g.status = 2 and g.claimed_wallet_id = p_wallet_id then p.outcome := 1; return p; end if;
  if g.project_id is distinct from w.project_id or g.to_wallet_id <> p_wallet_id then p.outcome := 13; return p; end if;
  if g.status <> 1 or g.expires_at <= clock_timestamp() then p.outcome := 9; return p; end if;
  if w.available_credits + g.credits > 9007199254740991 then p.outcome := 10; return p; end if;
  update gift set status = 2, claimed_wallet_id = p_wallet_id, closed_at = clock_timestamp() where id = g.id;
  perform ledger.hand_over(g.wallet_id, g.sequence, p_wallet_id, 10::smallint, 18::smallint, 5::smallint,
    'gift:' || g.uuid, g.uuid::text);
  p.outcome := 0;
  return p;
end $$;

-- Returns a gift that nobody claimed to its giver: revoked (p_status 3) or expired (4).
create function ledger.take_back(p_gift uuid, p_status smallint) returns ledger.posting
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare g gift; p ledger.posting;
begin
  select * into g from gift where uuid = p_gift;
  if not found then p.outcome := 13; return p; end if;
  perform ledger.lock(g.wallet_id);
  select * into g from gift where uuid = p_gift;
  if g.status = p_status then p.outcome := 1; return p; end if;
  if g.status <> 1 then p.outcome := 9; return p; end if;
  update gift set status = p_status, closed_at = clock_timestamp() where id = g.id;
  p := ledger.write_system(g.wallet_id, 12::smallint, 10::smallint, 18::smallint, 1::smallint, g.credits,
    'gift:' || g.uuid || ':back', g.uuid::text);
  perform ledger.settle_given_back(g.wallet_id, p.posted_at);
  return p;
end $$;

-- Takes back refunded credits: what is there, and what is missing becomes a debt. The answer's required_credits is the
-- part that became debt.
create function ledger.claw_back(p_wallet_id bigint, p_amount bigint, p_key text, p_source_id text) returns ledger.posting
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; p ledger.posting; n bigint;
begin
  w := ledger.lock(p_wallet_id);
  n := least(w.available_credits, p_amount);
  p := ledger.write_system(p_wallet_id, 4::smallint, 4::smallint, 1::smallint, 13::smallint, n, p_key, p_source_id);
  p.required_credits := p_amount - n;
  if n < p_amount then
    perform ledger.write_system(p_wallet_id, 4::smallint, 12::smallint, 5::smallint, 13::smallint, p_amount - n,
      p_key || ':debt', p_source_id);
  end if;
  return p;
end $$;

-- Undoes a clawback whose refund the provider refused: cancels what is left of its debt and returns the rest.
create function ledger.undo_claw_back(
  p_wallet_id bigint, p_amount bigint, p_shortfall bigint, p_key text, p_source_id text
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; n bigint;
begin
  w := ledger.lock(p_wallet_id);
  n := least(w.debt_credits, p_shortfall);
  if n > 0 then
    perform ledger.write_system(p_wallet_id, 4::smallint, 12::smallint, 13::smallint, 5::smallint, n, p_key || ':debt',
      p_source_id);
  end if;
  return ledger.write_system(p_wallet_id, 4::smallint, 4::smallint, 13::smallint, 1::smallint, p_amount - n, p_key,
    p_source_id);
end $$;

-- Stops or allows what takes credits out of a wallet by its owner's will.
create function ledger.freeze(p_wallet_id bigint, p_reason text) returns void
language sql security definer set search_path = public, ledger, pg_temp as $$
  update wallet set frozen = p_reason is not null, frozen_reason = p_reason, updated_at = clock_timestamp()
  where id = p_wallet_id
$$;
