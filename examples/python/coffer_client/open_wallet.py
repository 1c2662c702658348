from typing import Literal, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ErrorCode


class OpenWallet(BaseModel):
    create_wallet: "OpenWalletCreateWallet" = Field(alias="createWallet")


class OpenWalletCreateWallet(BaseModel):
    wallet: Optional["OpenWalletCreateWalletWallet"]
    errors: list["OpenWalletCreateWalletErrors"]


class OpenWalletCreateWalletWallet(BaseModel):
    id: str
    available_credits: int = Field(alias="availableCredits")
    sequence: int


class OpenWalletCreateWalletErrors(BaseModel):
    typename__: Literal[
        "CapReachedError",
        "DailyCapReachedError",
        "GenericError",
        "InsufficientCreditsError",
        "PaymentBlockedError",
        "PricingMatrixMismatchError",
        "UsageOutsideWindowError",
        "UserError",
    ] = Field(alias="__typename")
    code: ErrorCode
    message: str


OpenWallet.model_rebuild()
OpenWalletCreateWallet.model_rebuild()
