"""A class's reports on one page: what each machine measured, what they show together, and how far machines differ.

Its rule: a report and a line of guesses come from strangers. What is not exactly such a thing is refused by name with
the reason, and nothing in it is run or reaches the page unescaped.
"""
