#!/bin/sh
# Finds a PostgreSQL with pg_cron for the tests, and prints its bin folder. On a Debian-like system,
# root gets both from the system's packages; others install them by hand, or name the bin folder with
# FRIEZE_TEST_CRON_PGBIN.
set -eu

say() { echo "test-cron: $*" >&2; }

# Where this bin folder's extensions are: as it says itself, or where Debian puts them.
has_cron() {
    share=$("$1/pg_config" --sharedir 2>/dev/null || echo "/usr/share/postgresql/$(basename "${1%/bin}")")
    [ -x "$1/initdb" ] && [ -e "$share/extension/pg_cron.control" ]
}

find_it() {
    for bin in "${FRIEZE_TEST_CRON_PGBIN:-}" /usr/lib/postgresql/*/bin; do
        if [ -n "$bin" ] && has_cron "$bin"; then echo "$bin" && return; fi
    done
    return 1
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    # The tests start servers of their own: the packages need not start any.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    apt-get update -qq >&2
    apt-get install -qq -y --no-install-recommends postgresql >&2
    version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -n 1)
    apt-get install -qq -y --no-install-recommends "postgresql-$version-cron" >&2
}

if ! find_it; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "install a PostgreSQL with pg_cron (Debian and Ubuntu: postgresql, postgresql-15-cron)," \
            "or name its bin folder with FRIEZE_TEST_CRON_PGBIN"
        exit 1
    fi
    say "installing PostgreSQL and pg_cron"
    install
    find_it
fi
