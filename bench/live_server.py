"""The real server process on given databases, without the demo project."""

from __future__ import annotations

import sys

import uvloop

from runtime.serving import serve
from runtime.settings import read_settings
from runtime.telemetry import configure_logs

if __name__ == "__main__":
    configure_logs()
    uvloop.run(serve(read_settings(), sys.argv[1], sys.argv[2]))
