-- kit: engine
-- The extension stays: other tables of the database may use it.
select frieze.unmake('content_embeddings', 'agent_memory');
