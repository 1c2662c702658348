-- The posting engine: the only code that moves credits. Installed after the migrations whenever it changed (see
-- db/migrate.py), called through db/lanes.py and db/ledger.py. The acts run with the owner's rights and call
-- the other functions; the application's role may only execute the acts, granted at the end of ledger_spend.sql.
--
-- Rules: lock the wallets in the order of their ids; decide in a NEW statement after the lock; one movement is one
-- row whose balances chain to the row before; a key is remembered with its effect, in the same commit, for ever.
-- Outcomes, accounts, types and sources are the numbers of domain/ledger.py.

create type ledger.posting as (
  outcome smallint, required_credits bigint, cap_group smallint,
  amount bigint, balance_before bigint, balance_after bigint, posted_sequence bigint, posted_at timestamptz,
  category smallint, price_version bigint, source_id text,
  cap_id uuid, cap_left bigint, cap_resets_at timestamptz
);

-- A row of the ledger can't be changed or removed by anybody, whatever their rights.
create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'credit_transaction is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger credit_transaction_append_only before update or delete on credit_transaction
  for each row execute function ledger.refuse_change();
create trigger credit_transaction_no_truncate before truncate on credit_transaction
  for each statement execute function ledger.refuse_change();

-- Processes remember the columns that spending does not touch; the number tells them when to read a wallet again.
create function ledger.count_revision() returns trigger language plpgsql as $$
begin
  new.revision := old.revision + 1;
  return new;
end $$;
create trigger wallet_revision before update of reserved_credits, locked_credits, pending_credits,
  lifetime_purchased_credits, low_balance_threshold, ai_cap_units, webhook_cap_units, email_cap_units, frozen,
  auto_recharge_enabled, next_expiry_at, debt_credits, burn_limit_credits, burn_check_credits, burn_quiet_until, capped,
  frozen_reason on wallet
  for each row execute function ledger.count_revision();

-- The first result of a key, or a conflict when the request is not the same.
create function ledger.replay(t credit_transaction, p_same boolean) returns ledger.posting
language plpgsql immutable as $$
declare p ledger.posting;
begin
  p.outcome := case when p_same then 1 else 5 end;
  p.amount := t.amount; p.balance_before := t.balance_before; p.balance_after := t.balance_after;
  p.posted_sequence := t.sequence; p.posted_at := t.created_at; p.category := t.category;
  p.price_version := t.price_version; p.source_id := t.source_id;
  return p;
end $$;

-- Remembers that this posting took the wallet below its threshold: once per dip, armed again at or above it.
create function ledger.raise_alert(w wallet, p ledger.posting) returns void
language sql as $$
  insert into low_balance_alert (project_id, wallet_id, wallet_uuid, sequence, available_credits, threshold, raised_at)
    values (w.project_id, w.id, w.uuid, p.posted_sequence, p.balance_after, w.low_balance_threshold, p.posted_at)
$$;

-- A movement before it is written: what is not named here is set on the result.
create function ledger.movement(
  p_type smallint, p_source smallint, p_from smallint, p_to smallint, p_amount bigint, p_key text, p_key_hash uuid,
  p_source_id text
) returns credit_transaction language plpgsql as $$
declare t credit_transaction;
begin
  t.type := p_type; t.source := p_source; t.from_account := p_from; t.to_account := p_to; t.amount := p_amount;
  t.idempotency_key := p_key; t.key_hash := p_key_hash; t.source_id := p_source_id; t.created_at := clock_timestamp();
  return t;
end $$;

-- The signed change of one bucket of the wallet by a movement.
create function ledger.change(t credit_transaction, p_account smallint) returns bigint language sql immutable as $$
  select case p_account when t.to_account then t.amount when t.from_account then -t.amount else 0 end
$$;

-- Writes one movement of a locked wallet: the wallet, the row and, where a dip begins, the alert.
create function ledger.write(w wallet, t credit_transaction) returns ledger.posting language plpgsql as $$
declare p ledger.posting;
begin
  t.wallet_id := w.id; t.sequence := w.sequence + 1; t.balance_before := w.available_credits;
  t.balance_after := w.available_credits + ledger.change(t, 1::smallint);
  update wallet set sequence = t.sequence, updated_at = t.created_at, available_credits = t.balance_after,
    reserved_credits = reserved_credits + ledger.change(t, 2::smallint),
    locked_credits = locked_credits + ledger.change(t, 3::smallint),
    pending_credits = pending_credits + ledger.change(t, 4::smallint),
    debt_credits = debt_credits - ledger.change(t, 5::smallint),
    lifetime_purchased_credits = lifetime_purchased_credits + case when t.type = 1 then t.amount else 0 end,
    lifetime_used_credits = lifetime_used_credits + case when t.to_account = 12 then t.amount else 0 end
    where id = w.id;
  insert into credit_transaction select t.*;
  p := ledger.replay(t, true);
  p.outcome := 0;
  if w.available_credits >= w.low_balance_threshold and t.balance_after < w.low_balance_threshold then
    perform ledger.raise_alert(w, p);
  end if;
  return p;
end $$;

-- Writes a movement of a locked wallet that follows from another; its key is the system's.
create function ledger.write_system(
  p_wallet_id bigint, p_type smallint, p_source smallint, p_from smallint, p_to smallint, p_amount bigint, p_key text,
  p_source_id text
) returns ledger.posting language plpgsql as $$
declare w wallet;
begin
  select * into w from wallet where id = p_wallet_id;
  return ledger.write(w, ledger.movement(p_type, p_source, p_from, p_to, p_amount, p_key, md5('system:' || p_key)::uuid,
    p_source_id));
end $$;

-- Counts captured or spent credits in the rollup of the day.
create function ledger.count_usage(
  p_wallet_id bigint, p_at timestamptz, p_feature text, p_member text, p_category smallint, p_units bigint, p_credits bigint
) returns void language sql as $$
  insert into usage_rollup as r (wallet_id, day, feature, member, events, units, credits, last_activity_at, category)
    values (p_wallet_id, (p_at at time zone 'utc')::date, p_feature, coalesce(p_member, ''), 1, p_units, p_credits, p_at,
      p_category)
    on conflict (wallet_id, day, feature, member) do update set events = r.events + 1, units = r.units + excluded.units,
      credits = r.credits + excluded.credits, last_activity_at = excluded.last_activity_at
$$;

-- Locks a wallet and settles what has expired; the row as it stands after that, or null.
create function ledger.lock(p_wallet_id bigint) returns wallet
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; ts timestamptz;
begin
  select * into w from wallet where id = p_wallet_id for no key update;
  ts := clock_timestamp();
  if w.next_expiry_at <= ts then
    perform ledger.settle_due(p_wallet_id, ts);
    select * into w from wallet where id = p_wallet_id;
  end if;
  return w;
end $$;

-- A movement that carries no price: purchases, bonus, refunds, adjustments. A purchase pays the wallet's debt first.
create function ledger.post(
  p_wallet_id bigint, p_type smallint, p_source smallint, p_from smallint, p_to smallint, p_amount bigint,
  p_key text, p_key_hash uuid, p_source_id text, p_api_key_id bigint, p_metadata jsonb
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare w wallet; t credit_transaction; p ledger.posting;
begin
  w := ledger.lock(p_wallet_id);
  if w.id is null then p.outcome := 4; return p; end if;
  select * into t from credit_transaction c where c.wallet_id = p_wallet_id and c.key_hash = p_key_hash;
  if found then
    return ledger.replay(t, t.type = p_type and t.amount = p_amount and t.from_account = p_from
      and t.to_account = p_to and t.source_id is not distinct from p_source_id and t.idempotency_key = p_key
      and t.metadata is not distinct from p_metadata);
  end if;
  if p_amount <= 0 then p.outcome := 10; return p; end if;
  if p_from = 1 and w.frozen and p_type <> 4 then p.outcome := 8; return p; end if;
  if p_from = 1 and w.available_credits < p_amount then
    p.outcome := 2; p.balance_before := w.available_credits; p.required_credits := p_amount; return p;
  end if;
  if p_to = 1 and w.available_credits + p_amount > 9007199254740991 then p.outcome := 10; return p; end if;
  t := ledger.movement(p_type, p_source, p_from, p_to, p_amount, p_key, p_key_hash, p_source_id);
  t.api_key_id := p_api_key_id; t.metadata := p_metadata;
  p := ledger.write(w, t);
  if p_type = 1 and w.debt_credits > 0 then
    perform ledger.write_system(p_wallet_id, 4::smallint, 12::smallint, 1::smallint, 5::smallint,
      least(w.debt_credits, p_amount), 'debt:' || p_key_hash, p_source_id);
  end if;
  return p;
end $$;
