-- Caps and rapid burn. See ledger.sql for the rules.

-- The start of the part of a cap's period that an instant falls in.
create function ledger.cap_bucket(c cap, p_at timestamptz) returns timestamptz language sql immutable as $$
  select case c.period when 1 then date_trunc('day', p_at, 'UTC') when 2 then date_trunc('month', p_at, 'UTC')
    else to_timestamp(floor(extract(epoch from p_at) / (c.window_seconds / 60.0)) * (c.window_seconds / 60.0)) end
$$;

-- The first bucket that counts at an instant.
create function ledger.cap_start(c cap, p_at timestamptz) returns timestamptz language sql immutable as $$
  select ledger.cap_bucket(c, case c.period when 3 then p_at - make_interval(secs => c.window_seconds) else p_at end)
$$;

-- Whether a cap counts a movement.
create function ledger.cap_matches(c cap, t credit_transaction) returns boolean language sql immutable as $$
  select (c.member is null or c.member = t.member) and (c.api_key_id is null or c.api_key_id = t.api_key_id)
    and (c.feature is null or c.feature = t.feature) and (c.category is null or c.category = t.category)
$$;

-- The first cap that a movement would pass, as a refusal: which, its limit, what is left, when there is more; else null.
create function ledger.check_caps(p_wallet_id bigint, t credit_transaction) returns ledger.posting
language plpgsql as $$
declare c cap; p ledger.posting; counted bigint; used bigint; oldest timestamptz;
begin
  for c in select * from cap where wallet_id = p_wallet_id order by id loop
    continue when not coalesce(ledger.cap_matches(c, t), false);
    counted := case c.measure when 1 then t.amount else coalesce(t.units, 1) end;
    select coalesce(sum(u.used), 0), min(u.bucket) filter (where u.used > 0) into used, oldest from cap_usage u
      where u.cap_id = c.id and u.bucket >= ledger.cap_start(c, t.created_at);
    if used + counted > c.limit_amount then
      p.outcome := 12; p.required_credits := c.limit_amount; p.cap_id := c.uuid;
      p.cap_left := greatest(c.limit_amount - used, 0); p.posted_at := t.created_at; p.amount := t.amount;
      p.cap_resets_at := case c.period when 1 then ledger.cap_bucket(c, t.created_at) + interval '1 day'
        when 2 then ledger.cap_bucket(c, t.created_at) + interval '1 month'
        else coalesce(oldest, t.created_at) + make_interval(secs => c.window_seconds * 61 / 60.0) end;
      return p;
    end if;
  end loop;
  return p;
end $$;

-- Counts a movement (p_sign 1), or takes back what a released hold had counted (-1).
create function ledger.count_caps(p_wallet_id bigint, t credit_transaction, p_sign integer) returns void
language plpgsql as $$
declare c cap;
begin
  for c in select * from cap where wallet_id = p_wallet_id and created_at <= t.created_at loop
    continue when not coalesce(ledger.cap_matches(c, t), false);
    insert into cap_usage as u (cap_id, bucket, used) values (c.id, ledger.cap_bucket(c, t.created_at),
        greatest(p_sign * case c.measure when 1 then t.amount else coalesce(t.units, 1) end, 0))
      on conflict (cap_id, bucket) do update set used = greatest(u.used
        + p_sign * case c.measure when 1 then t.amount else coalesce(t.units, 1) end, 0);
    delete from cap_usage where cap_id = c.id and bucket < t.created_at - interval '63 days';
  end loop;
end $$;

-- Tells a process whether a wallet's spends must look at caps; called with every change of its caps.
create function ledger.set_capped(p_wallet_id bigint) returns void
language sql security definer set search_path = public, ledger, pg_temp as $$
  update wallet set capped = exists (select from cap where wallet_id = p_wallet_id) where id = p_wallet_id
$$;

-- Looks whether the newest spend took the credits of the last 24 h above the wallet's limit: one alert an episode, which
-- lasts as long as the sum stays above. Until burn_check_credits are used in all, or until burn_quiet_until, nothing can
-- change, so spends need not look.
create function ledger.watch_burn(p_wallet_id bigint, p_at timestamptz) returns void language plpgsql as $$
declare w wallet; r record; newest bigint; before bigint := 0; edge timestamptz; since timestamptz := p_at - interval '24 hours';
begin
  select * into w from wallet where id = p_wallet_id;
  if w.burn_limit_credits is null or w.lifetime_used_credits <= w.burn_check_credits or w.burn_quiet_until > p_at then
    return;
  end if;
  for r in select amount, created_at from credit_transaction
      where wallet_id = p_wallet_id and to_account = 12 order by sequence desc loop
    exit when r.created_at <= since;
    if newest is null then newest := r.amount; continue; end if;
    before := before + r.amount;
    if before > w.burn_limit_credits then edge := r.created_at; exit; end if;
  end loop;
  newest := coalesce(newest, 0);
  if before + newest > w.burn_limit_credits and (edge is null or w.burn_quiet_until is null) then
    insert into burn_alert (project_id, wallet_id, wallet_uuid, sequence, spent_credits, limit_credits, raised_at)
      values (w.project_id, w.id, w.uuid, w.sequence, before + newest, w.burn_limit_credits, p_at) on conflict do nothing;
  end if;
  update wallet set
    burn_quiet_until = case when edge is not null then edge + interval '24 hours'
      when before + newest > w.burn_limit_credits then p_at end,
    burn_check_credits = case when before + newest > w.burn_limit_credits then w.burn_check_credits
      else w.lifetime_used_credits + w.burn_limit_credits - before - newest end
    where id = p_wallet_id;
end $$;

-- Sets how many credits in 24 h are rapid burn (null: never).
create function ledger.set_burn_limit(p_wallet_id bigint, p_limit bigint) returns void
language sql security definer set search_path = public, ledger, pg_temp as $$
  update wallet set burn_limit_credits = p_limit, burn_quiet_until = null, updated_at = clock_timestamp(),
    burn_check_credits = case when p_limit is null then 9223372036854775807 else 0 end where id = p_wallet_id
$$;
