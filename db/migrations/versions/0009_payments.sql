create index ix_purchase_project_id_created_at on purchase (project_id, created_at);
