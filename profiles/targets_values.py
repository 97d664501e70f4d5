"""What the values of targets.toml mean, one by one.

Its rule: a value that means nothing is a ConfigError, which says what to give instead.
"""

import ipaddress
import re
import shlex
import signal

from errors import UsageError
from units import parse_size

_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>\d{1,5})")


class ConfigError(Exception):  # noqa: N818  # it becomes a line of a UsageError
    """What is wrong, and under which key of a table."""

    def __init__(self, key: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.key = key


def address(text: str) -> tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise ConfigError(("address",), f'address {text!r}: give host:port, like "127.0.0.1:8200" or "[::1]:8200"')
    if found["v6"]:
        try:
            ipaddress.IPv6Address(found["v6"])
        except ValueError as error:
            raise ConfigError(("address",), f"address {text!r}: {found['v6']} is no IPv6 address") from error
    return found["v6"] or found["host"], int(found["port"])


def parse_command(key: str, given: str | list[str] | None) -> tuple[str, ...]:
    """A command as words; a string is split as a shell would, and no shell runs it."""
    try:
        found = tuple(shlex.split(given) if isinstance(given, str) else given or ())
    except ValueError as error:
        raise ConfigError((key,), f"{key}: {error}: close the quotation, or give a list of words") from error
    if given is not None and (not found or not found[0] or any("\0" in word for word in found)):
        raise ConfigError((key,), f'{key} is empty: give a program and its arguments, like ["nginx", "-c", "…"]')
    return found


def stop(given: str | list[str] | None) -> int | tuple[str, ...]:
    if given is None:
        return signal.SIGTERM
    if isinstance(given, str) and given.startswith("SIG"):
        if given not in signal.Signals.__members__:
            raise ConfigError(("stop",), f"stop: there is no signal {given}: SIGTERM, SIGINT or SIGQUIT is usual")
        return signal.Signals[given]
    return parse_command("stop", given)


def size(given: int | str | None) -> int | None:
    try:
        size_bytes = parse_size(given) if isinstance(given, str) else given
    except UsageError as error:
        raise ConfigError(("size",), f"size: {error}") from error
    if size_bytes is not None and size_bytes < 1:
        raise ConfigError(("size",), f"size = {size_bytes}: give bytes, or a size like 256MiB")
    return size_bytes
