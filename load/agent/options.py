"""The address of an agent on another host, and how to log in to it. Mistakes are found before anything starts."""

import ssl
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import knobs
from errors import UsageError, UserError
from profiles.agent.access import Address, client_context, parse_address, read_token

AGENT_KNOBS = tuple(knobs.KNOBS[name] for name in ("AGENT", "AGENT_TOKEN_FILE", "AGENT_CA"))


def given_options(options: Namespace) -> list[str]:
    values = {knob.option: getattr(options, knob.attribute, None) for knob in AGENT_KNOBS}
    return [word for option, value in values.items() if value for word in (option, value)]


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """tls: whom to trust; None for no TLS."""

    address: Address
    token: str
    tls: ssl.SSLContext | None

    @classmethod
    def read(cls, address: str | None, token_file: str | None, authority: str | None) -> "AgentOptions | None":
        """None without an address. authority: a PEM file, or "system". Raises UserError for an address, a token or a
        certificate that cannot be used."""
        if not address:
            if token_file or authority:
                raise UsageError("AGENT_TOKEN_FILE and AGENT_CA go with AGENT=HOST:PORT")
            return None
        where = parse_address(address)
        if not token_file:
            raise UserError(f"the agent at {where} needs a token: give AGENT_TOKEN_FILE=file (--agent-token-file)")
        return cls(where, read_token(Path(token_file)), client_context(authority) if authority else None)
