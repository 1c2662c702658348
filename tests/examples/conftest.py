"""The server that the examples talk to is that of the API's tests."""

from tests.api.conftest import api

__all__ = ["api"]
