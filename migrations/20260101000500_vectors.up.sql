-- kit: engine
-- needs: vector
-- Memories and embeddings, which need the pgvector extension. Apart from the rest, so that a
-- server without it still holds a whole site.

do $$
declare
    create_it text;
begin
    if not exists (select 1 from pg_extension where extname = 'vector') then
        if not exists (select 1 from pg_available_extensions where name = 'vector') then
            raise feature_not_supported using
                message = 'this server has no pgvector extension',
                hint = 'install pgvector 0.5 or later on the server, then run frieze db migrate';
        end if;
        -- Supabase keeps extensions in a schema of their own.
        create_it := 'create extension vector'
            || case when to_regnamespace('extensions') is null then '' else ' with schema extensions' end;
        begin
            execute create_it;
        exception when insufficient_privilege then
            raise insufficient_privilege using
                message = format('%I may not create the extension vector', current_user),
                hint = format('let an administrator run once: %s; then run frieze db migrate', create_it);
        end;
    end if;
    if not exists (select 1 from pg_am where amname = 'hnsw') then
        raise feature_not_supported using
            message = 'the pgvector extension is too old: it has no HNSW index',
            hint = 'update pgvector to 0.5 or later on the server, run alter extension vector update, then frieze db migrate';
    end if;
    -- Until the end of this transaction, wherever the extension lives.
    perform set_config('search_path', format('public, %I', extnamespace::regnamespace), true)
    from pg_extension where extname = 'vector';
end
$$;

select frieze.will_make('agent_memory', 'content_embeddings');

-- 1536 dimensions for every model: a shorter vector is padded with zeros, which changes neither
-- dot product nor norm. Vectors of different models are never compared, and a zero vector has no
-- direction to compare; pgvector itself refuses NaN.
create table if not exists public.agent_memory (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    agent_id text not null,
    thought_type text not null constraint agent_memory_thought_type_check
        check (thought_type in ('observation', 'reasoning', 'action', 'reflection')),
    content text not null,
    embedding vector(1536)
        constraint agent_memory_embedding_check check (vector_norm(embedding) > 0),
    embedding_model text,
    metadata jsonb not null default '{}',
    constraint agent_memory_embedding_model_check
        check ((embedding is null) = (embedding_model is null))
);
create index if not exists agent_memory_agent_idx
    on public.agent_memory (agent_id, created_at desc);
create index if not exists agent_memory_thought_type_idx on public.agent_memory (thought_type);
create index if not exists agent_memory_embedding_idx
    on public.agent_memory using hnsw (embedding vector_cosine_ops);

create table if not exists public.content_embeddings (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    collection text not null,
    row_id uuid not null,
    content_hash text not null,
    embedding vector(1536) not null
        constraint content_embeddings_embedding_check check (vector_norm(embedding) > 0),
    embedding_model text not null,
    constraint content_embeddings_row_key unique (collection, row_id, embedding_model)
);
create index if not exists content_embeddings_embedding_idx
    on public.content_embeddings using hnsw (embedding vector_cosine_ops);

do $$
declare
    name text;
begin
    foreach name in array array['agent_memory', 'content_embeddings'] loop
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
