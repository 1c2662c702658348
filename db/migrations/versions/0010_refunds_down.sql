alter table simulated_order drop column dispute;
alter table gateway_event drop column project_id, drop column job_id, drop column attempts;
drop table dispute;
update refund set idempotency_key = 'provider:' || uuid where idempotency_key is null;
alter table refund
  drop column project_id,
  drop column purchase_uuid,
  drop column gateway,
  drop column currency,
  drop column status,
  drop column origin,
  drop column gst_minor,
  drop column platform_fee_minor,
  drop column bonus_credits,
  drop column failure_reason,
  alter column idempotency_key set not null;
drop table purchase_order;
