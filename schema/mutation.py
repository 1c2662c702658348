"""What callers may do."""

import strawberry

from resolvers import operations as operation_resolvers
from resolvers import pricing as price_resolvers
from resolvers import purchases as purchase_resolvers
from resolvers import spending as spending_resolvers
from resolvers import wallets as wallet_resolvers
from schema.types import operations as operation_types
from schema.types.pricing import PublishPricingPayload
from schema.types.purchases import PurchasePayload
from schema.types.spending import ConsumeBatchPayload, ConsumePayload, GrantPayload, HoldPayload
from schema.types.wallets import CreateWalletPayload, UpdateWalletPayload


@strawberry.type
class Mutation:
    """What callers may do."""

    create_wallet: CreateWalletPayload = strawberry.mutation(resolver=wallet_resolvers.create_wallet)
    update_wallet: UpdateWalletPayload = strawberry.mutation(resolver=wallet_resolvers.update_wallet)
    consume: ConsumePayload = strawberry.mutation(resolver=spending_resolvers.consume)
    consume_batch: ConsumeBatchPayload = strawberry.mutation(resolver=spending_resolvers.consume_batch)
    hold: HoldPayload = strawberry.mutation(resolver=spending_resolvers.hold)
    capture_hold: HoldPayload = strawberry.mutation(resolver=spending_resolvers.capture_hold)
    release_hold: HoldPayload = strawberry.mutation(resolver=spending_resolvers.release_hold)
    purchase_credits: PurchasePayload = strawberry.mutation(resolver=purchase_resolvers.purchase_credits)
    retry_purchase: PurchasePayload = strawberry.mutation(resolver=purchase_resolvers.retry_purchase)
    refund_purchase: PurchasePayload = strawberry.mutation(resolver=purchase_resolvers.refund_purchase)
    grant_credits: GrantPayload = strawberry.mutation(resolver=spending_resolvers.grant_credits)
    adjust_credits: GrantPayload = strawberry.mutation(resolver=spending_resolvers.adjust_credits)
    publish_pricing: PublishPricingPayload = strawberry.mutation(resolver=price_resolvers.publish_pricing)
    create_api_key: operation_types.CreateApiKeyPayload = strawberry.mutation(
        resolver=operation_resolvers.create_api_key
    )
    revoke_api_key: operation_types.RevokeApiKeyPayload = strawberry.mutation(
        resolver=operation_resolvers.revoke_api_key
    )
    replay_job: operation_types.ReplayJobPayload = strawberry.mutation(resolver=operation_resolvers.replay_job)
