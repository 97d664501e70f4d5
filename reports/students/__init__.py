"""A run as a lesson: predict first, then see what was measured.

Its rule: no answer is in sight before it is asked for, and each is a measurement of this run, or said to be unknown.
The page works without a script; with one it also compares the guess with the answer.

    code         the servers' own code, as it travelled with the run: the parts to be quoted
    questions    what is asked, and its answer from the records; pure
    page         the page: the server's three steps, the questions, every path, what to try next
"""
