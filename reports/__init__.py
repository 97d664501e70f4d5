"""Reports: what follows from a profile. Statistics, verdicts, pages; never a measurement.

The theory. Everything here is computed from the folder of one run and from nothing else, so that a report can be
made again years later, on another machine, after a mode was deleted. The data flows through the room once:

    profiles.store.records ─▶ measured ─▶ gates, paired ─▶ verdict ─▶ data.RunData ─▶ sections ─▶ page
      what was stored    complete      is it valid,    the          all of it     one file     one HTML
                         rounds        how large       sentences    together      each         file

- `measured`, `paired`, `gates` and `verdict` are pure: records in, results out, no file, no clock, no text style.
- A value that is None was not known. It stays unknown all the way to the page: never zero, never "ok".
- A section is found, never registered: a file in `sections/` with TITLE, ORDER and render(run) is on the page.
- `students` shows the same run as a lesson, on a page beside the report that asks before it answers.
- What takes more than one run, or leaves the page, is in `decisions/`: comparisons, gates, the list of runs, exports.
- Names come from outside, so every template escapes, and the page may load nothing from anywhere.

Imports of the project: `profiles.store.records`, `profiles.store.run_folder`, `errors`, `units`.
"""
