"""One file per section of a report: TITLE, ORDER, render(run) and optional flags (reports.page.Section).

Its rule: a section is discovered, never registered, and needs only its one argument (reports.run_data.RunData). An
ORDER below 100 is for what a report must answer at once; sections from 100 on hold the details and are folded.
"""
