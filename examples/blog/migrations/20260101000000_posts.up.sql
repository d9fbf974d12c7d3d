-- The blog's one table. Safe to run on a database that already has it.
create table if not exists public.posts (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    title text not null,
    slug text not null unique,
    summary text,
    body text,
    tags text[] not null default '{}',
    published_at timestamptz not null
);

create index if not exists posts_published_at_idx on public.posts (published_at desc);

create or replace function public.posts_touch() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    new.updated_at := now();
    return new;
end
$$;

drop trigger if exists posts_touch on public.posts;
create trigger posts_touch before update on public.posts
    for each row when (old.* is distinct from new.*)
    execute function public.posts_touch();

alter table public.posts enable row level security;

drop policy if exists posts_read on public.posts;
create policy posts_read on public.posts
    for select to anon, authenticated
    using (true);

grant select on public.posts to anon, authenticated;
grant all on public.posts to service_role;
