# The one image of docker-compose.yml: Python, what requirements.txt pins with hashes, and this project.
#
# The digest is that of all platforms, from Docker's own list: github.com/docker-library/repo-info,
# repos/python/remote/3.13-slim-bookworm.md. It keeps Python's later fixes out: take a newer one from there, now and then,
# or give another image: `BASE_IMAGE=python:3.13-slim-bookworm docker compose build`.
ARG BASE_IMAGE=python:3.13.14-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8
FROM ${BASE_IMAGE}

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
