drop table burn_alert, cap_usage, cap, gift, seal, account_flow, settlement, allocation, lot;
alter table refund drop column shortfall_credits;
drop index ix_hold_wallet_id_id, ix_wallet_next_expiry_at;
delete from hold where expires_at is null;
alter table hold drop column sequence, drop column wallet_uuid, drop column kind, drop column feature, drop column unit_credits,
  drop column category, drop column price_version, alter column expires_at set not null;
alter table wallet drop column revision, drop column debt_credits, drop column burn_limit_credits,
  drop column burn_check_credits, drop column burn_quiet_until, drop column capped, drop column frozen_reason;
