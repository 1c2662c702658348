"""The declarative base: naming of constraints and the columns' types."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, SmallInteger, Text, TypeDecorator, Uuid, func
from sqlalchemy.orm import DeclarativeBase, mapped_column

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class Base(DeclarativeBase):
    """All tables; every public class below is one."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
    }


EnumT = TypeVar("EnumT", bound=IntEnum)


class SmallEnum(TypeDecorator[EnumT]):
    """An enum of the domain, stored as its number in two bytes."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, enum: type[EnumT]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: EnumT | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Send the number."""
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> EnumT | None:  # noqa: ANN401, ARG002 - its signature too
        """Read the member."""
        return None if value is None else self.enum(value)


CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
