"""Reports: what follows from a profile. Statistics, verdicts, pages; never a measurement.

Everything here is computed from the folder of one run and from nothing else, so that a report can be made again years
later, on another machine, after a mode was deleted. The data flows through the room once:

    profiles.store.records ─▶ analysis.rounds ─▶ analysis.verdict ─▶ run_data.RunData ─▶ sections ─▶ page
      what was stored           complete rounds    the sentences       all of it           one file    one HTML
                                                                       together            each        file

- `analysis` is pure: records in, results out, no file, no clock, no text style.
- A value that is None was not known. It stays unknown all the way to the page: never zero, never "ok".
- A section is found, never registered: a file in `sections/` with TITLE, ORDER and render(run) is on the page.
- `students` shows the same run as a lesson, on a page beside the report that asks before it answers.
- What takes more than one run is in `comparison` and `history`; what leaves the page is in `export`.
- Names come from outside, so every template escapes, and the page may load nothing from anywhere.
"""

import os

if os.path.expanduser("~") == "~":  # noqa: PTH111 - a user without an entry in passwd; altair insists on a home
    os.environ["HOME"] = "/nonexistent"
