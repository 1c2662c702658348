CREATE TABLE usage_slot (
  wallet_id BIGINT NOT NULL,
  minutes SMALLINT NOT NULL,
  slot TIMESTAMP WITH TIME ZONE NOT NULL,
  feature TEXT NOT NULL,
  member TEXT NOT NULL,
  api_key_id BIGINT NOT NULL,
  category SMALLINT NOT NULL,
  events BIGINT NOT NULL,
  units BIGINT NOT NULL,
  credits BIGINT NOT NULL,
  last_activity_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_usage_slot PRIMARY KEY (wallet_id, minutes, slot, feature, member, api_key_id, category)
);

CREATE TABLE usage_cursor (
  wallet_id BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  CONSTRAINT pk_usage_cursor PRIMARY KEY (wallet_id)
);

grant select on usage_slot, usage_cursor to coffer_app;
