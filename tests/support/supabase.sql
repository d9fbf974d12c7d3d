-- Makes an empty database of a plain Postgres look like a Supabase project, as far as it matters
-- to frieze: its roles, its schemas, its functions in auth, its default privileges. Run it as a
-- superuser in that database, then connect as the project's owner, who is none.
--
-- Supabase calls the owner `postgres`; a server's superuser may have that name already, so here it
-- is another. Both of these can be set beforehand, as in `set supabase.default_privileges = 'open'`:
--   supabase.owner               the project's owner: project_owner unless set
--   supabase.default_privileges  'closed' as in projects made since 2026: the four verbs are not
--                                granted on new tables; 'open' as before: everything is
select
    set_config('supabase.owner',
        coalesce(nullif(current_setting('supabase.owner', true), ''), 'project_owner'), false),
    set_config('supabase.default_privileges',
        coalesce(nullif(current_setting('supabase.default_privileges', true), ''), 'closed'), false);

-- Roles belong to the whole server: only what is missing is made, since other databases use them.
do $$
declare
    owner constant text := current_setting('supabase.owner');
    made record;
begin
    for made in
        select * from (values
            ('anon', 'nologin noinherit'),
            ('authenticated', 'nologin noinherit'),
            ('service_role', 'nologin noinherit bypassrls'),
            ('authenticator', 'login noinherit'),
            ('supabase_admin', 'login superuser'),
            ('supabase_auth_admin', 'login noinherit createrole'),
            ('supabase_storage_admin', 'login noinherit createrole'),
            (owner, 'login createdb createrole bypassrls')
        ) as roles (name, rights)
    loop
        begin
            if to_regrole(quote_ident(made.name)) is null then
                execute format('create role %I %s', made.name, made.rights);
            end if;
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
    for made in
        select member, role from unnest(array['authenticator', owner]) as member,
            unnest(array['anon', 'authenticated', 'service_role']) as role
    loop
        if not pg_has_role(made.member, made.role, 'member') then
            execute format('grant %I to %I', made.role, made.member);
        end if;
    end loop;
    execute format('alter database %I owner to %I', current_database(), owner);
end
$$;

grant usage on schema public to anon, authenticated, service_role;

create schema extensions;
grant usage on schema extensions to anon, authenticated, service_role;
-- There the owner may create this one, here an administrator does it.
do $$
begin
    if exists (select from pg_available_extensions where name = 'vector') then
        create extension vector with schema extensions;
    end if;
end
$$;

-- The owner of the project may call what is in auth, and change nothing there.
create schema auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role;

-- One claim: from its own setting, as PostgREST used to say it, or else from all of them.
create function auth.claim(name text) returns text language sql stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.' || name, true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> name
    )
$$;
create function auth.uid() returns uuid language sql stable
as $$ select auth.claim('sub')::uuid $$;
create function auth.role() returns text language sql stable
as $$ select auth.claim('role') $$;
create function auth.email() returns text language sql stable
as $$ select auth.claim('email') $$;
create function auth.jwt() returns jsonb language sql stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

create table auth.users (id uuid primary key, email text, created_at timestamptz default now());
alter table auth.users owner to supabase_auth_admin;
alter table auth.users enable row level security;
alter function auth.claim(text) owner to supabase_auth_admin;
alter function auth.uid() owner to supabase_auth_admin;
alter function auth.role() owner to supabase_auth_admin;
alter function auth.email() owner to supabase_auth_admin;
alter function auth.jwt() owner to supabase_auth_admin;

create schema storage authorization supabase_storage_admin;
grant usage on schema storage to anon, authenticated, service_role;
create table storage.buckets (
    id text primary key,
    name text not null unique,
    public boolean not null default false,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create table storage.objects (
    id uuid primary key default gen_random_uuid(),
    bucket_id text references storage.buckets (id),
    name text,
    owner_id text,
    metadata jsonb,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_accessed_at timestamptz default now(),
    unique (bucket_id, name)
);
alter table storage.buckets owner to supabase_storage_admin;
alter table storage.objects owner to supabase_storage_admin;
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant all on storage.buckets, storage.objects to anon, authenticated, service_role;

do $$
declare
    owner constant text := current_setting('supabase.owner');
    privileges constant text := current_setting('supabase.default_privileges');
    maker text;
begin
    if privileges not in ('open', 'closed') then
        raise 'supabase.default_privileges is neither open nor closed: %', privileges;
    end if;
    execute format('grant usage on schema auth to %I', owner);
    execute format('grant all on schema extensions to %I', owner);
    execute format('grant usage on schema storage to %I', owner);
    execute format('grant all on storage.buckets, storage.objects to %I with grant option', owner);
    foreach maker in array array[owner, 'supabase_admin'] loop
        execute format('alter default privileges for role %I in schema public grant all on tables to anon, authenticated, service_role', maker);
        execute format('alter default privileges for role %I in schema public grant all on functions to anon, authenticated, service_role', maker);
        execute format('alter default privileges for role %I in schema public grant all on sequences to anon, authenticated, service_role', maker);
        if privileges = 'closed' then
            -- Only the verbs of the API are taken back: what else was granted stays, like truncate.
            execute format('alter default privileges for role %I in schema public revoke select, insert, update, delete on tables from anon, authenticated, service_role', maker);
            execute format('alter default privileges for role %I in schema public revoke execute on functions from anon, authenticated, service_role', maker);
            execute format('alter default privileges for role %I in schema public revoke usage, select on sequences from anon, authenticated, service_role', maker);
        end if;
    end loop;
end
$$;
