-- Usage in slots, folded from the rows behind cursors. See ledger.sql for the rules.
--
-- A spend pays nothing for this. Rows of a wallet up to its sequence are committed, so folding needs no lock on wallets;
-- the folds of a project go one after the other. A reader adds the rows above the cursors, in the statement that reads
-- the slots. Grains (1 quarter, 2 day, 3 month), views (by which keys: 1 feature, 2 member, 4 API key) and offsets are
-- those of domain/slots.py. A wallet has every key in each grain, and days and months without keys; a project has no
-- view by all keys, and no quarters by two.

-- The clocks whose days and months are folded, as minutes ahead of UTC, with one of their midnights.
create view ledger.usage_clock as
  select m.utc_offset::smallint, '2000-01-01 00:00+00'::timestamptz - m.utc_offset * interval '1 minute' as midnight
  from (values (0), (330)) m (utc_offset);

-- When the month begins on that clock.
create function ledger.month_of(p_at timestamptz, p_utc_offset smallint) returns timestamptz
language sql immutable parallel safe as $$
  select (date_trunc('month', (p_at at time zone 'utc') + p_utc_offset * interval '1 minute')
    - p_utc_offset * interval '1 minute') at time zone 'utc'
$$;

-- Folds the next rows of a project's wallets, about p_rows, the oldest of each; how many rows.
create function ledger.fold_usage(p_project_id bigint, p_rows bigint) returns bigint
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare folded bigint;
begin
  insert into usage_fold (project_id) values (p_project_id) on conflict do nothing;
  perform from usage_fold where project_id = p_project_id for update;
  with waiting as (
    select w.id, coalesce(c.sequence, 0) as start, w.sequence as top,
      sum(w.sequence - coalesce(c.sequence, 0)) over () as rows
    from wallet w left join usage_cursor c on c.wallet_id = w.id
    where w.project_id = p_project_id and w.sequence > coalesce(c.sequence, 0)
  ), chosen as materialized (
    -- The same share of each wallet: old rows come first, and the slots of a project change in few folds.
    select id, start, least(top, start + ceil((top - start) * (p_rows / rows))::bigint) as stop from waiting
  ), used as materialized (
    select t.wallet_id, date_bin('15 minutes', t.created_at, '2000-01-01 00:00+00') as slot,
      coalesce(t.feature, 'HOLD_CAPTURE') as feature, coalesce(t.member, '') as member,
      coalesce(t.api_key_id, 0) as api_key_id, coalesce(t.category, 0::smallint) as category,
      count(*) as events, sum(coalesce(t.units, 0)) as units, sum(t.amount) as credits, max(t.created_at) as last_at
    from chosen c join credit_transaction t on t.wallet_id = c.id and t.sequence > c.start and t.sequence <= c.stop
    where t.to_account = 12 group by 1, 2, 3, 4, 5, 6
  ), days as materialized (
    select u.wallet_id, z.utc_offset, date_bin('1 day', u.slot, z.midnight) as slot, u.feature, u.member, u.api_key_id,
      u.category, sum(u.events) as events, sum(u.units) as units, sum(u.credits) as credits, max(u.last_at) as last_at
    from used u cross join ledger.usage_clock z group by 1, 2, 3, 4, 5, 6, 7
  ), slots as materialized (
    select wallet_id, 1 as grain, 0 as utc_offset, slot, feature, member, api_key_id, category, events, units, credits,
      last_at from used
    union all
    select wallet_id, 2, utc_offset, slot, feature, member, api_key_id, category, events, units, credits, last_at
      from days
    union all
    select wallet_id, 3, utc_offset, ledger.month_of(slot, utc_offset), feature, member, api_key_id, category,
      sum(events), sum(units), sum(credits), max(last_at) from days group by 1, 3, 4, 5, 6, 7, 8
  ), of_wallets as (
    insert into usage_slot as s (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category, events,
        units, credits, last_activity_at)
      select wallet_id, 7, grain, utc_offset, slot, feature, member, api_key_id, category, events, units, credits, last_at
        from slots
      union all
      select wallet_id, 0, grain, utc_offset, slot, '', '', 0, 0, sum(events), sum(units), sum(credits), max(last_at)
        from slots where grain > 1 group by 1, 3, 4, 5
      order by 1, 2, 3, 4, 5
      on conflict (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category) do update
        set events = s.events + excluded.events, units = s.units + excluded.units, credits = s.credits + excluded.credits,
          last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at)
  ), together as (
    select grain, utc_offset, slot, feature, member, api_key_id, category, sum(events) as events, sum(units) as units,
      sum(credits) as credits, max(last_at) as last_at
    from slots group by 1, 2, 3, 4, 5, 6, 7
  ), of_project as (
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
  ), moved as (
    insert into usage_cursor (wallet_id, sequence) select id, stop from chosen
      on conflict (wallet_id) do update set sequence = excluded.sequence
  )
  select coalesce(sum(stop - start), 0) into folded from chosen;
  return folded;
end $$;

revoke all on function ledger.fold_usage from public;
grant execute on function ledger.fold_usage to coffer_app;
