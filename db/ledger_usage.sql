-- Usage in slots, folded from the rows behind cursors. See ledger.sql for the rules.
--
-- A spend pays nothing for this. Rows of a wallet up to its sequence are committed, so folding needs no lock on wallets;
-- the folds of a project go one after the other. A reader adds the rows above the cursors, in the statement that reads
-- the slots. Grains (1 quarter, 2 day, 3 month, 4 week), views (by which keys: 1 feature, 2 member, 4 API key) and
-- offsets are those of domain/slots.py. A wallet has quarters by every key, and rows of a month (usage_month) by none, by
-- feature and by every key, whose arrays grow day by day. A project has days and months, no view by every key, and no
-- quarters by two.

-- The clocks whose days and months a project has, as minutes ahead of UTC, and the day before which they are made.
create view ledger.project_clock as
  select p.id as project_id, m.utc_offset::smallint, 'infinity'::timestamptz as made_until
    from project p cross join (values (0), (330)) m (utc_offset)
  union all select project_id, utc_offset, made_until from usage_clock;

-- A sum of bigint that stays one: sum() makes a numeric of each, which costs as much as the rest of an answer's row.
create aggregate ledger.total(bigint) (sfunc = int8pl, stype = bigint, combinefunc = int8pl, parallel = safe);

-- When the slot of a time begins: a quarter of an hour, a day, month or week of a clock so many minutes ahead of UTC.
create function ledger.slot_of(p_at timestamptz, p_grain integer, p_utc_offset integer) returns timestamptz
language sql immutable parallel safe as $$
  select case p_grain when 1 then date_bin('15 minutes', p_at, '2000-01-01 00:00+00')
    else (date_trunc((array['day', 'month', 'week'])[p_grain - 1],
        (p_at at time zone 'utc') + p_utc_offset * interval '1 minute')
      - p_utc_offset * interval '1 minute') at time zone 'utc' end
$$;

-- A month by days is an array with a row for each day, up to the last one with usage: events, units, credits up to then, and
-- the last activity in microseconds since 1970 (0 for none). Here from days in their order, whose rows begin with the day.
create function ledger.month_of(p_days bigint[]) returns bigint[] language plpgsql immutable as $$
declare found bigint[] := '{}'; up_to bigint[] := '{0,0,0,0}'; day bigint[]; n bigint := 1;
begin
  foreach day slice 1 in array p_days loop
    while n < day[1] loop
      found := found || array[up_to];
      n := n + 1;
    end loop;
    up_to := array[up_to[1] + day[2], up_to[2] + day[3], up_to[3] + day[4], greatest(up_to[4], day[5])];
  end loop;
  return found || array[up_to];
end $$;

-- Two months by days in one: nearly always b has one day alone, which is the last one of a or a later one.
create function ledger.merge_months(a bigint[], b bigint[]) returns bigint[] language plpgsql immutable as $$
declare found bigint[]; n integer := least(array_length(a, 1), array_length(b, 1)); i integer; j integer;
begin
  -- What lies before the first day of b stays as it is.
  while b[n - 1][1] > 0 loop
    n := n - 1;
  end loop;
  found := a[:n - 1];
  for n in n .. greatest(array_length(a, 1), array_length(b, 1)) loop
    i := least(n, array_length(a, 1));
    j := least(n, array_length(b, 1));
    found := found || array[[a[i][1] + b[j][1], a[i][2] + b[j][2], a[i][3] + b[j][3], greatest(a[i][4], b[j][4])]];
  end loop;
  return found;
end $$;

-- Adds quarters by all keys to those of their wallets, to their months by days, and to the project's slots, on every clock as
-- far as it is made, or, when one is named, on that clock alone.
create function ledger.add_usage(p_project_id bigint, p_quarters usage_quarter[], p_utc_offset smallint) returns void
language sql as $$
  with used as materialized (
    select * from unnest(p_quarters)
  ), days as materialized (
    select u.wallet_id, z.utc_offset, d.slot, u.feature, u.member, u.api_key_id, u.category,
      ledger.total(u.events) as events, ledger.total(u.units) as units, ledger.total(u.credits) as credits,
      max(u.last_activity_at) as last_at
    from used u join ledger.project_clock z on z.project_id = p_project_id
      and z.utc_offset = coalesce(p_utc_offset, z.utc_offset)
    cross join lateral (select ledger.slot_of(u.slot, 2, z.utc_offset) as slot) d
    where p_utc_offset is not null or d.slot < z.made_until group by 1, 2, 3, 4, 5, 6, 7
  ), quarters as (
    insert into usage_quarter as s (wallet_id, slot, feature, member, api_key_id, category, events, units, credits,
        last_activity_at)
      select wallet_id, slot, feature, member, api_key_id, category, events, units, credits, last_activity_at
        from used where p_utc_offset is null order by 1, 2, 3, 4, 5, 6
      on conflict (wallet_id, slot, feature, member, api_key_id, category) do update
        set events = s.events + excluded.events, units = s.units + excluded.units, credits = s.credits + excluded.credits,
          last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at)
  ), by_day as (
    select wallet_id, 7 - grouping(api_key_id, member, feature) as view, utc_offset,
      (slot at time zone 'utc' + utc_offset * interval '1 minute')::date as day, coalesce(feature, '') as feature,
      coalesce(member, '') as member, coalesce(api_key_id, 0) as api_key_id, coalesce(category, 0) as category,
      ledger.total(events) as events, ledger.total(units) as units, ledger.total(credits) as credits,
      (extract(epoch from max(last_at)) * 1000000)::bigint as last_at
    from days
    group by wallet_id, utc_offset, slot, grouping sets ((), (feature, category), (feature, member, api_key_id, category))
  ), months as (
    insert into usage_month as s (wallet_id, view, utc_offset, month, feature, member, api_key_id, category, days)
      select wallet_id, view, utc_offset, m.month, feature, member, api_key_id, category, case count(*)
        when 1 then array_fill(0::bigint, array[min(day) - m.month, 4])
          || array[[min(events), min(units), min(credits), min(last_at)]]
        else ledger.month_of(array_agg(array[day - m.month + 1, events, units, credits, last_at] order by day)) end
      from by_day cross join lateral (select date_trunc('month', day::timestamp)::date as month) m
      group by 1, 2, 3, 4, 5, 6, 7, 8 order by 1, 2, 3, 4, 5, 6, 7, 8
      on conflict (wallet_id, view, utc_offset, month, feature, member, api_key_id, category) do update
        set days = ledger.merge_months(s.days, excluded.days)
  ), project_days as materialized (
    select utc_offset, slot, feature, member, api_key_id, category, ledger.total(events) as events,
      ledger.total(units) as units, ledger.total(credits) as credits, max(last_at) as last_at
    from days group by 1, 2, 3, 4, 5, 6
  ), together as (
    select 1 as grain, 0 as utc_offset, slot, feature, member, api_key_id, category, ledger.total(events) as events,
      ledger.total(units) as units, ledger.total(credits) as credits, max(last_activity_at) as last_at
      from used where p_utc_offset is null group by 3, 4, 5, 6, 7
    union all
    select 2, utc_offset, slot, feature, member, api_key_id, category, events, units, credits, last_at from project_days
    union all
    select 3, utc_offset, ledger.slot_of(slot, 3, utc_offset), feature, member, api_key_id, category, ledger.total(events),
      ledger.total(units), ledger.total(credits), max(last_at) from project_days group by 2, 3, 4, 5, 6, 7
  )
  insert into project_usage_slot as s (project_id, view, grain, utc_offset, slot, feature, member, api_key_id, category,
      events, units, credits, last_activity_at)
    select p_project_id, 7 - grouping(api_key_id, member, feature), grain, utc_offset, slot, coalesce(feature, ''),
      coalesce(member, ''), coalesce(api_key_id, 0), coalesce(category, 0), ledger.total(events),
      ledger.total(units), ledger.total(credits), max(last_at)
    from together group by grain, utc_offset, slot, grouping sets ((), (feature, category), (member), (api_key_id),
      (feature, category, member), (feature, category, api_key_id), (member, api_key_id))
    having grain > 1 or 7 - grouping(api_key_id, member, feature) in (0, 1, 2, 4)
    order by 2, 3, 4, 5
    on conflict (project_id, view, grain, utc_offset, slot, feature, member, api_key_id, category) do update
      set events = s.events + excluded.events, units = s.units + excluded.units, credits = s.credits + excluded.credits,
        last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at)
$$;

-- Waits until no other act changes the slots of the project, up to the end of the transaction.
create function ledger.lock_usage(p_project_id bigint) returns void language sql as $$
  insert into usage_fold (project_id) values (p_project_id) on conflict do nothing;
  select from usage_fold where project_id = p_project_id for update
$$;

-- Folds the next rows of a project's wallets, about p_rows, the oldest of each; how many rows.
create function ledger.fold_usage(p_project_id bigint, p_rows bigint) returns bigint
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare folded bigint; quarters usage_quarter[];
begin
  perform ledger.lock_usage(p_project_id);
  with waiting as (
    select w.id, coalesce(c.sequence, 0) as start, w.sequence as top,
      sum(w.sequence - coalesce(c.sequence, 0)) over () as rows
    from wallet w left join usage_cursor c on c.wallet_id = w.id
    where w.project_id = p_project_id and w.sequence > coalesce(c.sequence, 0)
  ), chosen as materialized (
    -- The same share of each wallet: old rows come first, and the slots of a project change in few folds.
    select id, start, least(top, start + ceil((top - start) * (p_rows / rows))::bigint) as stop from waiting
  ), used as (
    select (t.wallet_id, ledger.slot_of(t.created_at, 1, 0), coalesce(t.feature, 'HOLD_CAPTURE'),
      coalesce(t.member, ''), coalesce(t.api_key_id, 0), coalesce(t.category, 0::smallint), count(*),
      ledger.total(coalesce(t.units, 0)), ledger.total(t.amount), max(t.created_at))::usage_quarter as quarter
    -- With a fence: PostgreSQL would rather read the whole ledger than look a few rows of each wallet up.
    from chosen c cross join lateral (select * from credit_transaction t
      where t.wallet_id = c.id and t.sequence > c.start and t.sequence <= c.stop and t.to_account = 12 offset 0) t
    group by t.wallet_id, ledger.slot_of(t.created_at, 1, 0), coalesce(t.feature, 'HOLD_CAPTURE'), coalesce(t.member, ''),
      coalesce(t.api_key_id, 0), coalesce(t.category, 0::smallint)
  ), moved as (
    insert into usage_cursor (wallet_id, sequence) select id, stop from chosen
      on conflict (wallet_id) do update set sequence = excluded.sequence
  )
  select (select coalesce(sum(stop - start), 0) from chosen), (select array_agg(quarter) from used) into folded, quarters;
  perform ledger.add_usage(p_project_id, quarters, null);
  return folded;
end $$;

-- Gives the project the days of another clock, which are made later; nothing when it has p_most besides the first two.
create function ledger.want_clock(p_project_id bigint, p_utc_offset smallint, p_most bigint) returns void
language sql security definer set search_path = public, ledger, pg_temp as $$
  insert into usage_clock (project_id, utc_offset, made_until) select p_project_id, p_utc_offset, '-infinity'
    where p_utc_offset % 15 = 0 and (select count(*) from usage_clock where project_id = p_project_id) < p_most
      and not exists (select from ledger.project_clock where project_id = p_project_id and utc_offset = p_utc_offset)
    on conflict do nothing
$$;

-- Makes the next days of a clock, of about p_rows rows but one at least, from the quarters that are there; whether there
-- are more. Folds and recorded usage add to days before made_until, so days are complete whenever they are made.
create function ledger.make_clock(p_project_id bigint, p_utc_offset smallint, p_rows bigint) returns boolean
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare since timestamptz; start timestamptz; stop timestamptz; oldest timestamptz; newest timestamptz;
begin
  perform ledger.lock_usage(p_project_id);
  select made_until into since from usage_clock where project_id = p_project_id and utc_offset = p_utc_offset;
  with used as (
    select slot, events as rows from project_usage_slot
      where project_id = p_project_id and view = 0 and grain = 2 and utc_offset = 0 and slot >= since - interval '24 hours'
    union all
    select s.slot, 1 from wallet w join metric_slot s on s.wallet_id = w.id and s.grain = 2 and s.utc_offset = 0
      and s.slot >= since - interval '24 hours' where w.project_id = p_project_id
  ), days as (
    select slot, sum(sum(rows)) over (order by slot) as rows from used group by slot
  )
  select min(slot), max(slot), max(slot) filter (where rows <= p_rows) into oldest, newest, stop from days;
  -- A day of the clock may begin up to a day before that of UTC, or end after it.
  start := greatest(since, ledger.slot_of(oldest, 2, p_utc_offset));
  stop := greatest(ledger.slot_of(stop, 2, p_utc_offset), start + interval '24 hours');
  stop := case when stop <= newest + interval '24 hours' then stop else 'infinity' end;
  perform ledger.add_usage(p_project_id, (
    select array_agg(s::usage_quarter) from wallet w cross join lateral (
      select * from usage_quarter s where s.wallet_id = w.id and s.slot >= start and s.slot < stop offset 0) s
    where w.project_id = p_project_id), p_utc_offset) where start < 'infinity';
  perform ledger.make_recorded_days(p_project_id, p_utc_offset, since, stop) where since < 'infinity';
  update usage_clock set made_until = stop where project_id = p_project_id and utc_offset = p_utc_offset;
  return stop < 'infinity';
end $$;

revoke all on function ledger.total, ledger.slot_of, ledger.month_of, ledger.merge_months, ledger.add_usage,
  ledger.lock_usage, ledger.fold_usage, ledger.want_clock, ledger.make_clock from public;
grant execute on function ledger.total, ledger.slot_of, ledger.fold_usage, ledger.want_clock, ledger.make_clock to coffer_app;
grant select on ledger.project_clock to coffer_app;
