"""What the money books promise, each as a query that must find no wallet; see reconcile."""

from __future__ import annotations

from typing import Final

MONEY_PROMISES: Final[dict[str, str]] = {
    "every sale is in the money books once, in full": """
        select p.wallet_uuid as uuid from purchase p left join (
          select purchase_id, sum(amount_minor) filter (where (debit, credit) = (1, 2)) as amount,
            sum(amount_minor) filter (where (debit, credit) = (1, 4)) as gst,
            sum(amount_minor) filter (where (debit, credit) = (1, 5)) as fee, sum(amount_minor) as total
          from money_entry where kind = 1 group by 1) e on e.purchase_id = p.id
        where p.status in (3, 5) and (e.amount, coalesce(e.gst, 0), coalesce(e.fee, 0), e.total) is distinct from
            (p.amount_minor, p.gst_minor, p.platform_fee_minor, p.amount_minor + p.gst_minor + p.platform_fee_minor)
          or p.status not in (3, 5) and e.total is not null""",
    "every refund is in the money books once, and ends as it did": """
        select p.wallet_uuid as uuid from refund r join purchase p on p.id = r.purchase_id left join (
          select source, sum(case when kind = 2 and credit = 6 then amount_minor
              when kind = 2 then -amount_minor end) as begun,
            sum(case when kind = 3 then amount_minor when kind = 8 then -amount_minor end) as sent,
            sum(case when kind = 4 and debit = 6 then amount_minor when kind = 4 then -amount_minor end) as undone
          from money_entry where kind in (2, 3, 4, 8) group by 1) e on e.source = r.uuid::text
        where (e.begun, coalesce(e.sent, 0), coalesce(e.undone, 0)) is distinct from (r.total_minor,
          case r.status when 3 then r.total_minor else 0 end, case r.status when 4 then r.total_minor else 0 end)""",
    "every payout is in the money books once, and ends as it did": """
        select t.wallet_uuid as uuid from payout_transfer t left join (
          select source, sum(amount_minor) filter (where kind = 9) as begun,
            sum(case kind when 10 then amount_minor when 12 then -amount_minor end) as sent,
            sum(amount_minor) filter (where kind = 11) as undone
          from money_entry where kind between 9 and 12 group by 1) e on e.source = t.uuid::text
        where (e.begun, coalesce(e.sent, 0), coalesce(e.undone, 0)) is distinct from (t.amount_minor,
          case t.status when 3 then t.amount_minor else 0 end,
          case when t.status in (4, 5) then t.amount_minor else 0 end)""",
    "the credits of a payout are where its money is": """
        select t.wallet_uuid as uuid from payout_transfer t join hold h on h.uuid = t.hold_uuid left join (
          select wallet_id, source_id, sum(case when to_account = 14 then amount else -amount end) as gone
          from credit_transaction where 14 in (from_account, to_account) group by 1, 2) g
          on g.wallet_id = t.wallet_id and g.source_id = t.hold_uuid::text
        where (h.kind, h.credits, coalesce(g.gone, 0)) is distinct from (2::smallint, t.credits,
            case t.status when 3 then t.credits else 0 end)
          or not case when t.status in (1, 2) then h.status = 1 when t.status = 3 then h.status = 2
            when t.status = 4 then h.status = 3 else h.status in (2, 3) end""",
    "every split is in the money books once, and within its paid purchase": """
        select p.wallet_uuid as uuid from purchase p join (
          select s.purchase_id, bool_or((s.status = 3) <> (coalesce(e.amount, 0) = s.amount_minor)
              or s.status <> 3 and e.amount is not null) as wrong,
            sum(s.amount_minor) filter (where s.status = 3) as total
          from purchase_split s left join (
            select source, sum(amount_minor) as amount from money_entry where kind = 13 group by 1) e
            on e.source = s.uuid::text group by 1) s on s.purchase_id = p.id
        where s.wrong or s.total > p.amount_minor or s.total > 0 and p.status not in (3, 5)""",
    "what refunds take back of vendors is in the money books once": """
        select p.wallet_uuid as uuid from refund r join purchase p on p.id = r.purchase_id left join (
          select refund_row_id, sum(amount_minor) as amount from split_refund group by 1) x on x.refund_row_id = r.id
        left join (
          select source, sum(case kind when 14 then amount_minor else -amount_minor end) as amount
          from money_entry where kind in (14, 15) group by 1) e on e.source = r.uuid::text
        where coalesce(e.amount, 0) <> case r.status when 3 then coalesce(x.amount, 0) else 0 end""",
    "vendors give back what refunds take of their parts": """
        select p.wallet_uuid as uuid from purchase_split s join purchase p on p.id = s.purchase_id left join (
          select x.split_row_id, sum(x.amount_minor) as amount
          from split_refund x join refund r on r.id = x.refund_row_id where r.status <> 4 group by 1) x
          on x.split_row_id = s.id
        where s.refunded_minor <> coalesce(x.amount, 0)""",
    "a refunded amount is the sum of its refunds": """
        select p.wallet_uuid as uuid from purchase p left join (
          select purchase_id, sum(amount_minor) as amount from refund
          where status <> 4 group by 1) r on r.purchase_id = p.id
        where p.refunded_minor <> coalesce(r.amount, 0)""",
    "the gateways hold what was paid less what went back": """
        select coalesce(held.uuid, paid.uuid) as uuid from (
          select p.project_id, p.gateway, e.currency, min(p.wallet_uuid::text)::uuid as uuid,
            sum(case when e.debit = 1 then e.amount_minor else -e.amount_minor end) as held
          from money_entry e join purchase p on p.id = e.purchase_id where 1 in (e.debit, e.credit)
          group by 1, 2, 3) held
        full join (
          select project_id, gateway, currency, min(wallet_uuid::text)::uuid as uuid, sum(amount) as paid from (
            select project_id, gateway, currency, wallet_uuid, amount_minor + gst_minor + platform_fee_minor as amount
              from purchase where status in (3, 5)
            union all select p.project_id, p.gateway, p.currency, p.wallet_uuid, -r.total_minor
              from refund r join purchase p on p.id = r.purchase_id where r.status = 3
            union all select p.project_id, p.gateway, s.currency, p.wallet_uuid, s.total_minor
              from surplus_payment s join purchase p on p.id = s.purchase_id where s.completed_at is null
            union all select p.project_id, p.gateway, s.currency, p.wallet_uuid, -s.amount_minor
              from purchase_split s join purchase p on p.id = s.purchase_id where s.status = 3
            union all select p.project_id, p.gateway, p.currency, p.wallet_uuid, x.amount_minor
              from split_refund x join refund r on r.id = x.refund_row_id and r.status = 3
              join purchase p on p.id = r.purchase_id) x
          group by 1, 2, 3) paid using (project_id, gateway, currency)
        where coalesce(held.held, 0) <> coalesce(paid.paid, 0)""",
    "recognised revenue is what the used credits cost": """
        select p.wallet_uuid as uuid from revenue r join purchase p on p.id = r.purchase_id left join (
          select purchase_id, sum(case when credit = 3 then amount_minor else -amount_minor end) as booked
          from money_entry where kind = 5 group by 1) e on e.purchase_id = r.purchase_id
        where r.earned_minor <> coalesce(e.booked, 0) or r.earned_minor not between 0 and p.amount_minor
        union select p.wallet_uuid from (select distinct r.wallet_id from revenue r join settlement s
            on s.wallet_id = r.wallet_id and (r.closed or s.sequence = r.sequence)) w
          cross join lateral ledger.earned(w.wallet_id, false) x
          join revenue r on r.purchase_id = x.purchase_id join settlement s on s.wallet_id = r.wallet_id
          join purchase p on p.id = r.purchase_id
        where (r.closed or s.sequence = r.sequence) and r.earned_minor <> x.earned_minor
          and not exists (select from revenue_news n where n.purchase_id = r.purchase_id)""",
    "no purchase owes more credits than were paid for": """
        select p.wallet_uuid as uuid from revenue r join purchase p on p.id = r.purchase_id join (
          select purchase_id, sum(case when credit = 2 then amount_minor when debit = 2 then -amount_minor else 0 end)
            as deferred from money_entry group by 1) e on e.purchase_id = r.purchase_id
        where e.deferred <> p.amount_minor - p.refunded_minor - r.earned_minor
          or ((e.deferred < 0 or r.closed and e.deferred <> 0)
            and not exists (select from revenue_news n where n.purchase_id = r.purchase_id))""",
}
