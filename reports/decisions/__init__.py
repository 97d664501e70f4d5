"""Decisions: what people do with runs once they are measured. Keep them, compare them, gate on them, hand them on.

    metadata     what two runs were asked, and on what they ran: may they be compared at all?
    across       one ratio out of two runs that were never paired; pure
    comparison   two runs side by side             gate, ci   one run judged against another, for a machine to read
    history      a run as one line of a list       store      the index of all runs
    trend        what a mode cost, run after run   pages      the two pages, of a comparison and of the history
    savings      what a difference means at a stated traffic
    table        the rounds as one flat table      export     the same as files
    reproduce    a report read back into the command that made it; a report is untrusted input

The rule: within a run rounds are paired, between runs nothing is. No number across runs gets a verdict's words.
"""
