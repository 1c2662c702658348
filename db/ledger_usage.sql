-- Usage in slots, folded from the rows behind a cursor. See ledger.sql for the rules.
--
-- A spend pays nothing for this. Rows of a wallet up to its sequence are committed, so folding needs no lock on the wallet,
-- only on the cursor. A reader adds the rows above the cursor, in the statement that reads the slots.

-- Folds the next rows of a wallet, at most p_rows, into slots of 15 minutes and of a UTC day; how many rows.
create function ledger.fold_usage(p_wallet_id bigint, p_rows bigint) returns bigint
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare start bigint; top bigint;
begin
  insert into usage_cursor (wallet_id, sequence) values (p_wallet_id, 0) on conflict do nothing;
  select sequence into start from usage_cursor where wallet_id = p_wallet_id for update;
  select least(sequence, start + p_rows) into top from wallet where id = p_wallet_id;
  insert into usage_slot as s (wallet_id, minutes, slot, feature, member, api_key_id, category, events, units, credits,
      last_activity_at)
    select p_wallet_id, g.minutes, date_bin(make_interval(mins => g.minutes), t.created_at, '2000-01-01 00:00+00'),
      coalesce(t.feature, 'HOLD_CAPTURE'), coalesce(t.member, ''), coalesce(t.api_key_id, 0), coalesce(t.category, 0),
      count(*), sum(coalesce(t.units, 0)), sum(t.amount), max(t.created_at)
    from credit_transaction t cross join (values (15), (1440)) g (minutes)
    where t.wallet_id = p_wallet_id and t.sequence > start and t.sequence <= top and t.to_account = 12
    group by 2, 3, 4, 5, 6, 7
    on conflict (wallet_id, minutes, slot, feature, member, api_key_id, category) do update
      set events = s.events + excluded.events, units = s.units + excluded.units, credits = s.credits + excluded.credits,
        last_activity_at = greatest(s.last_activity_at, excluded.last_activity_at);
  update usage_cursor set sequence = top where wallet_id = p_wallet_id;
  return top - start;
end $$;

revoke all on function ledger.fold_usage from public;
grant execute on function ledger.fold_usage to coffer_app;
