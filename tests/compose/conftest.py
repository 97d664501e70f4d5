"""Says in plain sight what `make test` leaves to `make test-compose`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr") == "engine":
        return
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker(
                pytest.mark.skip(reason="builds an image and starts an engine: `make test-compose` runs it")
            )
