"""What becomes of a cell when somebody that it needs goes away.

Its rule: such a cell is void. Nothing of it is kept but the reason, and its round may be run again (load/campaign/campaign.py).
"""

from errors import UserError


class PeerLostError(UserError):
    """An agent on another host, the network to it, or a worker was lost."""
