"""make fuzz: a coverage-guided fuzzer (atheris, over libFuzzer) sends what nobody would think of.

Three targets: `heads`, the head parser of the measured servers; `agent`, the agent's HTTP server and its routes, with
and without the token; `page`, the live page's routes and its login. Each starts from its module's seeds, and follows
the branches that an input is the first to take. What must hold of every input stands in the same module. An input for
which it does not hold is kept in `found/`, where `make test` meets it from then on.
"""
