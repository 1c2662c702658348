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
