-- Usage in slots, folded from the rows behind cursors. See ledger.sql for the rules.
--
-- A spend pays nothing for this. Rows of a wallet up to its sequence are committed, so folding needs no lock on wallets;
-- the folds of a project go one after the other. A reader adds the rows above the cursors, in the statement that reads
-- the slots. Grains (1 quarter, 2 day, 3 month, 4 week), views (by which keys: 1 feature, 2 member, 4 API key) and
-- offsets are those of domain/slots.py. A wallet has every key in quarters, days and months, and days, weeks and months
-- without keys in a narrow table (usage_total), whose index answers alone; a project has no weeks, no view by all keys,
-- and no quarters by two.

-- The clocks whose days and months a project has, as minutes ahead of UTC, and the day before which they are made.
create view ledger.project_clock as
  select p.id as project_id, m.utc_offset::smallint, 'infinity'::timestamptz as made_until
    from project p cross join (values (0), (330)) m (utc_offset)
  union all select project_id, utc_offset, made_until from usage_clock;

-- When the slot of a time begins: a quarter of an hour, a day, month or week of a clock so many minutes ahead of UTC.
create function ledger.slot_of(p_at timestamptz, p_grain integer, p_utc_offset integer) returns timestamptz
language sql immutable parallel safe as $$
  select case p_grain when 1 then date_bin('15 minutes', p_at, '2000-01-01 00:00+00')
    else (date_trunc((array['day', 'month', 'week'])[p_grain - 1],
        (p_at at time zone 'utc') + p_utc_offset * interval '1 minute')
      - p_utc_offset * interval '1 minute') at time zone 'utc' end
$$;

-- Adds quarters by all keys to the slots of their wallets and of the project: themselves and their days, weeks and months
-- on every clock as far as it is made, or, when one is named, those on that clock alone.
create function ledger.add_usage(p_project_id bigint, p_quarters usage_slot[], p_utc_offset smallint) returns void
language sql as $$
  with used as materialized (
    select * from unnest(p_quarters)
  ), days as materialized (
    select u.wallet_id, z.utc_offset, d.slot, u.feature, u.member, u.api_key_id, u.category, sum(u.events) as events,
      sum(u.units) as units, sum(u.credits) as credits, max(u.last_activity_at) as last_at
    from used u join ledger.project_clock z on z.project_id = p_project_id
      and z.utc_offset = coalesce(p_utc_offset, z.utc_offset)
    cross join lateral (select ledger.slot_of(u.slot, 2, z.utc_offset) as slot) d
    where p_utc_offset is not null or d.slot < z.made_until group by 1, 2, 3, 4, 5, 6, 7
  ), slots as materialized (
    select wallet_id, 1 as grain, 0 as utc_offset, slot, feature, member, api_key_id, category, events, units, credits,
      last_activity_at as last_at from used where p_utc_offset is null
    union all
    select wallet_id, 2, utc_offset, slot, feature, member, api_key_id, category, events, units, credits, last_at
      from days
    union all
    select wallet_id, 3, utc_offset, ledger.slot_of(slot, 3, utc_offset), feature, member, api_key_id, category,
      sum(events), sum(units), sum(credits), max(last_at) from days group by 1, 3, 4, 5, 6, 7, 8
  ), of_wallets as (
    insert into usage_slot as s (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category, events,
        units, credits, last_activity_at)
      select wallet_id, 7, grain, utc_offset, slot, feature, member, api_key_id, category, events, units, credits, last_at
        from slots order by 1, 3, 4, 5
      on conflict (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category) do update
        set events = s.events + excluded.events, units = s.units + excluded.units, credits = s.credits + excluded.credits,
          last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at)
  ), totals as (
    insert into usage_total as s (wallet_id, utc_offset, grain, slot, events, units, credits, last_activity_at)
      select d.wallet_id, d.utc_offset, g.grain, ledger.slot_of(d.slot, g.grain, d.utc_offset), sum(d.events), sum(d.units),
        sum(d.credits), max(d.last_at)
      from (select wallet_id, utc_offset, slot, sum(events) as events, sum(units) as units, sum(credits) as credits,
          max(last_at) as last_at from days group by 1, 2, 3) d cross join (values (2), (3), (4)) g (grain)
      group by 1, 2, 3, 4 order by 1, 2, 3, 4
      on conflict (wallet_id, utc_offset, grain, slot) do update
        set events = s.events + excluded.events, units = s.units + excluded.units, credits = s.credits + excluded.credits,
          last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at)
  ), together as (
    select grain, utc_offset, slot, feature, member, api_key_id, category, sum(events) as events, sum(units) as units,
      sum(credits) as credits, max(last_at) as last_at
    from slots group by 1, 2, 3, 4, 5, 6, 7
  )
  insert into project_usage_slot as s (project_id, view, grain, utc_offset, slot, feature, member, api_key_id, category,
      events, units, credits, last_activity_at)
    select p_project_id, 7 - grouping(api_key_id, member, feature), grain, utc_offset, slot, coalesce(feature, ''),
      coalesce(member, ''), coalesce(api_key_id, 0), coalesce(category, 0), sum(events), sum(units), sum(credits),
      max(last_at)
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
declare folded bigint; quarters usage_slot[];
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
    select (t.wallet_id, 7, 1, 0, ledger.slot_of(t.created_at, 1, 0), coalesce(t.feature, 'HOLD_CAPTURE'),
      coalesce(t.member, ''), coalesce(t.api_key_id, 0), coalesce(t.category, 0::smallint), count(*),
      sum(coalesce(t.units, 0)), sum(t.amount), max(t.created_at))::usage_slot as quarter
    from chosen c join credit_transaction t on t.wallet_id = c.id and t.sequence > c.start and t.sequence <= c.stop
    where t.to_account = 12
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
    select array_agg(s::usage_slot) from wallet w cross join lateral (
      select * from usage_slot s where s.wallet_id = w.id and s.view = 7 and s.grain = 1 and s.utc_offset = 0
        and s.slot >= start and s.slot < stop offset 0) s
    where w.project_id = p_project_id), p_utc_offset) where start < 'infinity';
  perform ledger.make_recorded_days(p_project_id, p_utc_offset, since, stop) where since < 'infinity';
  update usage_clock set made_until = stop where project_id = p_project_id and utc_offset = p_utc_offset;
  return stop < 'infinity';
end $$;

revoke all on function ledger.slot_of, ledger.add_usage, ledger.lock_usage, ledger.fold_usage, ledger.want_clock,
  ledger.make_clock from public;
grant execute on function ledger.slot_of, ledger.fold_usage, ledger.want_clock, ledger.make_clock to coffer_app;
grant select on ledger.project_clock to coffer_app;
