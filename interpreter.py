"""How this project starts Python: this interpreter, without what the user's environment sets for any other.

Its rule: every process of ours starts with -E (python(1)). PYTHONOPTIMIZE would take away what argparse and altair
read, PYTHONSAFEPATH this project, and PYTHONTRACEMALLOC would be measured. The variables stay, since a server of
the user's own may need them.
"""

import sys

PYTHON = (sys.executable, "-E")
