-- kit: portfolio
-- One person's portfolio: what the site's owner edits.

select frieze.will_make(
    'profile', 'skills', 'projects', 'experience', 'solutions', 'testimonials', 'page_layouts'
);

create table if not exists public.profile (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    designation text,
    bio text,
    email text,
    phone text,
    location text,
    resume_url text,
    avatar_url text,
    social_links jsonb not null default '{}'
        constraint profile_social_links_check check (jsonb_typeof(social_links) = 'object')
);

create table if not exists public.skills (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    category text not null
        constraint skills_category_check check (category in ('AI', 'Backend', 'Solutions', 'Other')),
    glow_hex text
        constraint skills_glow_hex_check check (glow_hex ~ '^#[0-9A-Fa-f]{6}$'),
    icon_path text,
    proficiency int
        constraint skills_proficiency_check check (proficiency between 0 and 100),
    is_featured bool not null default false
);
comment on column public.skills.glow_hex is 'The light that falls on the skill''s card, as #RRGGBB.';

create table if not exists public.projects (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    title text not null,
    slug text not null constraint projects_slug_key unique,
    summary text,
    description text,
    thumbnail_url text,
    thumbnail_alt text,
    technologies text[] not null default '{}',
    demo_link text,
    repo_link text,
    featured_order int,
    meta_title text,
    meta_description text
);
-- A table from before frieze may lack these.
alter table public.projects add column if not exists thumbnail_alt text;
alter table public.projects add column if not exists meta_title text;
alter table public.projects add column if not exists meta_description text;
comment on column public.projects.thumbnail_alt is 'What the picture shows, for those who do not see it.';
comment on column public.projects.meta_title is 'The title of the project''s page, where search engines should show another than the project''s.';
comment on column public.projects.meta_description is 'What search engines show of the project''s page; the summary, where it is empty.';
comment on column public.projects.featured_order is 'Place among the featured projects; empty if it is not one of them.';

create table if not exists public.experience (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    company text not null,
    role text not null,
    start_date date not null,
    end_date date,
    description text,
    skills_used text[] not null default '{}',
    logo_url text,
    constraint experience_dates_check check (end_date >= start_date)
);
comment on column public.experience.end_date is 'Empty while the job lasts.';

create table if not exists public.solutions (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    title text not null,
    icon_key text,
    items jsonb not null default '[]'
        constraint solutions_items_check check (jsonb_typeof(items) = 'array'),
    "order" int not null default 0
);
comment on column public.solutions.items is 'An array of {"label": text, "status": text}.';

create table if not exists public.testimonials (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    author_name text not null,
    author_role text,
    company text,
    content text not null,
    avatar_url text,
    is_visible bool not null default false
);

create table if not exists public.page_layouts (
    id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    page_name text not null,
    layout_json jsonb not null,
    is_published bool not null default false,
    version int not null default 1,
    constraint page_layouts_page_name_version_key unique (page_name, version)
);
comment on table public.page_layouts is 'The build takes the highest published version of each page.';

-- The same for each: updated_at, row-level security, and who may do what. Grants are explicit,
-- because the API roles are no longer given new tables by default.
do $$
declare
    name text;
    may_read text;
begin
    foreach name in array array[
        'profile', 'skills', 'projects', 'experience', 'solutions', 'testimonials', 'page_layouts'
    ] loop
        may_read := case name
            when 'testimonials' then 'is_visible'
            when 'page_layouts' then 'is_published'
            else 'true'
        end;
        -- A table from before frieze may lack these two, and the trigger needs them.
        execute format('alter table public.%I add column if not exists created_at timestamptz not null default now()', name);
        execute format('alter table public.%I add column if not exists updated_at timestamptz not null default now()', name);
        execute format('drop trigger if exists touch_updated_at on public.%I', name);
        execute format('create trigger touch_updated_at before update on public.%I for each row when (old.* is distinct from new.*) execute function frieze.touch_updated_at()', name);

        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public, anon, authenticated', name);
        execute format('grant select on public.%I to anon, authenticated', name);
        execute format('grant insert, update, delete on public.%I to authenticated', name);
        execute format('grant all on public.%I to service_role', name);

        execute format('drop policy if exists %I on public.%I', name || '_read', name);
        execute format('create policy %I on public.%I for select to anon, authenticated using (%s)', name || '_read', name, may_read);
        execute format('drop policy if exists %I on public.%I', name || '_admin', name);
        execute format('create policy %I on public.%I for all to authenticated using ((select public.is_site_admin())) with check ((select public.is_site_admin()))', name || '_admin', name);
        execute format('drop policy if exists %I on public.%I', name || '_service', name);
        execute format('create policy %I on public.%I for all to service_role using (true) with check (true)', name || '_service', name);
    end loop;
end
$$;
