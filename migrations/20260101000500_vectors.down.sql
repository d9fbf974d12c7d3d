-- kit: engine
-- The extension stays: other tables of the database may use it.
drop table if exists public.content_embeddings, public.agent_memory;
