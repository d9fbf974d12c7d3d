#!/bin/sh
# Builds the site on a host's build machine, where Rust may be missing.
#
#   sh scripts/host-build.sh [static|vercel]           builds
#   sh scripts/host-build.sh changed [static|vercel]   exits with 0 if there is nothing to build, else 1
#
# With DATABASE_URL the content comes from that database, and the binary is built without the
# embedded Postgres, which is quicker; without it, from content/. The binary is kept in target/host,
# which Netlify and Vercel hand to the next build, so that a change of content compiles nothing.
#
# Where frieze comes from:
#
#   FRIEZE_DOWNLOAD   a finished binary, as an https address, and FRIEZE_DOWNLOAD_SHA256, what it hashes to
#   Cargo.toml        frieze's own source lies here: a clone of it, or a fork
#   FRIEZE_GIT        the address of its repository, and FRIEZE_REV, a commit, tag or branch of it (main)
#
# `changed` compiles nothing: where no binary is at hand, it says that there is something to build.
set -eu
cd "$(dirname "$0")/.."

only_look=""
if [ "${1:-}" = changed ]; then
  only_look=1
  shift
fi
target=${1:-static}
features=""
if [ -n "${DATABASE_URL:-}" ]; then
  features="--no-default-features --features avif"
fi

# All that the binary is made of: its sources, and the files that it carries inside.
sources() {
  find Cargo.toml Cargo.lock build.rs src templates static migrations -type f 2>/dev/null | LC_ALL=C sort
}
sum() { sha256sum | cut -c 1-64; }

# Puts the finished binary in place, or leaves nothing.
fetch() {
  mkdir -p target/host
  new="target/host/new.$$"
  curl --proto '=https' --tlsv1.2 -sSfL --max-time 120 -o "$new" "$FRIEZE_DOWNLOAD" || { rm -f "$new"; return 1; }
  if [ "$(sum <"$new")" != "${FRIEZE_DOWNLOAD_SHA256:-}" ]; then
    echo "host-build: what FRIEZE_DOWNLOAD names does not hash to FRIEZE_DOWNLOAD_SHA256" >&2
    rm -f "$new"
    return 1
  fi
  rm -f target/host/frieze-*
  chmod +x "$new"
  mv "$new" "$frieze"
}

rust() {
  command -v cargo >/dev/null 2>&1 && return
  CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
  export CARGO_HOME
  if [ ! -x "$CARGO_HOME/bin/cargo" ]; then
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
      sh -s -- -y --quiet --profile minimal --no-modify-path
  fi
  PATH="$CARGO_HOME/bin:$PATH"
  export PATH
}

# Keeps the binary that was just made under the name that stands for what it was made of.
keep() {
  mkdir -p target/host
  rm -f target/host/frieze-*
  cp "$1" "$frieze"
}

compile_here() {
  rust
  # shellcheck disable=SC2086 # none, or a few flags
  cargo build --release --locked --bin frieze $features
  keep "${CARGO_TARGET_DIR:-target}/release/frieze"
}

compile_there() {
  rust
  # shellcheck disable=SC2086 # none, or a few flags
  cargo install --locked --no-track --force --root target/host/install $features \
    --git "$FRIEZE_GIT" --rev "$commit" frieze
  keep target/host/install/bin/frieze
  rm -rf target/host/install
}

# The commit that a branch or a tag stands for now; a commit stands for itself.
find_commit() {
  rev=${FRIEZE_REV:-main}
  refs=$(git ls-remote "$FRIEZE_GIT" "refs/heads/$rev" "refs/tags/$rev") || exit 1
  commit=$(echo "$refs" | head -n 1 | cut -f 1)
  commit=${commit:-$rev}
}

if [ -n "${FRIEZE_DOWNLOAD:-}" ]; then
  key=$(printf '%s' "$FRIEZE_DOWNLOAD ${FRIEZE_DOWNLOAD_SHA256:-}" | sum | cut -c 1-16)
  make=fetch
elif [ -f Cargo.toml ]; then
  key=$( { echo "$features"; sources | tr '\n' '\0' | xargs -0 sha256sum; } | sum | cut -c 1-16)
  make=compile_here
elif [ -n "${FRIEZE_GIT:-}" ]; then
  find_commit
  key=$(printf '%s' "$features $FRIEZE_GIT $commit" | sum | cut -c 1-16)
  make=compile_there
else
  echo "host-build: there is no frieze here: set FRIEZE_DOWNLOAD or FRIEZE_GIT in the host's settings" >&2
  exit 1
fi

frieze="target/host/frieze-$key"
if [ ! -x "$frieze" ] && [ -n "$only_look" ] && [ $make != fetch ]; then
  echo "host-build: no binary is at hand to compare with: build"
  exit 1
fi
# Without || behind it: a step that fails must end all of it.
if [ ! -x "$frieze" ]; then
  $make
fi

if [ -n "$only_look" ]; then
  "$frieze" changed --target "$target" || exit 1
  exit 0
fi
exec "$frieze" build --target "$target"
