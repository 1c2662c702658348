-- Recorded usage: events of metrics, with or without a charge. See ledger.sql for the rules.
--
-- An event, its part of the sums and its charge are one commit. Recording takes no lock on the wallet: the unique key
-- decides who was first. Locks are taken in one order everywhere: clocks, wallets, events by key, sums by their own key.

-- Held to its end by what records, so that days of a clock are made while nothing is recorded, up to the commit.
create function ledger.hold_clocks(p_project_id bigint[]) returns void language sql as $$
  select pg_advisory_xact_lock_shared(hashtext('coffer.usage_clock'), hashint8(p.id))
  from (select distinct unnest(p_project_id) as id order by 1) p
$$;

-- Adds quarters to the sums of recorded usage: themselves and their days and months on every clock as far as it is made,
-- or, when one is named, those on that clock alone.
create function ledger.add_recorded(p_quarters metric_slot[], p_utc_offset smallint) returns void language sql as $$
  with days as materialized (
    select u.wallet_id, z.utc_offset, d.slot, u.metric_id, u.member, u.api_key_id, sum(u.events) as events,
      sum(u.units) as units, max(u.most) as most, sum(u.credits) as credits, max(u.last_activity_at) as last_at,
      max(u.latest) as latest
    from unnest(p_quarters) u join wallet w on w.id = u.wallet_id join ledger.project_clock z
      on z.project_id = w.project_id and z.utc_offset = coalesce(p_utc_offset, z.utc_offset)
    cross join lateral (select ledger.slot_of(u.slot, 2, z.utc_offset) as slot) d
    where p_utc_offset is not null or d.slot < z.made_until group by 1, 2, 3, 4, 5, 6
  )
  insert into metric_slot as s (wallet_id, grain, utc_offset, slot, metric_id, member, api_key_id, events, units, most,
      credits, last_activity_at, latest)
    select wallet_id, 1, 0, slot, metric_id, member, api_key_id, events, units, most, credits, last_activity_at, latest
      from unnest(p_quarters) where p_utc_offset is null
    union all
    select wallet_id, 2, utc_offset, slot, metric_id, member, api_key_id, events, units, most, credits, last_at, latest
      from days
    union all
    select wallet_id, 3, utc_offset, ledger.slot_of(slot, 3, utc_offset), metric_id, member, api_key_id, sum(events),
      sum(units), max(most), sum(credits), max(last_at), max(latest) from days group by 1, 3, 4, 5, 6, 7
    order by 1, 2, 3, 4, 5, 6, 7
  on conflict (wallet_id, grain, utc_offset, slot, metric_id, member, api_key_id) do update
    set events = s.events + excluded.events, units = s.units + excluded.units, most = greatest(s.most, excluded.most),
      credits = s.credits + excluded.credits, last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at),
      latest = greatest(s.latest, excluded.latest)
$$;

-- One asked event: what was named is resolved, `problem` is the outcome that refuses a new one; `sequence`, `credits`
-- and `recorded_at` come with the booking.
create type ledger.usage_asked as (
  item bigint, problem smallint, wallet_id bigint, metric_id bigint, feature text, earliest timestamptz, api_key_id bigint,
  units bigint, member text, occurred_at timestamptz, key text, key_hash uuid, metadata jsonb, expected bigint,
  sequence bigint, credits bigint, recorded_at timestamptz
);

-- The answer to one: what stands in the event, or the columns of ledger.posting that a refused charge has.
create type ledger.usage_answer as (
  item bigint, outcome smallint, wallet_id bigint, occurred_at timestamptz, recorded_at timestamptz, earliest timestamptz,
  amount bigint, posted_sequence bigint, required_credits bigint, cap_group smallint, balance_before bigint,
  posted_at timestamptz, cap_id uuid, cap_left bigint, cap_resets_at timestamptz, feature text
);

-- Resolves wallets and metrics by their names, each of its caller's project, and checks the time by the metric's limit.
create function ledger.ask_usage(
  p_skew_seconds bigint, p_now timestamptz[], p_project_id bigint[], p_api_key_id bigint[], p_wallet uuid[], p_metric text[],
  p_units bigint[], p_member text[], p_occurred_at timestamptz[], p_key text[], p_key_hash uuid[], p_metadata jsonb[],
  p_expected bigint[]
) returns setof ledger.usage_asked language sql stable as $$
  select a.item, (case when w.id is null then 4 when m.id is null then 14 when m.archived_at is not null then 15
      when a.occurred_at < a.now - make_interval(days => m.late_days) then 16
      when a.occurred_at > a.now + make_interval(secs => p_skew_seconds) then 16 end)::smallint,
    w.id, m.id, m.feature, a.now - make_interval(days => m.late_days), a.api_key_id, a.units, a.member, a.occurred_at, a.key,
    a.key_hash, a.metadata, a.expected, null::bigint, null::bigint, clock_timestamp()
  from unnest(p_now, p_project_id, p_api_key_id, p_wallet, p_metric, p_units, p_member, p_occurred_at, p_key, p_key_hash,
    p_metadata, p_expected) with ordinality
    as a (now, project_id, api_key_id, wallet, metric, units, member, occurred_at, key, key_hash, metadata, expected, item)
  left join wallet w on w.uuid = a.wallet and w.project_id = a.project_id
  left join metric m on m.project_id = a.project_id and m.key = a.metric
$$;

-- Whether an event is what was asked. What named no time happened when it was recorded.
create function ledger.same_usage(e usage_event, a ledger.usage_asked, p_charged boolean) returns boolean
language sql immutable as $$
  select coalesce(e.metric_id = a.metric_id and e.units = a.units and e.idempotency_key = a.key
    and e.occurred_at = coalesce(a.occurred_at, e.recorded_at) and e.member is not distinct from a.member
    and e.metadata is not distinct from a.metadata and (e.transaction_sequence is not null) = p_charged, false)
$$;

-- Writes events whose keys are new, and their sums; gives what was written.
create function ledger.book_usage(p_asked ledger.usage_asked[]) returns setof usage_event language plpgsql as $$
declare booked usage_event[]; quarters metric_slot[];
begin
  with written as (
    -- Ids follow the order of the items, as the last of two events of one time is the one that was sent last.
    insert into usage_event (id, wallet_id, metric_id, units, occurred_at, recorded_at, api_key_id, transaction_sequence,
        credits, key_hash, idempotency_key, member, metadata)
      select a.id, a.wallet_id, a.metric_id, a.units, coalesce(a.occurred_at, a.recorded_at), a.recorded_at, a.api_key_id,
        a.sequence, a.credits, a.key_hash, a.key, a.member, a.metadata
      from (select x.*, nextval('usage_event_id_seq') as id from (select * from unnest(p_asked) order by item) x) a
      order by a.wallet_id, a.key_hash
    on conflict (wallet_id, key_hash) do nothing
    returning *
  )
  select array_agg(w::usage_event) into booked from written w;
  select array_agg(q::metric_slot) into quarters from (
    select b.wallet_id, 1::smallint, 0::smallint, ledger.slot_of(b.occurred_at, 1, 0), b.metric_id,
      coalesce(b.member, ''), coalesce(b.api_key_id, 0), count(*), sum(b.units)::bigint, max(b.units),
      sum(coalesce(b.credits, 0))::bigint, max(b.occurred_at),
      max(array[(extract(epoch from b.occurred_at) * 1000000)::bigint, b.id, b.units])
    from unnest(booked) b group by b.wallet_id, 4, b.metric_id, 6, 7) q;
  perform ledger.add_recorded(quarters, null);
  -- Nearly all metrics add up: the statement for gauges is spared then.
  perform ledger.add_gauges(quarters, null)
    where exists (select from unnest(quarters) u join metric m on m.id = u.metric_id where m.aggregation > 1);
  perform ledger.append_changes(quarters);
  return query select * from unnest(booked);
end $$;

-- Records many events, one statement, one commit; each is answered on its own, in any order.
create function ledger.record_usage(
  p_skew_seconds bigint, p_now timestamptz[], p_project_id bigint[], p_api_key_id bigint[], p_wallet uuid[], p_metric text[],
  p_units bigint[], p_member text[], p_occurred_at timestamptz[], p_key text[], p_key_hash uuid[], p_metadata jsonb[]
) returns setof ledger.usage_answer language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare asked ledger.usage_asked[]; made bigint[];
begin
  perform ledger.hold_clocks(p_project_id);
  select array_agg(a::ledger.usage_asked) into asked from ledger.ask_usage(p_skew_seconds, p_now, p_project_id, p_api_key_id,
    p_wallet, p_metric, p_units, p_member, p_occurred_at, p_key, p_key_hash, p_metadata, null) a;
  select array_agg(b.id) into made from ledger.book_usage((select array_agg(f::ledger.usage_asked) from (
    select distinct on (a.wallet_id, a.key_hash) a.* from unnest(asked) a where a.problem is null
    order by a.wallet_id, a.key_hash, a.item) f)) b;
  return query
    select x.item, (case when x.id is null then x.problem when not x.same then 5
        when x.id in (select unnest(made)) and x.place = 1 then 0 else 1 end)::smallint,
      x.wallet_id, x.occurred_at, x.recorded_at, x.earliest, null::bigint, null::bigint, null::bigint, null::smallint,
      null::bigint, null::timestamptz, null::uuid, null::bigint, null::timestamptz, null
    from (
      select a.item, a.problem, a.wallet_id, a.earliest, e.id, e.occurred_at, e.recorded_at, s.same,
        row_number() over (partition by a.wallet_id, a.key_hash, s.same order by a.item) as place
      from unnest(asked) a left join usage_event e on e.wallet_id = a.wallet_id and e.key_hash = a.key_hash
      cross join lateral (select ledger.same_usage(e, a, false) as same) s
    ) x;
end $$;

-- Spends for each event at the price of its metric's feature, in their order, and books those that were paid. A key that
-- another act of the ledger has used is a conflict. An event that was recorded under one of these keys meanwhile undoes
-- everything; the next round finds it.
create function ledger.charge_usage(
  p_skew_seconds bigint, p_now timestamptz[], p_project_id bigint[], p_api_key_id bigint[], p_wallet uuid[], p_metric text[],
  p_units bigint[], p_member text[], p_occurred_at timestamptz[], p_key text[], p_key_hash uuid[], p_metadata jsonb[],
  p_expected bigint[]
) returns setof ledger.usage_answer language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare
  asked ledger.usage_asked[]; paid ledger.usage_asked[]; answers ledger.usage_answer[]; a ledger.usage_asked;
  r ledger.usage_answer; e usage_event; s ledger.spent;
begin
  perform ledger.hold_clocks(p_project_id);
  perform 1 from wallet w where w.uuid = any(p_wallet) and w.project_id = any(p_project_id) order by w.id for no key update;
  select array_agg(x::ledger.usage_asked order by x.item) into asked from ledger.ask_usage(p_skew_seconds, p_now,
    p_project_id, p_api_key_id, p_wallet, p_metric, p_units, p_member, p_occurred_at, p_key, p_key_hash, p_metadata,
    p_expected) x;
  for round in 0 .. cardinality(asked) loop
    begin
      answers := '{}'; paid := '{}';
      foreach a in array asked loop
        r := null; s := null;
        r.item := a.item; r.wallet_id := a.wallet_id; r.earliest := a.earliest; r.feature := a.feature;
        select * into e from usage_event x where x.wallet_id = a.wallet_id and x.key_hash = a.key_hash;
        if found then
          r.outcome := case when ledger.same_usage(e, a, true) then 1 else 5 end;
          r.occurred_at := e.occurred_at; r.recorded_at := e.recorded_at; r.amount := e.credits;
          r.posted_sequence := e.transaction_sequence;
        elsif a.problem is not null or a.feature is null then
          r.outcome := coalesce(a.problem, 17);
        else
          s := ledger.spend(a.wallet_id, a.key, a.key_hash, a.feature, a.units, a.expected, a.member, a.api_key_id,
            a.metadata);
          r.outcome := s.outcome; r.required_credits := s.required_credits; r.cap_group := s.cap_group; r.amount := s.amount;
          r.balance_before := s.balance_before; r.posted_sequence := s.posted_sequence; r.posted_at := s.posted_at;
          r.cap_id := s.cap_id; r.cap_left := s.cap_left; r.cap_resets_at := s.cap_resets_at;
          r.occurred_at := coalesce(a.occurred_at, s.posted_at); r.recorded_at := s.posted_at;
          if s.outcome = 0 then
            a.sequence := s.posted_sequence; a.credits := s.amount; a.recorded_at := s.posted_at;
            paid := paid || a;
          elsif s.outcome = 1 and not exists (select from unnest(paid) p where p.wallet_id = a.wallet_id
              and p.key_hash = a.key_hash and p.metric_id = a.metric_id
              and p.occurred_at is not distinct from a.occurred_at) then
            r.outcome := 5;
          end if;
        end if;
        answers := answers || r;
      end loop;
      if (select count(*) from ledger.book_usage(paid)) < cardinality(paid) then
        raise unique_violation;
      end if;
      return query select * from unnest(answers);
      return;
    exception when unique_violation then null;
    end;
  end loop;
  raise unique_violation;
end $$;

-- Makes days and months of a clock from the quarters of recorded usage whose days begin from p_start to before p_stop.
create function ledger.make_recorded_days(
  p_project_id bigint, p_utc_offset smallint, p_start timestamptz, p_stop timestamptz
) returns void language plpgsql as $$
declare quarters metric_slot[];
begin
  perform pg_advisory_xact_lock(hashtext('coffer.usage_clock'), hashint8(p_project_id));
  select array_agg(s::metric_slot) into quarters from wallet w cross join lateral (
    select * from metric_slot s where s.wallet_id = w.id and s.grain = 1 and s.utc_offset = 0
      and s.slot >= p_start and s.slot < p_stop offset 0) s
  where w.project_id = p_project_id;
  perform ledger.add_recorded(quarters, p_utc_offset);
  perform ledger.make_metric_days(p_project_id, p_utc_offset, p_start, p_stop, quarters);
end $$;

revoke all on function ledger.hold_clocks, ledger.add_recorded, ledger.make_recorded_days, ledger.ask_usage, ledger.same_usage, ledger.book_usage,
  ledger.record_usage, ledger.charge_usage from public;
grant execute on function ledger.record_usage, ledger.charge_usage to coffer_app;
