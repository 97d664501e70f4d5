"""What the users of one target saw: bytes as they arrive, downloads, failures, latencies.

Its rule: bytes count the moment they arrive.
"""

from collections import Counter

from hdrh.histogram import HdrHistogram

from reports.analysis.latency import DIGITS, HIGHEST_US, LOWEST_US


class Meter:
    """Failures and latencies count since the last reset; received_bytes and downloads are never reset."""

    def __init__(self) -> None:
        self.received_bytes = 0
        self.downloads = 0
        self.reset()

    def reset(self) -> None:
        self.failure_names: Counter[str] = Counter()
        self.latency_us = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)

    def add_bytes(self, received_bytes: int) -> None:
        self.received_bytes += received_bytes

    def add_download(self, latency_s: float) -> None:
        self.downloads += 1
        self.latency_us.record_value(min(max(round(latency_s * 1e6), LOWEST_US), HIGHEST_US))

    def add_failure(self, name: str) -> None:
        self.failure_names[name] += 1

    @property
    def failures(self) -> int:
        return self.failure_names.total()
