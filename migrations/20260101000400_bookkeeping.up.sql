-- kit: engine
-- What changed since the last build, what each build did, and which rows came from content files.

select frieze.will_make('site_changes', 'site_builds', 'seed_state');

create table if not exists public.site_changes (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    table_name text not null constraint site_changes_table_name_key unique,
    first_changed_at timestamptz not null default now(),
    last_changed_at timestamptz not null default now(),
    change_count bigint not null default 1
        constraint site_changes_change_count_check check (change_count >= 1)
);

create table if not exists public.site_builds (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    status text not null default 'running' constraint site_builds_status_check
        check (status in ('running', 'succeeded', 'failed')),
    content_fingerprint text,
    pages int,
    bytes bigint,
    duration_ms bigint,
    error text
);
create index if not exists site_builds_started_idx on public.site_builds (started_at desc);

create table if not exists public.seed_state (
    table_name text not null,
    key jsonb not null,
    file text not null,
    -- Which columns the file set: a key that leaves the file goes back to its default.
    fields text[] not null default '{}',
    -- The row as the file says it, hashed with the table's shape, and its xmin right after that:
    -- while both are unchanged there is nothing to send.
    hash text not null default '',
    version text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint seed_state_pkey primary key (table_name, key)
);
comment on table public.seed_state is 'The rows that came from content files, and from which one: what left the files leaves the table.';

do $$
declare
    name text;
begin
    foreach name in array array['site_changes', 'site_builds', 'seed_state'] loop
        execute format('drop trigger if exists touch_updated_at on public.%I', name);
        execute format('create trigger touch_updated_at before update on public.%I for each row when (old.* is distinct from new.*) execute function frieze.touch_updated_at()', name);

        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public, anon, authenticated', name);
        execute format('grant select, insert, update, delete on public.%I to authenticated', name);
        execute format('grant all on public.%I to service_role', name);

        execute format('drop policy if exists %I on public.%I', name || '_admin', name);
        execute format('create policy %I on public.%I for all to authenticated using ((select public.is_site_admin())) with check ((select public.is_site_admin()))', name || '_admin', name);
        execute format('drop policy if exists %I on public.%I', name || '_service', name);
        execute format('create policy %I on public.%I for all to service_role using (true) with check (true)', name || '_service', name);
    end loop;
end
$$;
