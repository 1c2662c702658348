CREATE TABLE usage_clock (
  project_id BIGINT NOT NULL,
  utc_offset SMALLINT NOT NULL,
  made_until TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_usage_clock PRIMARY KEY (project_id, utc_offset)
);

CREATE INDEX ix_usage_event_wallet_id_metric_id_id ON usage_event (wallet_id, metric_id, id);

grant select on usage_clock to coffer_app;
