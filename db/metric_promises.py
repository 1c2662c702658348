"""What gauges and projects' sums of recorded usage promise, each as a query that must find no wallet; see reconcile."""

from __future__ import annotations

from typing import Final

METRIC_PROMISES: Final[dict[str, str]] = {
    "the gauges equal the sums of recorded usage": """
        select w.uuid from (
          select s.metric_id, s.utc_offset, g.grain, g.slot, s.wallet_id, s.member,
            max(case m.aggregation when 2 then array[0, s.most, s.most] else s.latest end) as top
          from metric m join metric_slot s on s.metric_id = m.id cross join lateral (
            select s.grain::integer as grain, s.slot union all
            select 4, ledger.slot_of(s.slot, 4, s.utc_offset) where s.grain = 2) g
          where m.aggregation > 1 group by 1, 2, 3, 4, 5, 6) t
        full join gauge_slot g using (metric_id, utc_offset, grain, slot, wallet_id, member)
        join wallet w on w.id = coalesce(t.wallet_id, g.wallet_id)
        left join usage_clock k on k.project_id = w.project_id and k.utc_offset = coalesce(t.utc_offset, g.utc_offset)
        where coalesce(k.made_until, 'infinity') = 'infinity'
          and t.top is distinct from array[g.micros, g.place, g.units]""",
    "the recorded usage of a project is that of its wallets": """
        with added as (
          select project_id, (3 - grouping(api_key_id, member)) << 1 as view, slot, metric_id,
            coalesce(member, '') as member, coalesce(api_key_id, 0) as api_key_id,
            sum(events) as events, sum(units) as units, sum(credits) as credits,
            max(last_activity_at) as last_activity_at
          from metric_change where grain = 1 group by project_id, slot, metric_id,
            grouping sets ((), (member), (api_key_id))
        )
        select min(w.uuid::text)::uuid as uuid from (
          select project_id, view, utc_offset, grain, slot, metric_id, member, api_key_id, sum(events) as events,
            sum(units) as units, sum(credits) as credits, max(last_activity_at) as last_at
          from (
            select project_id, view, utc_offset, grain, slot, metric_id, member, api_key_id, events, units, credits,
              last_activity_at from project_metric_slot
            union all select project_id, 0, utc_offset, grain, slot, metric_id, member, api_key_id, events, units,
              credits, last_activity_at from metric_change where grain > 1
            union all select project_id, view, 0, 1, slot, metric_id, member, api_key_id, events, units, credits,
              last_activity_at from added
            union all select a.project_id, a.view, k.utc_offset, g.grain, ledger.slot_of(a.slot, g.grain, k.utc_offset),
                a.metric_id, a.member, a.api_key_id, a.events, a.units, a.credits, a.last_activity_at
              from added a join ledger.project_clock k on k.project_id = a.project_id
              cross join (values (2), (3), (4)) g (grain)) s group by 1, 2, 3, 4, 5, 6, 7, 8) p
        full join (
          select m.project_id, s.view, s.utc_offset, s.grain, s.slot, s.metric_id, s.member, s.api_key_id,
            sum(s.events) as events, sum(case when s.gauge or m.aggregation = 1 then s.units else 0 end) as units,
            sum(s.credits) as credits, max(s.last_at) as last_at
          from (
            select false as gauge, (3 - grouping(api_key_id, member)) << 1 as view, utc_offset, g.grain, g.slot,
                metric_id, coalesce(member, '') as member, coalesce(api_key_id, 0) as api_key_id, sum(events) as events,
                sum(units) as units, sum(credits) as credits, max(last_activity_at) as last_at
              from metric_slot s cross join lateral (select s.grain::integer as grain, s.slot union all
                select 4, ledger.slot_of(s.slot, 4, s.utc_offset) where s.grain = 2) g
              group by utc_offset, g.grain, g.slot, metric_id, grouping sets ((), (member), (api_key_id))
            union all select true, 0, utc_offset, grain, slot, metric_id, '', 0, 0, units, 0, '-infinity'
              from gauge_slot where grain > 1) s join metric m on m.id = s.metric_id group by 1, 2, 3, 4, 5, 6, 7, 8) t
          using (project_id, view, utc_offset, grain, slot, metric_id, member, api_key_id)
        join wallet w on w.project_id = coalesce(p.project_id, t.project_id)
        left join usage_clock k on k.project_id = w.project_id
          and k.utc_offset = coalesce(p.utc_offset, t.utc_offset)
        where coalesce(k.made_until, 'infinity') = 'infinity' and (p.events, p.units, p.credits, p.last_at)
          is distinct from (t.events, t.units, t.credits, t.last_at)
        group by w.project_id""",
}
