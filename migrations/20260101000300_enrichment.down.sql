-- kit: engine
select frieze.unmake('enrichments', 'provider_quotas', 'agent_run_logs', 'agent_context', 'ai_response_cache', 'task_queue');
