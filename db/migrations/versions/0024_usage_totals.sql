CREATE TABLE usage_total (
  wallet_id BIGINT NOT NULL,
  utc_offset SMALLINT NOT NULL,
  grain SMALLINT NOT NULL,
  slot TIMESTAMP WITH TIME ZONE NOT NULL,
  events BIGINT NOT NULL,
  units BIGINT NOT NULL,
  credits BIGINT NOT NULL,
  last_activity_at TIMESTAMP WITH TIME ZONE NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

grant select on usage_total to coffer_app;

-- Folds wait until the engine of this release is there.
LOCK TABLE usage_slot IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO usage_total (wallet_id, utc_offset, grain, slot, events, units, credits, last_activity_at)
  SELECT wallet_id, utc_offset, grain, slot, events, units, credits, last_activity_at FROM usage_slot WHERE view = 0
  UNION ALL
  SELECT wallet_id, utc_offset, 4, date_trunc('week', slot + utc_offset * interval '1 minute', 'UTC')
      - utc_offset * interval '1 minute', sum(events), sum(units), sum(credits), max(last_activity_at)
    FROM usage_slot WHERE view = 0 AND grain = 2 GROUP BY 1, 2, 4
  ORDER BY 1, 2, 3, 4;

ALTER TABLE usage_total ADD CONSTRAINT pk_usage_total PRIMARY KEY (wallet_id, utc_offset, grain, slot)
  INCLUDE (events, units, credits, last_activity_at);

DELETE FROM usage_slot WHERE view = 0;

-- Recorded usage gets the days and months of the clocks that projects have.
LOCK TABLE metric_slot IN SHARE ROW EXCLUSIVE MODE;

WITH days AS (
  SELECT s.wallet_id, k.utc_offset, d.slot, s.metric_id, s.member, s.api_key_id, sum(s.events) AS events, sum(s.units) AS units,
    max(s.most) AS most, sum(s.credits) AS credits, max(s.last_activity_at) AS last_activity_at, max(s.latest) AS latest
  FROM usage_clock k JOIN wallet w ON w.project_id = k.project_id JOIN metric_slot s ON s.wallet_id = w.id AND s.grain = 1
  CROSS JOIN LATERAL (SELECT date_trunc('day', s.slot + k.utc_offset * interval '1 minute', 'UTC')
    - k.utc_offset * interval '1 minute' AS slot) d
  WHERE d.slot < k.made_until GROUP BY 1, 2, 3, 4, 5, 6
)
INSERT INTO metric_slot (wallet_id, grain, utc_offset, slot, metric_id, member, api_key_id, events, units, most, credits,
    last_activity_at, latest)
  SELECT wallet_id, 2, utc_offset, slot, metric_id, member, api_key_id, events, units, most, credits, last_activity_at, latest
    FROM days
  UNION ALL
  SELECT wallet_id, 3, utc_offset, date_trunc('month', slot + utc_offset * interval '1 minute', 'UTC')
      - utc_offset * interval '1 minute', metric_id, member, api_key_id, sum(events), sum(units), max(most), sum(credits),
      max(last_activity_at), max(latest) FROM days GROUP BY 1, 3, 4, 5, 6, 7;
