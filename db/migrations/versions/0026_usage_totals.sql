DROP SCHEMA IF EXISTS ledger CASCADE;

CREATE TABLE usage_slot (
  wallet_id BIGINT NOT NULL,
  view SMALLINT NOT NULL,
  grain SMALLINT NOT NULL,
  utc_offset SMALLINT NOT NULL,
  slot TIMESTAMP WITH TIME ZONE NOT NULL,
  feature TEXT NOT NULL,
  member TEXT NOT NULL,
  api_key_id BIGINT NOT NULL,
  category SMALLINT NOT NULL,
  events BIGINT NOT NULL,
  units BIGINT NOT NULL,
  credits BIGINT NOT NULL,
  last_activity_at TIMESTAMP WITH TIME ZONE NOT NULL
);

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

GRANT SELECT ON usage_slot, usage_total TO coffer_app;

WITH by_day AS (
  SELECT m.*, (month + n - 1 - utc_offset * interval '1 minute') AT TIME ZONE 'utc' AS slot,
    days[n][1] - coalesce(days[n - 1][1], 0) AS events, days[n][2] - coalesce(days[n - 1][2], 0) AS units,
    days[n][3] - coalesce(days[n - 1][3], 0) AS credits,
    timestamptz 'epoch' + days[n][4] * interval '1 microsecond' AS last_activity_at
  FROM usage_month m CROSS JOIN LATERAL generate_subscripts(days, 1) n
  WHERE view = 7 AND days[n][1] > coalesce(days[n - 1][1], 0)
)
INSERT INTO usage_slot (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category, events, units,
    credits, last_activity_at)
  SELECT wallet_id, 7, 1, 0, slot, feature, member, api_key_id, category, events, units, credits, last_activity_at
    FROM usage_quarter
  UNION ALL
  SELECT wallet_id, 7, g.grain, utc_offset, date_trunc(g.name, slot + utc_offset * interval '1 minute', 'UTC')
      - utc_offset * interval '1 minute', feature, member, api_key_id, category, sum(events), sum(units), sum(credits),
      max(last_activity_at)
    FROM by_day CROSS JOIN (VALUES (2, 'day'), (3, 'month')) g (grain, name) GROUP BY 1, 3, 4, 5, 6, 7, 8, 9;

INSERT INTO usage_total (wallet_id, utc_offset, grain, slot, events, units, credits, last_activity_at)
  SELECT s.wallet_id, s.utc_offset, g.grain, date_trunc(g.name, s.slot + s.utc_offset * interval '1 minute', 'UTC')
      - s.utc_offset * interval '1 minute', sum(s.events), sum(s.units), sum(s.credits), max(s.last_activity_at)
    FROM usage_slot s CROSS JOIN (VALUES (2, 'day'), (3, 'month'), (4, 'week')) g (grain, name)
    WHERE s.grain = 2 GROUP BY 1, 2, 3, 4;

ALTER TABLE usage_slot ADD CONSTRAINT pk_usage_slot
  PRIMARY KEY (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category);
ALTER TABLE usage_total ADD CONSTRAINT pk_usage_total PRIMARY KEY (wallet_id, utc_offset, grain, slot)
  INCLUDE (events, units, credits, last_activity_at);

DROP TABLE usage_quarter, usage_month;
