alter table wallet add column revision bigint default 0 not null;
