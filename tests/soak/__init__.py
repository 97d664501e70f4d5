"""make soak: a random, seeded mixture of everything that peers and files can do, for as long as is asked.

Server processes of several modes are met by good, rude, hostile and slow peers at once, while a file that they serve is
replaced, grows and goes. In rounds: after each the peers leave, every server must hold what it held at its start, and
each is then ended by a signal in mid-download and started again on its port.
"""
