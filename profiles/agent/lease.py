"""Who may use an agent that listens: one load at a time, for as long as it is heard of.

Its rule: a load that goes away, however it goes, leaves nothing running. When nothing was heard of it for LEASE_S, its
servers and recordings are ended, as if it had said goodbye; and a lease that the agent does not know, because it ran
out or because the agent was started anew, is refused, so that no cell is ever measured over such a gap.
"""

import contextlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator

from errors import UserError

LEASE_S = 20.0


class LeaseLostError(UserError):
    """The lease of a request is not the one in force."""


class AgentBusyError(UserError):
    """Another load holds the lease."""


class Leases:
    """The lease in force, if any. end: ends whatever runs for it. Used by one thread at a time."""

    def __init__(self, end: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._end = end
        self._clock = clock
        self._lease = ""
        self._holder = ""
        self._heard_s = 0.0

    def take(self, load: str, previous: str) -> str:
        """A new lease for the load of this name; nothing runs when it begins. previous: what it held, if anything.

        Raises AgentBusyError while another load holds one.
        """
        self.expire()
        if self._lease and not hmac.compare_digest(self._lease.encode(), previous.encode()):
            raise AgentBusyError(
                f"the agent works for the load on {self._holder}: wait until that is done, or {LEASE_S:.0f} s after "
                f"it went"
            )
        self._end()
        self._lease, self._holder, self._heard_s = secrets.token_urlsafe(16), load, self._clock()
        return self._lease

    @contextlib.contextmanager
    def held(self, given: str) -> Iterator[None]:
        """For as long as something is done under a lease, it does not run out, also when it fails in the end.

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
                f"the agent knows no such lease: it was started anew, or heard nothing for {LEASE_S:.0f} s and ended "
                f"the servers"
            )
        self._heard_s = self._clock()

    def release(self, given: str) -> None:
        """The load is done. Raises LeaseLostError."""
        self._renew(given)
        self._lease = ""
        self._end()

    def expire(self) -> None:
        """End what runs for a load that was not heard of for too long; to be called now and then."""
        if self._lease and self._clock() - self._heard_s > LEASE_S:
            self._lease = ""
            self._end()
