#!/bin/sh
# Measures what the triggers of `frieze hook install` add to updates of 100,000 rows, with them and
# without in turns, on a server that syncs what it writes and has the memory Postgres gives it by
# default. Fails where it is over 10 %, or over 25 % for an update that changes no value of short
# rows. Give it the machine for itself: some three minutes.
set -eu
cd "$(dirname "$0")/.."
FRIEZE_TEST_FSYNC=on FRIEZE_TEST_BUFFERS=128MB exec cargo test --test redeploy -- --ignored --exact --nocapture \
  triggers::the_cost_on_a_bulk_update
