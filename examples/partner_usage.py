"""Last month's usage by member and feature as CSV: examples/partner_usage.py KEY [URL]. A viewer's key will do."""

import sys
from datetime import UTC, datetime, timedelta

import httpx


def last_month(key: str, url: str = "http://127.0.0.1:8000") -> None:
    """Print the file as it comes."""
    end = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    words = {"group_by": ["member", "feature"], "from": str(end.replace(day=1)), "to": str(end)}
    headers = {"authorization": f"Bearer {key}"}
    with httpx.stream("GET", f"{url}/export/usage.csv", params=words, headers=headers, trust_env=False) as answer:
        answer.raise_for_status()
        for text in answer.iter_text():
            sys.stdout.write(text)


last_month(*sys.argv[1:])
