"""How a download fails: one class for each way, counted by its name."""


class DownloadError(Exception):
    """A download that failed. Its text says why; kind says the same of every failure of its class."""

    kind = "the download failed"

    @property
    def reason(self) -> str:
        """As statistics count it: what failed and why, without figures that differ from download to download."""
        return f"{self.kind}: {self}"


class ConnectError(DownloadError):
    """No connection could be made."""

    kind = "no connection"


class WrongStatusError(DownloadError):
    """The status was not 200."""

    @property
    def reason(self) -> str:
        return str(self)


class WrongLengthError(DownloadError):
    """The Content-Length is missing, or not the file's."""

    kind = "wrong length"


class EncodedError(DownloadError):
    """The body is compressed, so its bytes are not the file's."""

    kind = "not the file's bytes"


class ShortBodyError(DownloadError):
    """The connection ended before the body did."""

    @property
    def reason(self) -> str:
        return "the connection ended before the body did"


class ConnectionLostError(DownloadError):
    """The connection was reset."""

    kind = "connection lost"


class TimedOutError(DownloadError):
    """Nothing arrived for longer than the time-out."""

    kind = "timed out"


class BadHeadError(DownloadError):
    """The answer does not begin with an HTTP response head."""

    kind = "no HTTP answer"
