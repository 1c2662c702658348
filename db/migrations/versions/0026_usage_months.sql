-- Folds wait until the engine of this release is there.
LOCK TABLE usage_slot IN SHARE ROW EXCLUSIVE MODE;

DROP SCHEMA IF EXISTS ledger CASCADE;

CREATE TABLE usage_quarter (
  wallet_id BIGINT NOT NULL,
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

CREATE TABLE usage_month (
  wallet_id BIGINT NOT NULL,
  view SMALLINT NOT NULL,
  utc_offset SMALLINT NOT NULL,
  month DATE NOT NULL,
  feature TEXT NOT NULL,
  member TEXT NOT NULL,
  api_key_id BIGINT NOT NULL,
  category SMALLINT NOT NULL,
  days BIGINT[] NOT NULL
) WITH (fillfactor = 70);

GRANT SELECT ON usage_quarter, usage_month TO coffer_app;

INSERT INTO usage_quarter (wallet_id, slot, feature, member, api_key_id, category, events, units, credits, last_activity_at)
  SELECT wallet_id, slot, feature, member, api_key_id, category, events, units, credits, last_activity_at
  FROM usage_slot WHERE grain = 1 AND view = 7;

WITH by_day AS (
  SELECT wallet_id, 7 - grouping(api_key_id, member, feature) AS view, utc_offset,
    (slot AT TIME ZONE 'utc' + utc_offset * interval '1 minute')::date AS day, coalesce(feature, '') AS feature,
    coalesce(member, '') AS member, coalesce(api_key_id, 0) AS api_key_id, coalesce(category, 0) AS category,
    sum(events) AS events, sum(units) AS units, sum(credits) AS credits,
    (extract(epoch FROM max(last_activity_at)) * 1000000)::bigint AS last_at
  FROM usage_slot WHERE grain = 2 AND view = 7
  GROUP BY wallet_id, utc_offset, slot, GROUPING SETS ((), (feature, category), (feature, member, api_key_id, category))
), running AS (
  SELECT wallet_id, view, utc_offset, m.month, feature, member, api_key_id, category, day,
    lead(day, 1, day + 1) OVER up_to - day AS days,
    array[sum(events) OVER up_to, sum(units) OVER up_to, sum(credits) OVER up_to, max(last_at) OVER up_to]::bigint[] AS up_to
  FROM by_day CROSS JOIN LATERAL (SELECT date_trunc('month', day::timestamp)::date AS month) m
  WINDOW up_to AS (PARTITION BY wallet_id, view, utc_offset, m.month, feature, member, api_key_id, category ORDER BY day)
)
INSERT INTO usage_month (wallet_id, view, utc_offset, month, feature, member, api_key_id, category, days)
  SELECT wallet_id, view, utc_offset, month, feature, member, api_key_id, category,
    array_fill(0::bigint, ARRAY[min(day) - month, 4]) || array_agg(up_to ORDER BY day)
  FROM running CROSS JOIN generate_series(1, days) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8;

ALTER TABLE usage_quarter ADD CONSTRAINT pk_usage_quarter
  PRIMARY KEY (wallet_id, slot, feature, member, api_key_id, category);
ALTER TABLE usage_month ADD CONSTRAINT pk_usage_month
  PRIMARY KEY (wallet_id, view, utc_offset, month, feature, member, api_key_id, category);

DROP TABLE usage_slot, usage_total;
