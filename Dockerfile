# The one image of docker-compose.yml: Python, what requirements.txt pins with hashes, and this project.
#
# The base is named by its tag. Its digest can be given too, and then nothing is left to the registry:
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

# A new volume takes the mode of the folder that it is mounted on: any user may make the test file and the token.
RUN mkdir -p data token profiles/out reports/out && chmod 1777 data token profiles/out reports/out

COPY . .
RUN python -m compileall -q .

USER 1000:1000
