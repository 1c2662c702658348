"""How long providers' messages are kept."""

from __future__ import annotations

import pytest

from runtime.settings import read_settings


def test_messages_are_kept_as_long_as_they_may_be_delivered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than 90 days is refused with a sentence that says why."""
    monkeypatch.setenv("COFFER_SIMULATED_SECRET", "whsec_1")
    monkeypatch.setenv("COFFER_WEBHOOK_RETENTION_DAYS", "89")
    with pytest.raises(ValueError, match="90 or more"):
        read_settings()
