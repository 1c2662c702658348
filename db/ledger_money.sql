-- The money books: double entry in minor units, written by triggers in the commit of the sale or refund itself, so no
-- path of the application can forget or repeat it. See docs/money.md for the rules.
-- Accounts and kinds are the numbers of domain/books.py.

create function ledger.refuse_entry_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger money_entry_append_only before update or delete on money_entry
  for each row execute function ledger.refuse_entry_change();
create trigger money_entry_no_truncate before truncate on money_entry
  for each statement execute function ledger.refuse_entry_change();
create trigger invoice_append_only before update or delete on invoice
  for each row execute function ledger.refuse_entry_change();
create trigger invoice_no_truncate before truncate on invoice
  for each statement execute function ledger.refuse_entry_change();

-- Writes one entry of a purchase, once; a negative amount goes the other way.
create function ledger.book(
  p purchase, p_kind integer, p_source text, p_debit integer, p_credit integer, p_amount bigint
) returns void language sql as $$
  insert into money_entry (project_id, purchase_id, kind, source, debit, credit, amount_minor, currency, created_at)
    select p.project_id, p.id, p_kind, p_source, case when p_amount > 0 then p_debit else p_credit end,
      case when p_amount > 0 then p_credit else p_debit end, abs(p_amount), p.currency, clock_timestamp()
    where p_amount <> 0 on conflict do nothing
$$;

-- How the credits of a purchase are called in the credit ledger.
create function ledger.sale_name(p purchase) returns text language sql immutable as $$
  select 'pur_' || replace(p.uuid::text, '-', '')
$$;

-- The share of a whole that belongs to part of an amount, half up.
create function ledger.proportion(p_whole bigint, p_part bigint, p_amount bigint) returns bigint language sql immutable as $$
  select (2 * p_whole * p_part + p_amount) / (2 * p_amount)
$$;

-- Books that a part of a purchase's money goes to a vendor.
create function ledger.book_split(s purchase_split) returns void language plpgsql as $$
declare p purchase;
begin
  select * into strict p from purchase where id = s.purchase_id;
  if s.status = 3 then perform ledger.book(p, 13, s.uuid::text, 9, 1, s.amount_minor); end if;
end $$;

create function ledger.split_changed() returns trigger
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
begin
  perform ledger.book_split(new);
  return null;
end $$;
create trigger purchase_split_books after insert or update of status on purchase_split for each row
  execute function ledger.split_changed();

-- Books that purchases were paid, by sets: payments are settled by the hundred. A sale that is booked has its revenue. With
-- a sale the splits of its order count.
create function ledger.book_sales(p_sold purchase[]) returns void language sql as $$
  with sold as (
    select p.* from unnest(p_sold) p where not exists (select from revenue r where r.purchase_id = p.id)
  ), split as (
    update purchase_split s set status = 3, completed_at = clock_timestamp() from sold p
      where s.purchase_id = p.id and s.status = 1
  ), booked as (
    insert into money_entry (project_id, purchase_id, kind, source, debit, credit, amount_minor, currency, created_at)
      select p.project_id, p.id, 1, 'pur_' || replace(p.uuid::text, '-', ''), 1, e.credit, e.amount_minor, p.currency,
        clock_timestamp()
      from sold p cross join lateral (values (2, p.amount_minor), (4, p.gst_minor), (5, p.platform_fee_minor))
        e (credit, amount_minor)
      where e.amount_minor <> 0 on conflict do nothing)
  insert into revenue (purchase_id, wallet_id) select p.id, p.wallet_id from sold p on conflict do nothing
$$;

-- Books that a refund began: its part of the amount, the GST and the fee.
create function ledger.book_refund(r refund) returns void language plpgsql as $$
declare p purchase;
begin
  select * into strict p from purchase where id = r.purchase_id;
  if exists (select from money_entry where source = r.uuid::text and kind = 2) then return; end if;
  perform ledger.book(p, 2, r.uuid::text, 2, 6, r.amount_minor);
  perform ledger.book(p, 2, r.uuid::text, 4, 6, r.gst_minor);
  perform ledger.book(p, 2, r.uuid::text, 5, 6, r.platform_fee_minor);
end $$;

-- Books that a refund was sent, part of it by vendors, or that it failed: then the entries of its beginning are undone, after
-- its money came back if it had been sent.
create function ledger.book_refund_end(r refund) returns void language plpgsql as $$
declare p purchase;
begin
  select * into strict p from purchase where id = r.purchase_id;
  if r.status = 3 then
    perform ledger.book(p, 3, r.uuid::text, 6, 1, r.total_minor);
    perform ledger.book(p, 14, r.uuid::text, 1, 9, coalesce(sum(x.amount_minor), 0)::bigint) from split_refund x
      where x.refund_row_id = r.id;
  elsif r.status = 4 then
    perform ledger.book(p, 8, e.source, 1, 6, e.amount_minor) from money_entry e
      where e.source = r.uuid::text and e.kind = 3;
    perform ledger.book(p, 15, e.source, 9, 1, e.amount_minor) from money_entry e
      where e.source = r.uuid::text and e.kind = 14;
    perform ledger.book(p, 4, e.source, e.credit, e.debit, e.amount_minor) from money_entry e
      where e.source = r.uuid::text and e.kind = 2;
  end if;
end $$;

-- Books that a purchase was paid again, and that the payment went back.
create function ledger.book_surplus(s surplus_payment) returns void language plpgsql as $$
declare p purchase;
begin
  select * into strict p from purchase where id = s.purchase_id;
  p.currency := s.currency;
  perform ledger.book(p, 6, 'surplus:' || s.id, 1, 6, s.total_minor);
  if s.completed_at is not null then perform ledger.book(p, 7, 'surplus:' || s.id, 6, 1, s.total_minor); end if;
end $$;

create function ledger.sales_changed() returns trigger
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare sold purchase[];
begin
  select array_agg(row(p.*)::purchase) into sold from changed p where p.status in (3, 5);
  if sold is not null then perform ledger.book_sales(sold); end if;
  return null;
end $$;
create trigger purchase_books after update on purchase referencing new table as changed for each statement
  execute function ledger.sales_changed();

create function ledger.refunded_changed() returns trigger
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
begin
  -- Not an update of revenue: its lock would be taken here before the wallet's, and by ledger.recognise after it.
  insert into revenue_news (wallet_id, purchase_id) values (new.wallet_id, new.id);
  return null;
end $$;
create trigger purchase_refunds after update of refunded_minor on purchase for each row
  when (new.refunded_minor <> old.refunded_minor) execute function ledger.refunded_changed();

create function ledger.refund_changed() returns trigger
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
begin
  perform ledger.book_refund(new);
  perform ledger.book_refund_end(new);
  return null;
end $$;
create trigger refund_books after insert or update of status on refund for each row
  execute function ledger.refund_changed();

create function ledger.surplus_changed() returns trigger
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
begin
  perform ledger.book_surplus(new);
  return null;
end $$;
create trigger surplus_payment_books after insert or update of completed_at on surplus_payment for each row
  execute function ledger.surplus_changed();

-- Books that a payout was requested, and what became of it: sent, failed, or sent and then returned. It has no purchase.
create function ledger.book_payout(t payout_transfer) returns void language plpgsql as $$
declare p purchase;
begin
  p.project_id := t.project_id; p.currency := t.currency;
  perform ledger.book(p, 9, t.uuid::text, 7, 8, t.amount_minor);
  if t.status = 3 then perform ledger.book(p, 10, t.uuid::text, 8, 1, t.amount_minor); end if;
  if t.status = 5 then
    perform ledger.book(p, 12, e.source, 1, 8, e.amount_minor) from money_entry e
      where e.source = t.uuid::text and e.kind = 10;
  end if;
  if t.status in (4, 5) then perform ledger.book(p, 11, t.uuid::text, 8, 7, t.amount_minor); end if;
end $$;

create function ledger.payout_changed() returns trigger
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
begin
  perform ledger.book_payout(new);
  return null;
end $$;
create trigger payout_transfer_books after insert or update of status on payout_transfer for each row
  execute function ledger.payout_changed();

-- What is earned of each purchase of a settled wallet: of the amount that is not refunded, the share of the used among the
-- credits that its refunds did not take. Credits in open holds, payouts, gifts and disputes are not used yet; a bonus earns
-- nothing.
-- With p_open only of those that can still change.
create function ledger.earned(p_wallet_id bigint, p_open boolean)
returns table (purchase_id bigint, earned_minor bigint, unused_credits bigint)
language sql stable security definer set search_path = public, ledger, pg_temp as $$
  with sold as materialized (
    select p.id, p.amount_minor - p.refunded_minor as amount, l.id as lot_id, l.source_id, l.credits, l.remaining
    from revenue r join purchase p on p.id = r.purchase_id
    join lot l on l.wallet_id = p_wallet_id and l.source = 1 and l.source_id = ledger.sale_name(p)
    where r.wallet_id = p_wallet_id and not (p_open and r.closed)
  ), waiting as (
    select sequence, captured from hold where wallet_id = p_wallet_id and status = 1
    union all select sequence, 0 from gift where wallet_id = p_wallet_id and status = 1
  ), aside as (
    select a.lot_id, sum(greatest(least(a.credits, a.upto - w.captured), 0)) as credits
    from waiting w cross join lateral (select x.lot_id, x.credits, sum(x.credits) over (order by x.id) as upto
      from ledger.allocations_of(p_wallet_id, w.sequence) x) a group by a.lot_id
  ), taken as (
    select s.lot_id, sum(a.credits) as credits, sum(a.credits) filter (where d.id is not null) as frozen
    from sold s join allocation a on a.lot_id = s.lot_id
    join credit_transaction t on t.wallet_id = p_wallet_id and t.sequence = a.from_sequence
    left join dispute d on d.purchase_id = s.id and d.status = 1
      and t.idempotency_key = 'dispute:' || d.uuid || ':' || d.changes || ':frozen'
    where t.type = 4 and t.to_account = 13 and t.source_id = s.source_id group by s.lot_id
  ), summed as (
    select s.id, s.amount, sum(s.credits - coalesce(t.credits, 0) + coalesce(t.frozen, 0)) as credits,
      sum(s.remaining + coalesce(a.credits, 0) + coalesce(t.frozen, 0)) as unused
    from sold s left join aside a using (lot_id) left join taken t using (lot_id) group by s.id, s.amount
  )
  select id, case when unused = 0 then amount
    else ledger.proportion(amount, (credits - unused)::bigint, credits::bigint) end, unused::bigint from summed
$$;

-- Brings the earned revenue of a wallet's purchases up to its newest row; the wallet stays locked until the commit.
create function ledger.recognise(p_wallet_id bigint) returns void
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare e record; p purchase; top bigint;
begin
  perform ledger.settle(p_wallet_id);
  select sequence into top from wallet where id = p_wallet_id;
  with news as (delete from revenue_news where wallet_id = p_wallet_id returning purchase_id)
    update revenue r set closed = false from news n where r.purchase_id = n.purchase_id;
  for e in select x.*, x.earned_minor - r.earned_minor as change from ledger.earned(p_wallet_id, true) x
      join revenue r using (purchase_id) loop
    select * into p from purchase where id = e.purchase_id;
    perform ledger.book(p, 5, 'sequence:' || top, 2, 3, e.change);
    update revenue set earned_minor = e.earned_minor, closed = e.unused_credits = 0 where purchase_id = e.purchase_id;
  end loop;
  update revenue set sequence = top, reckoned_at = clock_timestamp() where wallet_id = p_wallet_id and not closed;
end $$;

revoke all on all functions in schema ledger from public;
grant execute on function ledger.recognise, ledger.earned, ledger.sale_name, ledger.proportion to coffer_app;

-- What was sold and refunded before there were books.
select ledger.book_sales(array[p]) from purchase p
  where p.status in (3, 5) and not exists (select from revenue r where r.purchase_id = p.id);
select ledger.book_refund(r) from refund r order by r.id;
select ledger.book_refund_end(r) from refund r;
select ledger.book_surplus(s) from surplus_payment s;
