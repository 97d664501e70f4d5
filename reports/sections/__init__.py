"""One file per section: TITLE, ORDER and render(run); HALF_WIDTH = True where half the page's width is enough, HINT as what
stands beside a folded one's title.

Its rule: a section is found, never registered, and gets everything from its one argument (reports.run_data.RunData).
Below 100 stands what a report must answer at once (method.md §7), from 100 on what it rests on, folded.
"""
