from collections.abc import AsyncIterator
from typing import Any, Optional, Union

from .async_base_client import AsyncBaseClient
from .base_model import UNSET, UnsetType
from .buy_pack import BuyPack, BuyPackPurchaseCredits
from .consume import Consume, ConsumeConsume
from .open_wallet import OpenWallet, OpenWalletCreateWallet
from .watch_wallet import WatchWallet, WatchWalletWalletUpdated


def gql(q: str) -> str:
    return q


class CofferClient(AsyncBaseClient):
    async def open_wallet(self, owner_id: str, **kwargs: Any) -> OpenWalletCreateWallet:
        query = gql("""
            mutation OpenWallet($ownerId: String!) {
              createWallet(input: {ownerType: USER, ownerId: $ownerId}) {
                wallet {
                  id
                  availableCredits
                  sequence
                }
                errors {
                  __typename
                  code
                  message
                }
              }
            }
            """)
        variables: dict[str, object] = {"ownerId": owner_id}
        response = await self.execute(
            query=query, operation_name="OpenWallet", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return OpenWallet.model_validate(data).create_wallet

    async def buy_pack(
        self, wallet_id: str, pack_code: str, idempotency_key: str, **kwargs: Any
    ) -> BuyPackPurchaseCredits:
        query = gql("""
            mutation BuyPack($walletId: ID!, $packCode: String!, $idempotencyKey: String!) {
              purchaseCredits(
                input: {walletId: $walletId, packCode: $packCode, method: UPI, idempotencyKey: $idempotencyKey}
              ) {
                purchase {
                  id
                  status
                  checkoutUrl
                  quote {
                    total {
                      formatted
                    }
                  }
                }
                errors {
                  __typename
                  code
                  message
                }
              }
            }
            """)
        variables: dict[str, object] = {
            "walletId": wallet_id,
            "packCode": pack_code,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="BuyPack", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return BuyPack.model_validate(data).purchase_credits

    async def consume(
        self,
        wallet_id: str,
        feature: str,
        idempotency_key: str,
        quantity: Union[Optional[int], UnsetType] = UNSET,
        expected_credits: Union[Optional[int], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> ConsumeConsume:
        query = gql("""
            mutation Consume($walletId: ID!, $feature: String!, $quantity: BigInt, $expectedCredits: Credits, $idempotencyKey: String!) {
              consume(
                input: {walletId: $walletId, feature: $feature, quantity: $quantity, expectedCredits: $expectedCredits, idempotencyKey: $idempotencyKey}
              ) {
                replayed
                transaction {
                  sequence
                  credits
                  balanceAfter
                }
                errors {
                  __typename
                  code
                  message
                  ... on InsufficientCreditsError {
                    availableCredits
                    requiredCredits
                  }
                  ... on PricingMatrixMismatchError {
                    actualCredits
                  }
                  ... on DailyCapReachedError {
                    resetsAt
                  }
                  ... on CapReachedError {
                    left
                    resetsAt
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {
            "walletId": wallet_id,
            "feature": feature,
            "quantity": quantity,
            "expectedCredits": expected_credits,
            "idempotencyKey": idempotency_key,
        }
        response = await self.execute(
            query=query, operation_name="Consume", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Consume.model_validate(data).consume

    async def watch_wallet(
        self,
        wallet_id: str,
        after: Union[Optional[int], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> AsyncIterator[WatchWalletWalletUpdated]:
        query = gql("""
            subscription WatchWallet($walletId: ID!, $after: BigInt) {
              walletUpdated(walletId: $walletId, after: $after) {
                sequence
                wallet {
                  availableCredits
                }
                transactions {
                  sequence
                  type
                  credits
                  balanceAfter
                }
              }
            }
            """)
        variables: dict[str, object] = {"walletId": wallet_id, "after": after}
        async for data in self.execute_ws(
            query=query, operation_name="WatchWallet", variables=variables, **kwargs
        ):
            yield WatchWallet.model_validate(data).wallet_updated
