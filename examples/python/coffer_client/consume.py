from datetime import datetime
from typing import Annotated, Literal, Optional, Union

from pydantic import Field

from .base_model import BaseModel
from .enums import ErrorCode


class Consume(BaseModel):
    consume: "ConsumeConsume"


class ConsumeConsume(BaseModel):
    replayed: bool
    transaction: Optional["ConsumeConsumeTransaction"]
    errors: list[
        Annotated[
            Union[
                "ConsumeConsumeErrorsUserError",
                "ConsumeConsumeErrorsCapReachedError",
                "ConsumeConsumeErrorsDailyCapReachedError",
                "ConsumeConsumeErrorsInsufficientCreditsError",
                "ConsumeConsumeErrorsPricingMatrixMismatchError",
            ],
            Field(discriminator="typename__"),
        ]
    ]


class ConsumeConsumeTransaction(BaseModel):
    sequence: int
    credits: int
    balance_after: int = Field(alias="balanceAfter")


class ConsumeConsumeErrorsUserError(BaseModel):
    typename__: Literal[
        "GenericError", "PaymentBlockedError", "UsageOutsideWindowError", "UserError"
    ] = Field(alias="__typename")
    code: ErrorCode
    message: str


class ConsumeConsumeErrorsCapReachedError(BaseModel):
    typename__: Literal["CapReachedError"] = Field(alias="__typename")
    code: ErrorCode
    message: str
    left: int
    resets_at: datetime = Field(alias="resetsAt")


class ConsumeConsumeErrorsDailyCapReachedError(BaseModel):
    typename__: Literal["DailyCapReachedError"] = Field(alias="__typename")
    code: ErrorCode
    message: str
    resets_at: datetime = Field(alias="resetsAt")


class ConsumeConsumeErrorsInsufficientCreditsError(BaseModel):
    typename__: Literal["InsufficientCreditsError"] = Field(alias="__typename")
    code: ErrorCode
    message: str
    available_credits: int = Field(alias="availableCredits")
    required_credits: int = Field(alias="requiredCredits")


class ConsumeConsumeErrorsPricingMatrixMismatchError(BaseModel):
    typename__: Literal["PricingMatrixMismatchError"] = Field(alias="__typename")
    code: ErrorCode
    message: str
    actual_credits: int = Field(alias="actualCredits")


Consume.model_rebuild()
ConsumeConsume.model_rebuild()
