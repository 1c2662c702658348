from typing import Literal, Optional

from pydantic import Field

from .base_model import BaseModel
from .enums import ErrorCode, PurchaseStatus


class BuyPack(BaseModel):
    purchase_credits: "BuyPackPurchaseCredits" = Field(alias="purchaseCredits")


class BuyPackPurchaseCredits(BaseModel):
    purchase: Optional["BuyPackPurchaseCreditsPurchase"]
    errors: list["BuyPackPurchaseCreditsErrors"]


class BuyPackPurchaseCreditsPurchase(BaseModel):
    id: str
    status: PurchaseStatus
    checkout_url: Optional[str] = Field(alias="checkoutUrl")
    quote: "BuyPackPurchaseCreditsPurchaseQuote"


class BuyPackPurchaseCreditsPurchaseQuote(BaseModel):
    total: "BuyPackPurchaseCreditsPurchaseQuoteTotal"


class BuyPackPurchaseCreditsPurchaseQuoteTotal(BaseModel):
    formatted: str


class BuyPackPurchaseCreditsErrors(BaseModel):
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


BuyPack.model_rebuild()
BuyPackPurchaseCredits.model_rebuild()
BuyPackPurchaseCreditsPurchase.model_rebuild()
BuyPackPurchaseCreditsPurchaseQuote.model_rebuild()
