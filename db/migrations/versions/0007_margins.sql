create table feature_cost (
  project_id bigint not null,
  feature text not null,
  effective_from date not null,
  infrastructure_micros bigint not null,
  other_micros bigint not null,
  set_by bigint,
  set_at timestamp with time zone default now() not null,
  constraint pk_feature_cost primary key (project_id, feature, effective_from),
  constraint ck_feature_cost_micros check (infrastructure_micros >= 0 and other_micros >= 0),
  constraint fk_feature_cost_project_id_project foreign key (project_id) references project (id)
);

grant select, insert, update on feature_cost to coffer_app;
