"""What the users of one target saw: bytes as they arrive, downloads, failures, latencies.

Its rule: bytes count the moment they arrive.
"""

from collections import Counter

from hdrh.histogram import HdrHistogram

from reports.analysis.latency import DIGITS, HIGHEST_US, LOWEST_US

MOST_REASONS = 20


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

    def add_failure(self, reason: str) -> None:
        """reason: in words. Beyond MOST_REASONS different ones the others are counted together."""
        known = reason in self.failure_names or len(self.failure_names) < MOST_REASONS
        self.failure_names[reason if known else "other reasons"] += 1

    @property
    def failures(self) -> int:
        return self.failure_names.total()
