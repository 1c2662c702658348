from pydantic import Field

from .base_model import BaseModel
from .enums import TransactionType


class WatchWallet(BaseModel):
    wallet_updated: "WatchWalletWalletUpdated" = Field(alias="walletUpdated")


class WatchWalletWalletUpdated(BaseModel):
    sequence: int
    wallet: "WatchWalletWalletUpdatedWallet"
    transactions: list["WatchWalletWalletUpdatedTransactions"]


class WatchWalletWalletUpdatedWallet(BaseModel):
    available_credits: int = Field(alias="availableCredits")


class WatchWalletWalletUpdatedTransactions(BaseModel):
    sequence: int
    type_: TransactionType = Field(alias="type")
    credits: int
    balance_after: int = Field(alias="balanceAfter")


WatchWallet.model_rebuild()
WatchWalletWalletUpdated.model_rebuild()
