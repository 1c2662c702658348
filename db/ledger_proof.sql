-- Proof: seals over the rows, and what stood where at any time. See ledger.sql for the rules.

-- The SHA-256 over the seal before and the rows of a stretch, each as one line of JSON.
create function ledger.digest(p_wallet_id bigint, p_from bigint, p_to bigint, p_previous bytea) returns bytea
language sql stable as $$
  select sha256(coalesce(p_previous, '') || convert_to(coalesce(string_agg(json_build_array(t.sequence, t.type, t.source,
      t.from_account, t.to_account, t.amount, t.balance_before, t.balance_after, extract(epoch from t.created_at),
      t.key_hash, t.idempotency_key, t.units, t.price_version, t.category, t.feature, t.member, t.api_key_id, t.source_id,
      t.metadata)::text, E'\n' order by t.sequence), ''), 'UTF8'))
  from credit_transaction t where t.wallet_id = p_wallet_id and t.sequence between p_from and p_to
$$;

-- Seals the rows since the last seal, 10,000 at most at a time; how many rows it sealed.
create function ledger.seal(p_wallet_id bigint) returns bigint
language plpgsql security definer set search_path = public, ledger, pg_temp as $$
declare last seal; first bigint; top bigint;
begin
  select sequence into top from wallet where id = p_wallet_id for no key update;
  select * into last from seal where wallet_id = p_wallet_id order by to_sequence desc limit 1;
  first := coalesce(last.to_sequence, 0) + 1;
  top := least(top, first + 9999);
  if top < first then return 0; end if;
  insert into seal (wallet_id, to_sequence, from_sequence, digest, sealed_at)
    values (p_wallet_id, top, first, ledger.digest(p_wallet_id, first, top, last.digest), clock_timestamp());
  return top - first + 1;
end $$;

-- The wallet's newest row at an instant (0: none yet). Rows of a wallet are in the order of their times, so the primary
-- key is searched by halves.
create function ledger.sequence_at(p_wallet_id bigint, p_at timestamptz) returns bigint language plpgsql stable as $$
declare low bigint := 0; high bigint; middle bigint;
begin
  select sequence into high from wallet where id = p_wallet_id;
  while low < high loop
    middle := (low + high + 1) / 2;
    if (select created_at from credit_transaction where wallet_id = p_wallet_id and sequence = middle) <= p_at then
      low := middle;
    else
      high := middle - 1;
    end if;
  end loop;
  return low;
end $$;

-- The lots that existed after a row, and what each had left then.
create function ledger.lots_at(p_wallet_id bigint, p_sequence bigint)
returns table (lot_id bigint, remaining bigint) language sql stable as $$
  select l.id, l.credits - coalesce(sum(
    case when a.to_sequence <= p_sequence then a.credits
      else a.first_credits + (select coalesce(sum(t.amount), 0) from credit_transaction t where t.wallet_id = p_wallet_id
        and t.sequence > a.from_sequence and t.sequence <= p_sequence and t.from_account = 1) end), 0)::bigint
  from lot l left join allocation a on a.lot_id = l.id and a.from_sequence <= p_sequence
  where l.wallet_id = p_wallet_id and l.sequence <= p_sequence group by l.id
$$;
