#!/bin/sh
# Reads the workflows, or the files given, as GitHub would, and fails on what it would not accept or
# what is not safe: keys and types by the published schema, events, permissions, secrets, style.
#
#   sh scripts/check-workflows.sh [FILE…]
#
# The linters go into target/, once. That needs python3 with venv, and the network the first time;
# root of a machine with apt-get gets the former by itself.
set -eu
cd "$(dirname "$0")/.."
version=1
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
place=$(cd "$target" && pwd)/check-workflows-$version

say() { echo "check-workflows: $*" >&2; }
# A venv knows its own path, so it is made where it stays; the last file says that it is whole.
venv() { rm -rf "$place" && python3 -m venv "$place"; }

if [ ! -f "$place/whole" ]; then
    say "fetching the linters into $place"
    if ! venv >"$place.log" 2>&1; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            cat "$place.log" >&2
            say "install python3 with venv (python3-venv on Debian and Ubuntu)"
            exit 1
        fi
        say "installing python3-venv"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >&2
        apt-get install -qq -y --no-install-recommends python3 python3-venv >&2
        venv >&2
    fi
    rm -f "$place.log"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        check-jsonschema==0.39.0 yamllint==1.38.0 zizmor==1.32.0 >&2
    touch "$place/whole"
fi

[ $# -gt 0 ] || set -- .github/workflows/*.yml
rules='{extends: default, rules: {line-length: {max: 112}, document-start: disable, truthy: {check-keys: false}}}'
"$place/bin/yamllint" --strict --config-data "$rules" "$@"
"$place/bin/check-jsonschema" --builtin-schema vendor.github-workflows "$@"
"$place/bin/zizmor" --quiet --offline --no-progress --config .github/zizmor.yml "$@"
