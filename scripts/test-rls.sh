#!/bin/sh
# Asks the database of DATABASE_URL who may read and write what: runs tests/rls/*.sql, each of which
# is one transaction that is rolled back. Needs psql. A line for each file; stops at the first that
# fails, and ends with its failures.
set -eu
tests=$(dirname "$0")/../tests/rls

fail() { echo "test-rls: $*" >&2; exit 1; }
[ -n "${DATABASE_URL:-}" ] || fail "set DATABASE_URL to the address of a migrated database"
command -v psql >/dev/null || fail "psql is missing: install PostgreSQL's client programs"

# Like frieze: a certificate that is named is also checked.
case $DATABASE_URL in
    *sslmode=*) ;;
    *sslrootcert=*) export PGSSLMODE=verify-full ;;
esac
# The password goes through the environment: programs' arguments are for everybody to read.
password=$(printf %s "$DATABASE_URL" | sed -n 's|^[a-z]*://[^:@/]*:\([^@]*\)@.*|\1|p')
if [ -n "$password" ]; then
    PGPASSWORD=$(printf '%s\n' "$password" | LC_ALL=C awk '
        BEGIN { for (i = 1; i < 256; i++) char[sprintf("%02X", i)] = sprintf("%c", i) }
        {
            while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
                out = out substr($0, 1, RSTART - 1) char[toupper(substr($0, RSTART + 1, 2))]
                $0 = substr($0, RSTART + 3)
            }
            printf "%s", out $0
        }')
    export PGPASSWORD
fi
address=$(printf %s "$DATABASE_URL" | sed 's|^\([a-z]*://[^:@/]*\):[^@]*@|\1@|')
ask() {
    psql --no-psqlrc --no-password --quiet --tuples-only --no-align \
        --set=ON_ERROR_STOP=1 --set=SHOW_CONTEXT=never --dbname="$address" "$@" 2>&1
}

# What psql says about an address it cannot parse quotes parts of it, perhaps of the password.
if ! said=$(ask --command='select 1'); then
    case $said in
        "psql: error: connection to server "*) fail "${said#psql: error: }" ;;
        *) fail "psql cannot read DATABASE_URL: percent-encode special characters in the password" ;;
    esac
fi
for file in "$tests"/*.sql; do
    if said=$(ask --file="$file"); then
        echo "$said" | tail -n 1
    else
        echo "$said" >&2
        fail "$(basename "$file") failed; nothing in the database was changed"
    fi
done
