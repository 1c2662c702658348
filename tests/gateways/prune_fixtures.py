"""Cuts Stripe's official example objects down to those that our stand-in answers with: a command, not a test.

python tests/gateways/prune_fixtures.py path/to/the/official/fixtures.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

KEPT = ("checkout.session", "payment_intent", "refund", "event", "dispute", "charge", "invoice", "subscription")


def main() -> None:
    """Write descriptions/stripe.json."""
    resources = json.loads(Path(sys.argv[1]).read_text())["resources"]
    text = json.dumps({name: resources[name] for name in KEPT}, indent=1, ensure_ascii=False)
    (Path(__file__).parent / "descriptions" / "stripe.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
