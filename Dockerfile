# The one image of docker-compose.yml: Python, what requirements.txt pins with hashes, and this project.
#
# The base is named by its tag, since the digest would have to come from a registry that somebody has asked and trusts,
# and would then keep Python's fixes out. Whoever has one gives it, and nothing is left to the registry:
#   docker compose build --build-arg BASE=python:3.13-slim-bookworm@sha256:…
ARG BASE=python:3.13-slim-bookworm
FROM ${BASE}

# Root file systems are read-only, so that Python could not write its caches, and /tmp is the only home there is.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /bench

# What changes least comes first, so that an edited source rebuilds nothing but the last layers.
COPY requirements.txt .
RUN python -m pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --only-binary :all: --require-hashes -r requirements.txt

# A new volume takes the owner and the mode of the folder that it is mounted on: only who the containers run as may
# write the test file, and read the token.
ARG BENCH_USER=1000:1000
RUN mkdir -p -m 700 data token && chown "$BENCH_USER" data token && mkdir -p profiles/out reports/out

COPY . .
RUN python -m compileall -q .

USER ${BENCH_USER}
