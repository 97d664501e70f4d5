"""Says in plain sight what a plain `pytest` leaves to `make test-all`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr"):
        return
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.skip(reason="builds an image and starts an engine: `make test-all` runs it"))
