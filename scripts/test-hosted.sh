#!/bin/sh
# Finds what stands for a hosted database in the tests, and prints two lines: the path of PgBouncer,
# and the bin folder of a PostgreSQL that speaks TLS. On a Debian-like system, root gets both from
# the system's packages; others install them by hand, or name them with FRIEZE_TEST_PGBOUNCER and
# FRIEZE_TEST_TLS_PGBIN.
set -eu

say() { echo "test-hosted: $*" >&2; }

pgbouncer() {
    for found in "${FRIEZE_TEST_PGBOUNCER:-}" "$(command -v pgbouncer || true)" /usr/sbin/pgbouncer; do
        if [ -x "$found" ]; then echo "$found" && return; fi
    done
    return 1
}

postgres() {
    for found in "${FRIEZE_TEST_TLS_PGBIN:-}" /usr/lib/postgresql/*/bin; do
        if [ -x "$found/initdb" ]; then echo "$found" && return; fi
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
    apt-get install -qq -y --no-install-recommends postgresql pgbouncer >&2
}

if ! pgbouncer >/dev/null || ! postgres >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "install PgBouncer and a PostgreSQL with TLS (Debian and Ubuntu: pgbouncer, postgresql)," \
            "or name them with FRIEZE_TEST_PGBOUNCER and FRIEZE_TEST_TLS_PGBIN"
        exit 1
    fi
    say "installing PgBouncer and PostgreSQL"
    install
fi
pgbouncer
postgres
