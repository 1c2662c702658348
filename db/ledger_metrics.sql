-- Recorded usage of whole projects: sums of all wallets, folded from a queue of changes. See ledger.sql for the rules.
--
-- Who records adds to rows of its own wallets alone and appends what changes the project's sums to metric_change, in the
-- same commit. So no event waits for another wallet's. A fold takes changes out of the queue and adds them to
-- project_metric_slot; a reader adds those that wait. A change of a quarter holds what adds up, of a member and an API key,
-- and belongs to the quarter's days, weeks and months as well, and to every view (0 by metric alone, 2 by member too, 4 by API
-- key); a change of a day, week or month holds the units of a gauge, and belongs there alone.

-- Tells quarters to the gauges of their wallets and members (MAX 2, LATEST 3), whatever the API key, on every clock, or, when
-- one is named, on that clock alone; appends by how much the gauges' days, weeks and months changed. What a gauge was told
-- already changes nothing.
create function ledger.add_gauges(p_quarters metric_slot[], p_utc_offset smallint) returns void language sql as $$
  with used as materialized (
    select m.project_id, u.metric_id, u.wallet_id, u.member, u.slot,
      max(case m.aggregation when 2 then array[0, u.most, u.most] else u.latest end) as top
    from unnest(p_quarters) u join metric m on m.id = u.metric_id where m.aggregation > 1 group by 1, 2, 3, 4, 5
  ), slots as (
    select project_id, metric_id, 0 as utc_offset, 1 as grain, slot, wallet_id, member, top from used
      where p_utc_offset is null
    union all
    select u.project_id, u.metric_id, z.utc_offset, g.grain, ledger.slot_of(u.slot, g.grain, z.utc_offset), u.wallet_id,
      u.member, u.top
    from used u join ledger.project_clock z on z.project_id = u.project_id
      and z.utc_offset = coalesce(p_utc_offset, z.utc_offset) cross join (values (2), (3), (4)) g (grain)
  ), changed as (
    -- What is there already stays, without a new version of the row, unless the new event counts in its place.
    insert into gauge_slot as s (metric_id, utc_offset, grain, slot, wallet_id, member, micros, place, units)
      select metric_id, utc_offset, grain, slot, wallet_id, member, top[1], top[2], top[3] from (
        select metric_id, utc_offset, grain, slot, wallet_id, member, max(top) as top from slots
        group by 1, 2, 3, 4, 5, 6) t order by 1, 2, 3, 4, 5, 6
      on conflict (metric_id, utc_offset, grain, slot, wallet_id, member) do update
        set micros = excluded.micros, place = excluded.place, units = excluded.units
        where (excluded.micros, excluded.place) > (s.micros, s.place)
      returning s.metric_id, s.utc_offset, s.grain, s.slot, new.units - coalesce(old.units, 0) as units
  )
  insert into metric_change (project_id, metric_id, utc_offset, grain, slot, member, api_key_id, events, units, credits,
      last_activity_at)
    select m.project_id, c.metric_id, c.utc_offset, c.grain, c.slot, '', 0, 0, sum(c.units), 0, '-infinity'
    from changed c join metric m on m.id = c.metric_id where c.grain > 1 group by 1, 2, 3, 4, 5 having sum(c.units) <> 0
$$;

-- Appends what quarters of wallets change in the sums of their projects: their gauges' units come by themselves.
create function ledger.append_changes(p_quarters metric_slot[]) returns void language sql as $$
  insert into metric_change (project_id, metric_id, utc_offset, grain, slot, member, api_key_id, events, units, credits,
      last_activity_at)
    select m.project_id, u.metric_id, 0, 1, u.slot, u.member, u.api_key_id, sum(u.events),
      sum(case m.aggregation when 1 then u.units else 0 end), sum(u.credits), max(u.last_activity_at)
    from unnest(p_quarters) u join metric m on m.id = u.metric_id group by 1, 2, 5, 6, 7
$$;

-- Adds changes to the sums of a project: quarters to themselves and to their days, weeks and months on every clock as far
-- as it is made, or, when one is named, to those on that clock alone; others to their own slot.
create function ledger.add_together(p_project_id bigint, p_changes project_metric_slot[], p_utc_offset smallint) returns void
language sql as $$
  with slots as (
    select view, utc_offset, grain, slot, metric_id, member, api_key_id, events, units, credits, last_activity_at
      from unnest(p_changes) where p_utc_offset is null
    union all
    select c.view, z.utc_offset, g.grain, ledger.slot_of(c.slot, g.grain, z.utc_offset), c.metric_id, c.member, c.api_key_id,
      c.events, c.units, c.credits, c.last_activity_at
    from unnest(p_changes) c join ledger.project_clock z on z.project_id = p_project_id
      and z.utc_offset = coalesce(p_utc_offset, z.utc_offset) cross join (values (2), (3), (4)) g (grain)
    where c.grain = 1 and (p_utc_offset is not null or ledger.slot_of(c.slot, 2, z.utc_offset) < z.made_until)
  )
  insert into project_metric_slot as s (project_id, view, utc_offset, grain, slot, metric_id, member, api_key_id, events,
      units, credits, last_activity_at)
    select p_project_id, view, utc_offset, grain, slot, metric_id, member, api_key_id, sum(events), sum(units), sum(credits),
      max(last_activity_at)
    from slots group by 2, 3, 4, 5, 6, 7, 8
    on conflict (project_id, view, utc_offset, grain, slot, metric_id, member, api_key_id) do update
      set events = s.events + excluded.events, units = s.units + excluded.units, credits = s.credits + excluded.credits,
        last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at)
$$;

-- Folds the oldest changes of a project, p_rows at most; how many rows.
create function ledger.fold_recorded(p_project_id bigint, p_rows bigint) returns bigint
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare folded bigint; changes project_metric_slot[];
begin
  perform ledger.lock_usage(p_project_id);
  with taken as (
    delete from metric_change c using (
      select id from metric_change where project_id = p_project_id order by id limit p_rows) t
    where c.project_id = p_project_id and c.id = t.id returning c.*
  ), together as (
    select p_project_id, ((3 - grouping(api_key_id, member)) << 1)::smallint, utc_offset, grain, slot, metric_id,
      coalesce(member, ''), coalesce(api_key_id, 0), ledger.total(events), sum(units), ledger.total(credits),
      max(last_activity_at)
    from taken group by utc_offset, grain, slot, metric_id, grouping sets ((), (member), (api_key_id))
    having grain = 1 or grouping(api_key_id, member) = 3
  )
  select (select count(*) from taken), (select array_agg(t::project_metric_slot) from together t) into folded, changes;
  perform ledger.add_together(p_project_id, changes, null);
  return folded;
end $$;

-- Makes days, weeks and months of a clock, of the project's sums and of its wallets' gauges, from quarters that begin from
-- p_start to before p_stop. Changes that wait are added when they are folded, as the clock is made so far by then.
create function ledger.make_metric_days(
  p_project_id bigint, p_utc_offset smallint, p_start timestamptz, p_stop timestamptz, p_quarters metric_slot[]
) returns void language plpgsql as $$
begin
  perform ledger.add_gauges(p_quarters, p_utc_offset);
  perform ledger.add_together(p_project_id, (
    select array_agg(s::project_metric_slot) from project_metric_slot s
    where s.project_id = p_project_id and s.view in (0, 2, 4) and s.utc_offset = 0 and s.grain = 1 and s.slot >= p_start
      and s.slot < p_stop), p_utc_offset);
end $$;

revoke all on function ledger.add_gauges, ledger.append_changes, ledger.add_together, ledger.fold_recorded,
  ledger.make_metric_days from public;
grant execute on function ledger.fold_recorded to coffer_app;
