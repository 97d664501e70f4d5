"""Reads OpenMetrics text with Prometheus's own parser, which refuses what the standard does."""

from typing import Any

from prometheus_client.openmetrics import parser

_PARSER: Any = parser  # without types
Values = dict[tuple[str, str], float]


def parsed(text: str) -> Values:
    """Each value by the name of its sample and the process that it is of; "" where it has no label."""
    found: Values = {}
    for family in _PARSER.text_string_to_metric_families(text):
        assert family.documentation and family.name.endswith(family.unit)
        for sample in family.samples:
            found[sample.name, sample.labels.get("process", "")] = sample.value
    return found
