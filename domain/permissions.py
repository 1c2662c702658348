"""Who may do what: the one role matrix that every act asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from domain.errors import AccessDenied


class Role(IntEnum):
    """What an API key may do in its project; each role can do all that the next one can."""

    OWNER = 1
    """Everything, keys and the money books included."""
    ADMIN = 2
    """Everything but keys and the money books."""
    MEMBER = 3
    """Spends, buys and reads."""
    VIEWER = 4
    """Reads."""


class Permission(StrEnum):
    """One kind of act."""

    READ = "read"
    SPEND = "spend"
    PURCHASE = "purchase"
    MANAGE_WALLETS = "manage wallets"
    GRANT = "grant credits"
    MOVE = "move credits between wallets"
    PAY_OUT = "hold and pay out payouts"
    REFUND = "refund purchases"
    PUBLISH_PRICES = "publish prices"
    ANALYSE = "see margins and payment figures"
    REVIEW_FRAUD = "review purchases that were stopped"
    OPERATE = "see and replay jobs"
    MANAGE_KEYS = "manage API keys"
    READ_BOOKS = "read the money books"
    SET_SELLER = "set who its invoices are from"


_VIEWER: Final = frozenset({Permission.READ})
_MEMBER: Final = _VIEWER | {Permission.SPEND, Permission.PURCHASE}
_ADMIN: Final = _MEMBER | {
    Permission.MANAGE_WALLETS,
    Permission.GRANT,
    Permission.MOVE,
    Permission.PAY_OUT,
    Permission.REFUND,
    Permission.PUBLISH_PRICES,
    Permission.ANALYSE,
    Permission.REVIEW_FRAUD,
    Permission.OPERATE,
}

ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _ADMIN | {Permission.MANAGE_KEYS, Permission.READ_BOOKS, Permission.SET_SELLER},
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is calling: a key (or token) of one project, with its role."""

    project_id: int
    role: Role
    api_key_id: int | None = None

    def require(self, permission: Permission) -> None:
        """Raise AccessDenied (FORBIDDEN) unless the actor's role has the permission."""
        if permission not in ROLE_PERMISSIONS[self.role]:
            role = self.role.name.lower()
            raise AccessDenied("FORBIDDEN", f"The role {role} may not {permission}: use a key with a higher role.")
