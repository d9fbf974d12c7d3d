-- kit: portfolio
-- Takes the content with it: export first what should outlive it. Tables that were there before
-- frieze stay.
select frieze.unmake(
    'page_layouts', 'testimonials', 'solutions', 'experience', 'projects', 'skills', 'profile'
);
