"""python -m profiles.contract MODE CHECK FOLDER SECONDS: one check in a process of its own, which may crash or hang.

Prints what is wrong as JSON: one line, or null. Where it hangs, it ends by itself, with its stacks on stderr.
"""

import faulthandler
import json
import sys
from pathlib import Path

from errors import UserError
from profiles.contract.checks import CHECKS
from profiles.contract.subject import BrokenContractError, Subject
from servers import discovery


def main(name: str, check: str, folder: Path) -> str | None:
    try:
        facts, send_file = discovery.import_mode(name)
        CHECKS[check].run(Subject(name, facts, send_file, folder))
    except (BrokenContractError, UserError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # whatever its author wrote: that is what is reported
        return discovery.describe(error, name)
    return None


if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.dump_traceback_later(float(sys.argv[4]), exit=True)
    print("\n" + json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
