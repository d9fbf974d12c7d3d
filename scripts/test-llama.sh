#!/bin/sh
# Puts llama.cpp's server and a tiny model into target/, once, and prints their folder: `llama-server` and `tiny.gguf`.
# The tests run this themselves where FRIEZE_TEST_LLAMA names no other such folder. It needs python3 (3.10 or later)
# with venv, and the network the first time; root of a machine with apt-get gets the former by itself.
set -eu
cd "$(dirname "$0")/.."
version=2026.10.11549
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
place=$(cd "$target" && pwd)/test-llama-$version

say() { echo "test-llama: $*" >&2; }
give_up() {
    say "$1, or set FRIEZE_TEST_LLAMA to a folder with llama-server and tiny.gguf (which" \
        "scripts/make_tiny_model.py makes)"
    exit 1
}
venv() { rm -rf "$new/pip" && python3 -m venv "$new/pip"; }
loads() { PYTHONPATH=$new/install python3 -c 'import xllamacpp'; }

# install_packages WHAT PACKAGE...: what was tried has failed, its words are in the log.
install_packages() {
    what=$1
    shift
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        cat "$new/log" >&2
        give_up "install $what ($* on Debian and Ubuntu)"
    fi
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -qq -y --no-install-recommends "$@" >&2
}

if [ ! -d "$place" ]; then
    say "fetching llama.cpp's server into $place"
    new=$(mktemp -d "$place.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    if ! venv >"$new/log" 2>&1; then
        install_packages "python3 with venv" python3 python3-venv
        venv >&2
    fi
    if ! "$new/pip/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
        --only-binary=:all: --target "$new/install" "xllamacpp==$version" >&2; then
        give_up "fetching xllamacpp $version needs the network, and Python 3.10 or later on Linux or macOS: see to that"
    fi
    if ! loads >"$new/log" 2>&1; then
        install_packages "the OpenMP library" libgomp1
        loads >&2
    fi
    chmod -R a+rX "$new/install"
    [ -d "$place" ] || mv "$new/install" "$place" # another run may have been quicker
fi

# What this repository makes itself is made anew when its script has changed.
if ! cmp -s scripts/llama_server.py "$place/llama-server"; then
    install -m 755 scripts/llama_server.py "$place/llama-server.$$"
    mv "$place/llama-server.$$" "$place/llama-server"
fi
if [ ! -f "$place/tiny.gguf" ] || ! cmp -s scripts/make_tiny_model.py "$place/make_tiny_model.py"; then
    python3 scripts/make_tiny_model.py "$place/tiny.gguf.$$"
    mv "$place/tiny.gguf.$$" "$place/tiny.gguf"
    cp scripts/make_tiny_model.py "$place/make_tiny_model.py"
fi
echo "$place"
