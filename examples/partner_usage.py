"""Last month's usage by member and feature as CSV, with days of India. A viewer's key will do.

.venv/bin/python examples/partner_usage.py KEY [URL] > last-month.csv

What goes wrong is said on standard error, with the exit code 1; a file that was cut off is said too.
"""

import signal
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx


def last_month(key: str, url: str = "http://127.0.0.1:8000") -> None:
    """Print the file as it comes."""
    end = datetime.now(ZoneInfo("Asia/Kolkata")).date().replace(day=1) - timedelta(days=1)
    words = {"group_by": ["member", "feature"], "from": str(end.replace(day=1)), "to": str(end)}
    headers = {"authorization": f"Bearer {key}"}
    with httpx.stream("GET", f"{url}/export/usage.csv", params=words, headers=headers, trust_env=False) as answer:
        if answer.is_error:
            sys.exit(f"{answer.status_code} {answer.read().decode()}")
        for text in answer.iter_text():
            sys.stdout.write(text)


if __name__ == "__main__":
    # A reader that leaves, such as head, is no fault.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if not 1 <= len(sys.argv[1:]) <= 2:
        sys.exit(__doc__)
    try:
        last_month(*sys.argv[1:])
    except httpx.TransportError as fault:
        sys.exit(f"The file is not whole: {fault}")
