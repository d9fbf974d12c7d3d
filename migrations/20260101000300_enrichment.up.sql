-- kit: engine
-- The queue of work for models, what they answered, and a log of every call.

select frieze.will_make('task_queue', 'ai_response_cache', 'agent_context', 'agent_run_logs', 'provider_quotas', 'enrichments');

create table if not exists public.task_queue (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    task_type text not null constraint task_queue_task_type_check check (task_type <> ''),
    target text,
    priority int not null default 5
        constraint task_queue_priority_check check (priority between 1 and 10),
    payload jsonb not null default '{}',
    is_private bool not null default false,
    status text not null default 'pending' constraint task_queue_status_check
        check (status in ('pending', 'processing', 'completed', 'failed')),
    attempts int not null default 0
        constraint task_queue_attempts_check check (attempts >= 0),
    max_attempts int not null default 3
        constraint task_queue_max_attempts_check check (max_attempts >= 1),
    faults int not null default 0,
    scheduled_at timestamptz not null default now(),
    started_at timestamptz,
    completed_at timestamptz,
    leased_by text,
    leased_until timestamptz,
    run_id uuid,
    error_message text,
    result jsonb
);
comment on column public.task_queue.target is 'What the task is about, as in "projects/<id>": while a task is live, there is no second one of its type for the same target.';
comment on column public.task_queue.is_private is 'Only providers marked private may see the payload.';
comment on column public.task_queue.faults is 'How often a provider was asked and did not manage, since the last attempt that was used up.';

create index if not exists task_queue_due_idx
    on public.task_queue (status, priority desc, scheduled_at);
-- What a worker claims next, in its order: as quick among a million rows as among a thousand.
create index if not exists task_queue_claim_idx
    on public.task_queue (priority desc, scheduled_at, id) where status = 'pending';
-- The same of one type.
create index if not exists task_queue_claim_type_idx
    on public.task_queue (task_type, priority desc, scheduled_at, id) where status = 'pending';
-- Those that wait and have no attempt left: none, as a rule.
create index if not exists task_queue_spent_idx
    on public.task_queue (id) where status = 'pending' and attempts >= max_attempts;
create index if not exists task_queue_lease_idx
    on public.task_queue (leased_until) where status = 'processing';
create index if not exists task_queue_type_idx on public.task_queue (task_type, status);
create unique index if not exists task_queue_live_target_key
    on public.task_queue (task_type, target) where status in ('pending', 'processing');
-- How the last task about something ended: what failed is not queued by itself again.
create index if not exists task_queue_ended_target_idx
    on public.task_queue (task_type, target, completed_at desc)
    where status in ('completed', 'failed') and target is not null;

create table if not exists public.ai_response_cache (
    prompt_hash text primary key
        constraint ai_response_cache_prompt_hash_check check (prompt_hash ~ '^[0-9a-f]{64}$'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    response text not null,
    provider text,
    model text not null,
    is_private bool not null default false,
    ttl interval not null default '24 hours'
);
comment on column public.ai_response_cache.prompt_hash is 'SHA-256 of provider, model, privacy and prompt, in hexadecimal.';
comment on column public.ai_response_cache.is_private is 'Given to a private task, and for no other.';

create table if not exists public.agent_context (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    session_id uuid not null,
    agent_id text not null,
    user_query text,
    agent_response text,
    memory_ids uuid[] not null default '{}'
);
create index if not exists agent_context_session_idx on public.agent_context (session_id);

create table if not exists public.agent_run_logs (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    session_id uuid not null,
    task_id uuid references public.task_queue (id) on delete set null,
    task_type text,
    provider text not null,
    model text not null,
    prompt_hash text,
    is_cached bool not null default false,
    is_private bool not null default false,
    input jsonb,
    output jsonb,
    tokens_in int,
    tokens_out int,
    latency_ms int,
    cost numeric,
    error jsonb,
    reason text
);
comment on column public.agent_run_logs.is_private is 'Made for a private task.';
comment on column public.agent_run_logs.reason is 'Why this provider was chosen.';
create index if not exists agent_run_logs_session_idx on public.agent_run_logs (session_id);
create index if not exists agent_run_logs_task_idx on public.agent_run_logs (task_id);
create index if not exists agent_run_logs_provider_idx
    on public.agent_run_logs (provider, created_at desc);

-- What is left of a provider's limits, so that a restart remembers.
create table if not exists public.provider_quotas (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    provider text not null constraint provider_quotas_provider_key unique,
    day_started timestamptz not null default now(),
    day_requests int not null default 0,
    minute_started timestamptz not null default now(),
    minute_requests int not null default 0,
    blocked_until timestamptz,
    blocked_because text,
    failures int not null default 0
);

-- Which values models wrote, so that a page can say so and a person can take them back.
create table if not exists public.enrichments (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    table_name text not null,
    row_key jsonb not null,
    column_name text not null,
    value jsonb,
    former jsonb,
    task_id uuid references public.task_queue (id) on delete set null,
    task_type text not null,
    run_id uuid not null,
    provider text not null,
    model text not null,
    prompt_hash text,
    reverted_at timestamptz
);
comment on column public.enrichments.former is 'What stood there before.';
create index if not exists enrichments_task_idx on public.enrichments (task_id);
create unique index if not exists enrichments_live_key
    on public.enrichments (table_name, row_key, column_name) where reverted_at is null;
-- What was taken back: asked for again, it is asked anew.
create index if not exists enrichments_reverted_idx
    on public.enrichments (table_name, column_name) where reverted_at is not null;

do $$
declare
    name text;
begin
    foreach name in array array['task_queue', 'ai_response_cache', 'agent_context', 'agent_run_logs', 'provider_quotas', 'enrichments'] loop
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
