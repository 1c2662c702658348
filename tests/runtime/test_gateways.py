"""Which payment providers the environment gives a process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from starlette.config import Config

from runtime.gateways import open_gateways, open_payers, read_accounts
from tests.builders import settings_for

if TYPE_CHECKING:
    from gateways.accounts import GatewayAccounts

PUBLIC = "https://pay.example.test"
CASHFREE = {"CASHFREE_CLIENT_ID": "app-1", "CASHFREE_CLIENT_SECRET": "cf-secret"}
PAYOUTS = {"CASHFREE_PAYOUTS_CLIENT_ID": "app-2", "CASHFREE_PAYOUTS_CLIENT_SECRET": "cf-secret"}
STRIPE = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
POLAR = {"POLAR_ACCESS_TOKEN": "polar_oat_1", "POLAR_WEBHOOK_SECRET": "polar_whs_1", "POLAR_PRODUCT_ID": "0b0e"}


def read(**environment: str) -> GatewayAccounts:
    """The accounts of an environment, without its prefix."""
    named = {f"COFFER_{name}": value for name, value in environment.items()}
    return read_accounts(Config(environ=named, env_prefix="COFFER_"), PUBLIC)


async def names(accounts: GatewayAccounts) -> list[str]:
    """The gateways that are made of accounts."""
    opened = open_gateways(settings_for(8000, accounts=accounts))
    for gateway in opened.values():
        await gateway.close()
    return list(opened)


async def test_without_accounts_there_is_the_simulated_provider() -> None:
    """A first start can sell credits, for play money."""
    assert await names(read()) == ["simulated"]


async def test_real_providers_stand_alone() -> None:
    """As soon as one provider is real, play money buys nothing, unless it is asked for."""
    assert await names(read(**CASHFREE, **STRIPE, **POLAR)) == ["cashfree", "stripe", "polar"]
    assert await names(read(**CASHFREE, SIMULATED="true")) == ["cashfree", "simulated"]


def test_an_account_of_cashfree_is_read() -> None:
    """The sandbox by default; our own pages and webhook address are made of the public address."""
    account = read(**CASHFREE).cashfree
    assert account is not None
    assert account.base_url == "https://sandbox.cashfree.com/pg"
    assert (account.environment, account.secrets) == ("sandbox", ("cf-secret",))
    assert account.webhook_url == f"{PUBLIC}/webhooks/cashfree"
    assert (account.checkout_url, account.return_url) == (f"{PUBLIC}/checkout/cashfree", f"{PUBLIC}/checkout/return")


async def test_payouts_have_an_account_of_their_own() -> None:
    """With one, real money goes out, so play money is off; the simulated provider pays out as well."""
    accounts = read(**PAYOUTS)
    assert accounts.cashfree_payouts is not None
    assert accounts.cashfree_payouts.base_url == "https://sandbox.cashfree.com/payout"
    both = settings_for(8000, accounts=replace(accounts, has_simulated=True))
    payers = open_payers(both, open_gateways(both))
    for payer in payers.values():
        await payer.close()
    assert (accounts.has_simulated, list(payers)) == (False, ["cashfree-payouts", "simulated"])


def test_production_and_previous_secrets_are_read() -> None:
    """Each provider takes a previous secret, and its environment where it has two."""
    previous = {f"{name}_SECRET": "old" for name in ("STRIPE_PREVIOUS_WEBHOOK", "POLAR_PREVIOUS_WEBHOOK")}
    previous |= {"CASHFREE_PREVIOUS_CLIENT_SECRET": "old", "CASHFREE_ENVIRONMENT": "production"}
    accounts = read(
        **CASHFREE, **STRIPE, **POLAR, **previous, POLAR_ENVIRONMENT="production", RETURN_URL="https://a.test"
    )
    assert accounts.cashfree is not None
    assert accounts.stripe is not None
    assert accounts.polar is not None
    assert (accounts.cashfree.base_url, accounts.polar.base_url) == (
        ("https://api.cashfree.com/pg", "https://api.polar.sh")
    )
    found = (accounts.cashfree.secrets, accounts.stripe.secrets, accounts.polar.secrets)
    assert found == (("cf-secret", "old"), ("whsec_1", "old"), ("polar_whs_1", "old"))
    assert {accounts.cashfree.return_url, accounts.stripe.return_url} == {"https://a.test"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"CASHFREE_CLIENT_ID": "app-1"}, "COFFER_CASHFREE_CLIENT_SECRET"),
        ({"STRIPE_SECRET_KEY": "sk_1", "STRIPE_WEBHOOK_SECRET": " "}, "COFFER_STRIPE_WEBHOOK_SECRET"),
        ({"POLAR_PRODUCT_ID": "0b0e"}, "COFFER_POLAR_ACCESS_TOKEN and COFFER_POLAR_WEBHOOK_SECRET"),
        ({**CASHFREE, "CASHFREE_ENVIRONMENT": "prod"}, "sandbox or production"),
    ],
)
def test_half_an_account_is_refused(environment: dict[str, str], message: str) -> None:
    """A provider without its secrets would be a hole, so the process does not start and says what is missing."""
    with pytest.raises(ValueError, match=message):
        read(**environment)


def test_accounts_show_no_secret() -> None:
    """What is printed or logged of an account has none of its secrets."""
    shown = repr(read(**CASHFREE, **STRIPE, **POLAR))
    assert [
        secret for secret in ("cf-secret", "sk_live_1", "whsec_1", "polar_oat_1", "polar_whs_1") if secret in shown
    ] == []
