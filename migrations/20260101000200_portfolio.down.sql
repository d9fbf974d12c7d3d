-- kit: portfolio
-- Takes the content with it: export first what should outlive it.
drop table if exists
    public.page_layouts,
    public.testimonials,
    public.solutions,
    public.experience,
    public.projects,
    public.skills,
    public.profile;
