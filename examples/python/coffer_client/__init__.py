from .async_base_client import AsyncBaseClient
from .base_model import BaseModel, Upload
from .buy_pack import (
    BuyPack,
    BuyPackPurchaseCredits,
    BuyPackPurchaseCreditsErrors,
    BuyPackPurchaseCreditsPurchase,
    BuyPackPurchaseCreditsPurchaseQuote,
    BuyPackPurchaseCreditsPurchaseQuoteTotal,
)
from .client import CofferClient
from .consume import (
    Consume,
    ConsumeConsume,
    ConsumeConsumeErrorsCapReachedError,
    ConsumeConsumeErrorsDailyCapReachedError,
    ConsumeConsumeErrorsInsufficientCreditsError,
    ConsumeConsumeErrorsPricingMatrixMismatchError,
    ConsumeConsumeErrorsUserError,
    ConsumeConsumeTransaction,
)
from .enums import ErrorCode, PurchaseStatus, TransactionType
from .exceptions import (
    GraphQLClientError,
    GraphQLClientGraphQLError,
    GraphQLClientGraphQLMultiError,
    GraphQLClientHttpError,
    GraphQLClientInvalidResponseError,
)
from .open_wallet import (
    OpenWallet,
    OpenWalletCreateWallet,
    OpenWalletCreateWalletErrors,
    OpenWalletCreateWalletWallet,
)
from .watch_wallet import (
    WatchWallet,
    WatchWalletWalletUpdated,
    WatchWalletWalletUpdatedTransactions,
    WatchWalletWalletUpdatedWallet,
)

__all__ = [
    "AsyncBaseClient",
    "BaseModel",
    "BuyPack",
    "BuyPackPurchaseCredits",
    "BuyPackPurchaseCreditsErrors",
    "BuyPackPurchaseCreditsPurchase",
    "BuyPackPurchaseCreditsPurchaseQuote",
    "BuyPackPurchaseCreditsPurchaseQuoteTotal",
    "CofferClient",
    "Consume",
    "ConsumeConsume",
    "ConsumeConsumeErrorsCapReachedError",
    "ConsumeConsumeErrorsDailyCapReachedError",
    "ConsumeConsumeErrorsInsufficientCreditsError",
    "ConsumeConsumeErrorsPricingMatrixMismatchError",
    "ConsumeConsumeErrorsUserError",
    "ConsumeConsumeTransaction",
    "ErrorCode",
    "GraphQLClientError",
    "GraphQLClientGraphQLError",
    "GraphQLClientGraphQLMultiError",
    "GraphQLClientHttpError",
    "GraphQLClientInvalidResponseError",
    "OpenWallet",
    "OpenWalletCreateWallet",
    "OpenWalletCreateWalletErrors",
    "OpenWalletCreateWalletWallet",
    "PurchaseStatus",
    "TransactionType",
    "Upload",
    "WatchWallet",
    "WatchWalletWalletUpdated",
    "WatchWalletWalletUpdatedTransactions",
    "WatchWalletWalletUpdatedWallet",
]
