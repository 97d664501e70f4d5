"""A run as a lesson: predict first, then see what was measured.

Its rule: no answer is visible before the reader asks for it, and each is a measurement of this run or "unknown". The
page works without a script; with one it also compares the guess with the answer.
"""
