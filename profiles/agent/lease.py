"""Who may use an agent that listens: one load at a time, for as long as it keeps sending requests.

Its rule: a load that goes away, however it goes, leaves nothing running. After LEASE_S without a request its servers
and recordings are ended, as if it had released its lease. A lease that the agent does not know, because it expired or
because the agent was restarted, is refused, so that no cell is ever measured over such a gap.
"""

import contextlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator

from errors import UserError

LEASE_S = 20.0


class LeaseLostError(UserError):
    """The lease of a request is not the current one."""


class AgentBusyError(UserError):
    """Another load holds the lease."""


class Leases:
    """The current lease, if any. end: ends whatever runs under it. Used by one thread at a time."""

    def __init__(self, end: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._end = end
        self._clock = clock
        self._lease = ""
        self._holder = ""
        self._heard_s = 0.0

    def acquire(self, load: str, previous: str) -> str:
        """A new lease for the load of this name; nothing runs when it begins. previous: the lease that it had, or "".

        Raises AgentBusyError while another load holds one.
        """
        self.expire()
        if self._lease and not hmac.compare_digest(self._lease.encode(), previous.encode()):
            raise AgentBusyError(
                f"the agent works for the load on {self._holder}: wait until that is done, or for {LEASE_S:.0f} s if "
                f"it was killed"
            )
        self._end()
        self._lease, self._holder, self._heard_s = secrets.token_urlsafe(16), load, self._clock()
        return self._lease

    @contextlib.contextmanager
    def held(self, given: str) -> Iterator[None]:
        """Keep the lease from expiring while a request is handled, and renew it at its end, also if it failed.

        Raises LeaseLostError.
        """
        self._renew(given)
        try:
            yield
        finally:
            self._heard_s = self._clock()

    def _renew(self, given: str) -> None:
        self.expire()
        if not self._lease or not hmac.compare_digest(self._lease.encode(), given.encode()):
            raise LeaseLostError(
                f"the agent does not know this lease: it was restarted, or received no request for {LEASE_S:.0f} s and "
                f"ended the servers"
            )
        self._heard_s = self._clock()

    def release(self, given: str) -> None:
        """The load is done. Raises LeaseLostError."""
        self._renew(given)
        self._lease = ""
        self._end()

    def expire(self) -> None:
        """End what runs for a load that sent no request for too long; called a few times a second."""
        if self._lease and self._clock() - self._heard_s > LEASE_S:
            self._lease = ""
            self._end()
