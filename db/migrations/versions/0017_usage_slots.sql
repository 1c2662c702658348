DROP TABLE usage_slot, usage_cursor;

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
  last_activity_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_usage_slot
    PRIMARY KEY (wallet_id, view, grain, utc_offset, slot, feature, member, api_key_id, category)
);

CREATE TABLE project_usage_slot (
  project_id BIGINT NOT NULL,
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
  last_activity_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_project_usage_slot
    PRIMARY KEY (project_id, view, grain, utc_offset, slot, feature, member, api_key_id, category)
);

CREATE TABLE usage_cursor (
  wallet_id BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  CONSTRAINT pk_usage_cursor PRIMARY KEY (wallet_id)
);

CREATE TABLE usage_fold (
  project_id BIGINT NOT NULL,
  CONSTRAINT pk_usage_fold PRIMARY KEY (project_id)
);

grant select on usage_slot, project_usage_slot, usage_cursor, usage_fold to coffer_app;
