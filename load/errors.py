"""The loss of an agent or a worker during a round.

Its rule: such a round is void. Only the reason is kept, and it may be repeated (load/campaign/campaign.py).
"""

from errors import UserError


class PeerLostError(UserError):
    """An agent on another host, the network to it, or a worker was lost."""
