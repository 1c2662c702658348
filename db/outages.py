"""Telling a database that is not there from one that refuses."""

from __future__ import annotations

from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

CONNECTION_FAULTS: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg says when the connection is cut in the middle of one of its own exchanges.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)


def is_outage(fault: BaseException) -> bool:
    """Whether the database was not there, so that the same may work a moment later."""
    if isinstance(fault, DBAPIError):
        # SQLAlchemy wraps its own wrapping of the driver's fault.
        return fault.connection_invalidated or isinstance(fault.orig and fault.orig.__cause__, CONNECTION_FAULTS)
    return isinstance(fault, (*CONNECTION_FAULTS, PoolTimeoutError))
