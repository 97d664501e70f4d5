"""The loss of an agent or a worker during a cell.

Its rule: such a cell is void. Only the reason is kept, and its round may be repeated (load/campaign/campaign.py).
"""

from errors import UserError


class PeerLostError(UserError):
    """An agent on another host, the network to it, or a worker was lost."""
