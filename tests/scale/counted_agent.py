"""python -m tests.scale.counted_agent ROOT: a real agent, whose connections are counted.

Its rule: as an agent it imports no gevent; it says its port, and for each line of its input what was counted so far.
"""

import json
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path

from profiles.agent_access import Access, Address
from profiles.agent_deeds import Agent, leased
from profiles.agent_http import POLL_S
from profiles.lease import Leases
from tests.scale.agents import TOKEN, CountedServer


def main(root: Path) -> None:
    agent, counted = Agent(root), Counter[str]()
    leases = Leases(agent.end_all)
    server = CountedServer(Access(Address("127.0.0.1", 0), TOKEN), leased(agent, leases), leases.expire)
    server.counted = counted
    threading.Thread(target=partial(server.serve_forever, POLL_S), daemon=True).start()
    print(json.dumps(server.port), flush=True)
    for _ in sys.stdin:
        print(json.dumps(counted), flush=True)
    agent.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
