-- What the application may do. It never writes the ledger's tables, but for opening a wallet and its settings.
do $$ begin
  create role coffer_app nologin;
exception when duplicate_object or unique_violation then null;
end $$;
grant coffer_app to current_user;
grant usage on schema public to coffer_app;
grant select on all tables in schema public to coffer_app;
grant insert, update on project, api_key, price_version, purchase, refund, gateway_event, simulated_order to coffer_app;
grant insert on feature_price to coffer_app;
grant insert, update, delete on job, lease to coffer_app;
grant insert (uuid, project_id, owner_type, owner_id, low_balance_threshold) on wallet to coffer_app;
grant update (low_balance_threshold, auto_recharge_enabled, updated_at) on wallet to coffer_app;

-- The template project: the prices that every new project starts with (credits).
insert into project (id, name) values (0, '');
insert into price_version (project_id, version, note) values (0, 1, 'default prices');
insert into feature_price (project_id, version, feature, category, cap_group, credits)
select 0, 1, p.* from (values
  ('CREATE_COMMUNITY', 1, 0, 0), ('INVITE_MEMBER', 1, 0, 1), ('UPDATE_BRANDING', 1, 0, 3), ('UPLOAD_BANNER', 1, 0, 8),
  ('TEAM_ROLE_UPDATE', 1, 0, 1),
  ('API_BASIC_REQUEST', 2, 0, 1), ('API_HEAVY_QUERY', 2, 0, 5), ('API_EXPORT_DATA', 2, 0, 20),
  ('API_ANALYTICS_QUERY', 2, 0, 10),
  ('EMAIL_SEND', 3, 3, 1), ('PUSH_NOTIFICATION', 3, 0, 1), ('RETRY_QUEUE', 3, 0, 2), ('SCHEDULED_JOB', 3, 0, 2),
  ('WEBHOOK_TRIGGER', 4, 2, 1), ('WEBHOOK_RETRY', 4, 2, 1), ('WEBHOOK_PREMIUM_DELIVERY', 4, 2, 3),
  ('STORAGE_100MB', 5, 0, 5), ('STORAGE_1GB', 5, 0, 40), ('MEDIA_OPTIMIZATION', 5, 0, 3),
  ('AI_SUMMARY', 6, 1, 15), ('AI_MODERATION', 6, 1, 5), ('AI_SEARCH', 6, 1, 12), ('AI_ASSISTANT_REPLY', 6, 1, 8)
) as p (feature, category, cap_group, credits);
