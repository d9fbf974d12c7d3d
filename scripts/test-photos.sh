#!/bin/sh
# Puts a few real photographs into target/, once, and prints their folder. They are the pictures
# that scikit-image carries for its own tests (public domain or CC0; see its data/README.txt).
# It needs python3 with venv, and the network the first time; root of a machine with apt-get gets the
# former by itself.
set -eu
cd "$(dirname "$0")/.."
version=0.25.2
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
place=$(cd "$target" && pwd)/test-photos-$version

venv() { rm -rf "$new/pip" && python3 -m venv "$new/pip"; }

if [ ! -d "$place" ]; then
    echo "test-photos: fetching photographs into $place" >&2
    new=$(mktemp -d "$place.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    if ! venv >"$new/log" 2>&1; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            cat "$new/log" >&2
            echo "test-photos: install python3 with venv (python3-venv on Debian and Ubuntu)" >&2
            exit 1
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >&2
        apt-get install -qq -y --no-install-recommends python3 python3-venv >&2
        venv >&2
    fi
    "$new/pip/bin/python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps \
        --only-binary=:all: --python-version 3.12 --dest "$new" "scikit-image==$version" >&2
    mkdir "$new/photos"
    "$new/pip/bin/python" - "$new" <<'PYTHON'
import glob, os, sys, zipfile
new = sys.argv[1]
wanted = {"astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "logo.png",
          "motorcycle_left.png", "no_time_for_that_tiny.gif", "retina.jpg", "rocket.jpg"}
with zipfile.ZipFile(glob.glob(f"{new}/*.whl")[0]) as wheel:
    for name in wheel.namelist():
        if name.startswith("skimage/data/") and os.path.basename(name) in wanted:
            with open(f"{new}/photos/{os.path.basename(name)}", "wb") as out:
                out.write(wheel.read(name))
            wanted.discard(os.path.basename(name))
sys.exit(f"the wheel lacks {wanted}" if wanted else 0)
PYTHON
    chmod -R a+rX "$new/photos"
    mv "$new/photos" "$place"
fi
echo "$place"
