alter table purchase_split
  add column refunded_minor bigint default 0 not null,
  add constraint ck_purchase_split_refunded_minor check (refunded_minor between 0 and amount_minor);

create table split_refund (
  refund_row_id bigint not null,
  split_row_id bigint not null,
  amount_minor bigint not null,
  constraint pk_split_refund primary key (refund_row_id, split_row_id),
  constraint ck_split_refund_amount_minor check (amount_minor > 0),
  constraint fk_split_refund_refund_row_id_refund foreign key (refund_row_id) references refund (id),
  constraint fk_split_refund_split_row_id_purchase_split foreign key (split_row_id) references purchase_split (id)
);
create index ix_split_refund_split_row_id on split_refund (split_row_id);

grant select, insert, delete on split_refund to coffer_app;
