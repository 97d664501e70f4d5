"""Where an agent listens, and what it takes to talk to it.

Its rule: what cannot work is found here, before anything is started.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from errors import UsageError, UserError
from profiles.agent_access import Address, client_context, parse_address, read_token


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """tls: whom to trust, None to speak in the clear."""

    address: Address
    token: str
    tls: ssl.SSLContext | None

    @classmethod
    def read(cls, address: str | None, token_file: str | None, authority: str | None) -> "AgentOptions | None":
        """None without an address. authority: a PEM file, or "system". Raises UserError for what is no address, no
        token or no certificate."""
        if not address:
            if token_file or authority:
                raise UsageError("AGENT_TOKEN_FILE and AGENT_CA go with AGENT=HOST:PORT")
            return None
        where = parse_address(address)
        if not token_file:
            raise UserError(f"the agent at {where} wants a token: give AGENT_TOKEN_FILE=file (--agent-token-file)")
        return cls(where, read_token(Path(token_file)), client_context(authority) if authority else None)
