-- kit: engine
drop table if exists public.seed_state, public.site_builds, public.site_changes;
