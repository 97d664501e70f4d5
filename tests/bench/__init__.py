"""What our own code costs, against a floor written in C and against nginx: `make bench`. Never part of a test."""
