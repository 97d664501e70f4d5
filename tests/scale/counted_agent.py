"""python -m tests.scale.counted_agent ROOT: a real agent, whose connections are counted.

Its rule: as an agent it imports no gevent; it says its port, and for each line of its input what was counted so far.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from profiles.agent.service import Agent
from tests.scale.agents import say_what_was_counted, serve


def main(root: Path) -> None:
    agent, counted = Agent(root), Counter[str]()
    print(json.dumps(serve(agent, agent.end_all, counted).port), flush=True)
    say_what_was_counted(counted)
    agent.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
