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
        select min(w.uuid::text)::uuid as uuid from (
          select project_id, utc_offset, grain, slot, metric_id, sum(events) as events, sum(units) as units,
            sum(credits) as credits, max(last_activity_at) as last_at
          from (
            select project_id, utc_offset, grain, slot, metric_id, events, units, credits, last_activity_at
              from project_metric_slot
            union all select project_id, utc_offset, grain, slot, metric_id, events, units, credits, last_activity_at
              from metric_change
            union all select c.project_id, k.utc_offset, g.grain, ledger.slot_of(c.slot, g.grain, k.utc_offset),
                c.metric_id, c.events, c.units, c.credits, c.last_activity_at
              from metric_change c join ledger.project_clock k on k.project_id = c.project_id
              cross join (values (2), (3), (4)) g (grain) where c.grain = 1) s group by 1, 2, 3, 4, 5) p
        full join (
          select m.project_id, s.utc_offset, s.grain, s.slot, s.metric_id, sum(s.events) as events,
            sum(case when s.gauge or m.aggregation = 1 then s.units else 0 end) as units, sum(s.credits) as credits,
            max(s.last_activity_at) as last_at
          from (
            select false as gauge, s.utc_offset, g.grain, g.slot, s.metric_id, s.events, s.units, s.credits,
                s.last_activity_at
              from metric_slot s cross join lateral (select s.grain::integer as grain, s.slot union all
                select 4, ledger.slot_of(s.slot, 4, s.utc_offset) where s.grain = 2) g
            union all select true, utc_offset, grain, slot, metric_id, 0, units, 0, '-infinity' from gauge_slot
              where grain > 1) s join metric m on m.id = s.metric_id group by 1, 2, 3, 4, 5) t
          using (project_id, utc_offset, grain, slot, metric_id)
        join wallet w on w.project_id = coalesce(p.project_id, t.project_id)
        left join usage_clock k on k.project_id = w.project_id
          and k.utc_offset = coalesce(p.utc_offset, t.utc_offset)
        where coalesce(k.made_until, 'infinity') = 'infinity' and (p.events, p.units, p.credits, p.last_at)
          is distinct from (t.events, t.units, t.credits, t.last_at)
        group by w.project_id""",
}
