"""Which payment providers a process has: their accounts from the environment, and the gateways made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.subscriptions import BillingInterval
from gateways.accounts import (
    CASHFREE_PAYOUTS_URLS,
    CASHFREE_URLS,
    PLACEHOLDER_PHONE,
    POLAR_URLS,
    STRIPE_URL,
    CashfreeAccount,
    CashfreePayoutsAccount,
    GatewayAccounts,
    PolarAccount,
    StripeAccount,
)
from gateways.base import Gateway
from gateways.cashfree import CashfreeGateway
from gateways.cashfree_payouts import CashfreePayouts
from gateways.payouts import PayoutGateway
from gateways.polar import PolarGateway
from gateways.simulated import SimulatedGateway

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.config import Config

    from runtime.settings import Settings

RETURN_PATH = "/checkout/return"
CASHFREE_PATH = "/checkout/cashfree"


def read_accounts(config: Config, public_url: str) -> GatewayAccounts:
    """Read COFFER_CASHFREE_*, COFFER_STRIPE_* and COFFER_POLAR_*. ValueError says which value can't be used."""
    payouts = _cashfree_payouts(config)
    return_url = config("RETURN_URL", default=public_url + RETURN_PATH)
    cashfree = _cashfree(config, public_url, return_url)
    stripe, polar = _stripe(config, return_url), _polar(config, return_url)
    # Play money beside real money would be credits for nothing, so it has to be asked for.
    is_alone = not (cashfree or stripe or polar or payouts)
    has_simulated = config("SIMULATED", cast=bool, default=is_alone)
    return GatewayAccounts(cashfree, stripe, polar, has_simulated, payouts)


def open_gateways(settings: Settings) -> dict[str, Gateway]:
    """Make the gateways of the accounts; the first one is the default."""
    accounts, gateways = settings.accounts, list[Gateway]()
    if accounts.cashfree:
        gateways.append(CashfreeGateway(accounts.cashfree))
    if accounts.stripe:
        from gateways.stripe import StripeGateway  # noqa: PLC0415 - its library takes a second to load

        gateways.append(StripeGateway(accounts.stripe))
    if accounts.polar:
        gateways.append(PolarGateway(accounts.polar))
    if accounts.has_simulated:
        gateways.append(SimulatedGateway(settings.public_url, [settings.simulated_secret]))
    return {gateway.name: gateway for gateway in gateways}


def open_payers(settings: Settings, gateways: Mapping[str, Gateway]) -> dict[str, PayoutGateway]:
    """Make the gateways that send money, the default first; the simulated provider is the one that takes it."""
    payers = list[PayoutGateway]()
    if settings.accounts.cashfree_payouts:
        payers.append(CashfreePayouts(settings.accounts.cashfree_payouts))
    payers += [gateway for gateway in gateways.values() if isinstance(gateway, SimulatedGateway)]
    return {payer.name: payer for payer in payers}


def _cashfree_payouts(config: Config) -> CashfreePayoutsAccount | None:
    values = _required(config, "CASHFREE_PAYOUTS", ("CLIENT_ID", "CLIENT_SECRET"))
    if values is None:
        return None
    return CashfreePayoutsAccount(
        client_id=values["CLIENT_ID"],
        secrets=_secrets(config, values["CLIENT_SECRET"], "CASHFREE_PAYOUTS_PREVIOUS_CLIENT_SECRET"),
        base_url=_environment(config, "CASHFREE_PAYOUTS", CASHFREE_PAYOUTS_URLS)[1],
    )


def _cashfree(config: Config, public_url: str, return_url: str) -> CashfreeAccount | None:
    values = _required(config, "CASHFREE", ("CLIENT_ID", "CLIENT_SECRET"))
    if values is None:
        return None
    environment, base_url = _environment(config, "CASHFREE", CASHFREE_URLS)
    return CashfreeAccount(
        client_id=values["CLIENT_ID"],
        secrets=_secrets(config, values["CLIENT_SECRET"], "CASHFREE_PREVIOUS_CLIENT_SECRET"),
        base_url=base_url,
        environment=environment,
        checkout_url=public_url + CASHFREE_PATH,
        return_url=return_url,
        webhook_url=f"{public_url}/webhooks/cashfree",
        customer_phone=config("CASHFREE_CUSTOMER_PHONE", default=PLACEHOLDER_PHONE),
    )


def _stripe(config: Config, return_url: str) -> StripeAccount | None:
    values = _required(config, "STRIPE", ("SECRET_KEY", "WEBHOOK_SECRET"))
    if values is None:
        return None
    return StripeAccount(
        secret_key=values["SECRET_KEY"],
        secrets=_secrets(config, values["WEBHOOK_SECRET"], "STRIPE_PREVIOUS_WEBHOOK_SECRET"),
        base_url=config("STRIPE_URL", default=STRIPE_URL),
        return_url=return_url,
    )


def _polar(config: Config, return_url: str) -> PolarAccount | None:
    values = _required(config, "POLAR", ("ACCESS_TOKEN", "WEBHOOK_SECRET", "PRODUCT_ID"))
    if values is None:
        return None
    products = [(one, config(f"POLAR_{one.name}_PRODUCT_ID", default="").strip()) for one in BillingInterval]
    return PolarAccount(
        access_token=values["ACCESS_TOKEN"],
        secrets=_secrets(config, values["WEBHOOK_SECRET"], "POLAR_PREVIOUS_WEBHOOK_SECRET"),
        base_url=_environment(config, "POLAR", POLAR_URLS)[1],
        product_id=values["PRODUCT_ID"],
        return_url=return_url,
        charges_saved=config("POLAR_OFF_SESSION", cast=bool, default=False),
        subscription_products={interval: product for interval, product in products if product},
    )


def _required(config: Config, provider: str, names: tuple[str, ...]) -> dict[str, str] | None:
    """All the values that a provider can't do without, or None when there is not one of them."""
    values = {name: config(f"{provider}_{name}", default="").strip() for name in names}
    missing = [f"COFFER_{provider}_{name}" for name, value in values.items() if not value]
    if len(missing) == len(names):
        return None
    if missing:
        raise ValueError(f"Set {' and '.join(missing)} too, or unset the other COFFER_{provider}_ settings.")
    return values


def _environment(config: Config, provider: str, urls: Mapping[str, str]) -> tuple[str, str]:
    """The chosen environment and its address, which COFFER_<provider>_URL replaces by a stand-in's."""
    environment = config(f"{provider}_ENVIRONMENT", default="sandbox")
    if environment not in urls:
        raise ValueError(f"COFFER_{provider}_ENVIRONMENT is {' or '.join(urls)}.")
    return environment, config(f"{provider}_URL", default=urls[environment])


def _secrets(config: Config, current: str, previous_name: str) -> tuple[str, ...]:
    previous = config(previous_name, default="").strip()
    return (current, previous) if previous else (current,)
