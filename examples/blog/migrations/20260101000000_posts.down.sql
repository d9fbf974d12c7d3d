drop table if exists public.posts;
drop function if exists public.posts_touch();
