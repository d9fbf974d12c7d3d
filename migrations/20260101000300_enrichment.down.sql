-- kit: engine
drop table if exists
    public.agent_run_logs,
    public.agent_context,
    public.ai_response_cache,
    public.task_queue;
