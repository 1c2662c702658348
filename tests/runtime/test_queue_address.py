"""The address of the queue in the settings."""

from __future__ import annotations

import pytest

from runtime.settings import read_settings


def test_an_address_that_is_not_rabbitmqs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """COFFER_QUEUE_URL has to be an amqp:// or amqps:// address."""
    monkeypatch.setenv("COFFER_QUEUE_URL", "redis://127.0.0.1")
    with pytest.raises(ValueError, match="COFFER_QUEUE_URL is the address of a RabbitMQ"):
        read_settings()
