"""make fuzz: a coverage-guided fuzzer (atheris, over libFuzzer) sends to the head parser what nobody would think of.

It starts from the tables of test_conformance.py and test_conditions.py and from the heads of hostile.py, and follows
the branches of `servers/` that an input is the first to take. What must hold of every input stands in rule.py. An input
for which it does not hold is kept in `found/`, where `make test` meets it from then on.
"""
