-- kit: engine
-- Content stays. Once it is migrated again, db seed recognizes what the files say by its key.
select frieze.unmake('seed_state', 'site_builds', 'site_changes');
