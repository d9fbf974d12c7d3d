#!/bin/sh
# Builds the site on a host's build machine, where Rust may be missing.
#
#   sh scripts/host-build.sh [static|vercel]
#
# With DATABASE_URL the content comes from that database, and the binary is built without the
# embedded Postgres, which is quicker; without it, from content/. The binary is kept in target/host,
# which Netlify and Vercel hand to the next build, so that a change of content compiles nothing.
set -eu
cd "$(dirname "$0")/.."

target=${1:-static}
features=""
if [ -n "${DATABASE_URL:-}" ]; then
  features="--no-default-features"
fi

# All that the binary is made of: its sources, and the files that it carries inside.
sources() {
  find Cargo.toml Cargo.lock src templates static migrations -type f 2>/dev/null | LC_ALL=C sort
}
key=$( { echo "$features"; sources | tr '\n' '\0' | xargs -0 sha256sum; } | sha256sum | cut -c 1-16)
frieze="target/host/frieze-$key"

if [ ! -x "$frieze" ]; then
  if ! command -v cargo >/dev/null 2>&1; then
    CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
    export CARGO_HOME
    if [ ! -x "$CARGO_HOME/bin/cargo" ]; then
      curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
        sh -s -- -y --quiet --profile minimal --no-modify-path
    fi
    PATH="$CARGO_HOME/bin:$PATH"
    export PATH
  fi
  # shellcheck disable=SC2086 # empty, or one flag
  cargo build --release --locked --bin frieze $features
  mkdir -p target/host
  rm -f target/host/frieze-*
  cp "${CARGO_TARGET_DIR:-target}/release/frieze" "$frieze"
fi

exec "$frieze" build --target "$target"
