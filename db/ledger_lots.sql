-- Lots: which credits a spend uses up, and when they end. See ledger.sql for the rules.
--
-- A spend does not touch lots: which lot pays follows from the rows alone, so it is worked out later, from where the last
-- settlement stopped, at the latest before a lot's expiry takes what is left of it. Burn order: lower priority, earlier
-- expiry, older. What a hold, payout or gift gives back returns to the lots it came from, the last used first.

-- Lets the active lots pay for the rows of one stretch; p_prefer names the purchase whose lots go first.
create function ledger.burn(p_wallet_id bigint, p_from bigint, p_to bigint, p_prefer text) returns void
language plpgsql as $$
declare total bigint; paid bigint;
begin
  select sum(amount)::bigint into total from credit_transaction
    where wallet_id = p_wallet_id and sequence between p_from and p_to and from_account = 1;
  if coalesce(total, 0) = 0 then return; end if;
  with d as materialized (
    select sequence, amount, (sum(amount) over (order by sequence))::bigint as upto from credit_transaction
    where wallet_id = p_wallet_id and sequence between p_from and p_to and from_account = 1 and amount > 0
  ), l as (
    select id, remaining, n, upto - remaining as low, upto from (
      select id, remaining, row_number() over burn_order as n, (sum(remaining) over burn_order)::bigint as upto from lot
      where wallet_id = p_wallet_id and active and remaining > 0 and sequence <= p_to
      window burn_order as (order by source_id is not distinct from p_prefer and p_prefer is not null desc, priority,
        expires_at nulls last, sequence rows unbounded preceding)) o
    where upto - remaining < total
  ), g as materialized (
    select l.id, l.n, l.low, l.upto, min(d.sequence) as first, max(d.sequence) as last,
      least(l.upto, total) - l.low as credits
    from l join d on d.upto > l.low and d.upto - d.amount < l.upto group by l.id, l.n, l.low, l.upto
  ), used as (
    update lot set remaining = lot.remaining - g.credits from g where lot.id = g.id
  ), written as (
    insert into allocation (wallet_id, lot_id, from_sequence, to_sequence, credits, first_credits, last_credits)
    select p_wallet_id, g.id, g.first, g.last, g.credits,
      (select least(d.upto, g.upto) - greatest(d.upto - d.amount, g.low) from d where d.sequence = g.first),
      (select least(d.upto, g.upto) - greatest(d.upto - d.amount, g.low) from d where d.sequence = g.last)
    from g order by g.n
  )
  select coalesce(sum(credits), 0) into paid from g;
  if paid <> total then raise exception 'lots of wallet % pay % of % credits', p_wallet_id, paid, total; end if;
end $$;

-- What each lot paid for one row (negative where it got credits back), in burn order.
create function ledger.allocations_of(p_wallet_id bigint, p_sequence bigint)
returns table (id bigint, lot_id bigint, credits bigint) language sql stable as $$
  select a.id, a.lot_id, case p_sequence when a.from_sequence then a.first_credits when a.to_sequence then a.last_credits
      else t.amount end
  from credit_transaction t join allocation a on a.wallet_id = t.wallet_id
    and a.from_sequence <= p_sequence and a.to_sequence >= p_sequence
  where t.wallet_id = p_wallet_id and t.sequence = p_sequence
    and (t.from_account = 1 and a.credits > 0 or t.to_account = 1 and a.credits < 0)
  order by a.id
$$;

-- Returns the credits of a row to the lots that paid for the row p_origin.
create function ledger.give_back(t credit_transaction, p_origin bigint) returns void language plpgsql as $$
declare a record; n bigint; rest bigint := t.amount;
begin
  for a in select * from ledger.allocations_of(t.wallet_id, p_origin) x order by x.id desc loop
    exit when rest = 0;
    n := least(a.credits, rest);
    update lot set remaining = remaining + n where id = a.lot_id;
    insert into allocation (wallet_id, lot_id, from_sequence, to_sequence, credits, first_credits, last_credits)
      values (t.wallet_id, a.lot_id, t.sequence, t.sequence, -n, -n, -n);
    rest := rest - n;
  end loop;
  if rest <> 0 then raise exception 'no lot takes back % credits of wallet %', rest, t.wallet_id; end if;
end $$;

-- Books a row that gives credits: to a lot that came with it, back to lots, or as a new lot.
create function ledger.fill(t credit_transaction) returns void language plpgsql as $$
declare origin bigint;
begin
  if t.from_account = 4 then
    update lot set active = true where id = t.source_id::bigint;
  elsif exists (select from lot where wallet_id = t.wallet_id and sequence = t.sequence) then
    return;
  elsif t.from_account in (2, 3, 18) then
    select sequence into strict origin from (select sequence, uuid from hold where wallet_id = t.wallet_id
      union all select sequence, uuid from gift where wallet_id = t.wallet_id) x where x.uuid = t.source_id::uuid;
    perform ledger.give_back(t, origin);
  elsif t.amount > 0 then
    insert into lot (wallet_id, sequence, credits, remaining, priority, created_at, source, active, source_id)
      values (t.wallet_id, t.sequence, t.amount, t.amount, case when t.type in (1, 4) then 100 else 50 end, t.created_at,
        case when t.type in (1, 4) then 1 when t.type = 13 then 4 when t.type = 7 then 6 else 2 end, true, t.source_id);
  end if;
end $$;

-- Works out lots and account flows up to the wallet's newest row. The caller holds the wallet's lock.
create function ledger.settle(p_wallet_id bigint) returns bigint
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare t credit_transaction; done bigint; start bigint; top bigint;
begin
  perform 1 from wallet where id = p_wallet_id for no key update;
  select sequence into top from wallet where id = p_wallet_id;
  select coalesce((select sequence from settlement where wallet_id = p_wallet_id), 0) into start;
  done := start;
  for t in select * from credit_transaction where wallet_id = p_wallet_id and sequence > start
      and (to_account = 1 or from_account = 1 and type in (4, 11)) order by sequence loop
    perform ledger.burn(p_wallet_id, done + 1, t.sequence - 1, null);
    if t.to_account = 1 then
      perform ledger.fill(t);
    elsif t.type = 11 then
      update lot set remaining = remaining - t.amount where id = t.source_id::bigint;
      insert into allocation (wallet_id, lot_id, from_sequence, to_sequence, credits, first_credits, last_credits)
        values (p_wallet_id, t.source_id::bigint, t.sequence, t.sequence, t.amount, t.amount, t.amount);
    else
      perform ledger.burn(p_wallet_id, t.sequence, t.sequence, t.source_id);
    end if;
    done := t.sequence;
  end loop;
  perform ledger.burn(p_wallet_id, done + 1, top, null);
  insert into account_flow as f (wallet_id, from_account, to_account, credits, movements)
    select p_wallet_id, from_account, to_account, sum(amount), count(*) from credit_transaction
    where wallet_id = p_wallet_id and sequence > start group by from_account, to_account
    on conflict (wallet_id, from_account, to_account) do update set credits = f.credits + excluded.credits,
      movements = f.movements + excluded.movements;
  insert into settlement (wallet_id, sequence, settled_at) values (p_wallet_id, top, clock_timestamp())
    on conflict (wallet_id) do update set sequence = excluded.sequence, settled_at = excluded.settled_at;
  return top - start;
end $$;

-- Sets when the wallet has to be looked at next: a hold's end, a lot's end or a lot's beginning.
create function ledger.plan_next(p_wallet_id bigint) returns void language sql as $$
  update wallet set next_expiry_at = least(
    (select min(expires_at) from hold where wallet_id = p_wallet_id and status = 1),
    (select min(case when active then expires_at else effective_at end) from lot
      where wallet_id = p_wallet_id and (expires_at is not null or not active) and remaining > 0))
  where id = p_wallet_id
$$;

-- Does in their order what has become due: holds and lots that ended, lots that begin. Runs before any decision about a
-- wallet, so that nothing expired is spent and no expired hold blocks although no sweeper ran.
create function ledger.settle_due(p_wallet_id bigint, p_at timestamptz) returns void language plpgsql as $$
declare due record; h hold; l lot; k text; timed boolean;
begin
  timed := exists (select from lot where wallet_id = p_wallet_id and (expires_at is not null or not active));
  loop
    if timed then perform ledger.settle(p_wallet_id); end if;
    select * into due from (
      select expires_at as at, 1 as kind, id from hold where wallet_id = p_wallet_id and status = 1 and expires_at <= p_at
      union all select expires_at, 2, id from lot
        where wallet_id = p_wallet_id and active and remaining > 0 and expires_at <= p_at
      union all select effective_at, 3, id from lot where wallet_id = p_wallet_id and not active and effective_at <= p_at
    ) x order by at, kind, id limit 1;
    exit when not found;
    if due.kind = 1 then
      select * into h from hold where id = due.id;
      k := 'hold:' || h.uuid || ':expiry';
      update hold set status = 4 where id = h.id;
      perform ledger.write_system(p_wallet_id, 9::smallint, 7::smallint, 2::smallint, 1::smallint, h.credits - h.captured,
        k, h.uuid::text);
    else
      select * into l from lot where id = due.id;
      if due.kind = 2 then
        perform ledger.write_system(p_wallet_id, 11::smallint, 7::smallint, 1::smallint, 15::smallint, l.remaining,
          'lot:' || l.id || ':expiry:' || (select sequence from wallet where id = p_wallet_id), l.id::text);
      else
        perform ledger.write_system(p_wallet_id, (case l.source when 4 then 13 else 3 end)::smallint, 11::smallint,
          4::smallint, 1::smallint, l.credits, 'lot:' || l.id || ':active', l.id::text);
      end if;
    end if;
  end loop;
  perform ledger.plan_next(p_wallet_id);
end $$;

-- After credits went back to where they came from: a lot among them may have ended meanwhile, then they end with it, now.
create function ledger.settle_given_back(p_wallet_id bigint, p_at timestamptz) returns void language plpgsql as $$
begin
  if exists (select from lot where wallet_id = p_wallet_id and expires_at <= p_at) then
    perform ledger.settle_due(p_wallet_id, p_at);
  else
    perform ledger.plan_next(p_wallet_id);
  end if;
end $$;

-- Gives credits as a lot of its own. One that begins later waits in the pending bucket until then.
create function ledger.grant(
  p_wallet_id bigint, p_type smallint, p_source smallint, p_from smallint, p_amount bigint, p_key text, p_key_hash uuid,
  p_source_id text, p_api_key_id bigint, p_metadata jsonb, p_lot_source smallint, p_priority bigint,
  p_effective_at timestamptz, p_expires_at timestamptz
) returns ledger.posting language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare p ledger.posting; l lot; p_to smallint;
begin
  perform ledger.lock(p_wallet_id);
  select x.* into l from credit_transaction t join lot x on x.wallet_id = t.wallet_id and x.sequence = t.sequence
    where t.wallet_id = p_wallet_id and t.key_hash = p_key_hash;
  if l.id is not null and (l.priority, l.source, l.effective_at, l.expires_at)
      is distinct from (p_priority, p_lot_source, p_effective_at, p_expires_at) then
    p.outcome := 5; return p;
  end if;
  select to_account into p_to from credit_transaction where wallet_id = p_wallet_id and key_hash = p_key_hash;
  p_to := coalesce(p_to, case when p_effective_at > clock_timestamp() then 4 else 1 end);
  p := ledger.post(p_wallet_id, p_type, p_source, p_from, p_to, p_amount, p_key, p_key_hash, p_source_id, p_api_key_id,
    p_metadata);
  if p.outcome <> 0 then return p; end if;
  insert into lot (wallet_id, sequence, credits, remaining, priority, effective_at, expires_at, created_at, source, active,
    source_id)
    values (p_wallet_id, p.posted_sequence, p_amount, p_amount, p_priority, p_effective_at, p_expires_at, p.posted_at,
      p_lot_source, p_to = 1, p_source_id);
  perform ledger.plan_next(p_wallet_id);
  return p;
end $$;
