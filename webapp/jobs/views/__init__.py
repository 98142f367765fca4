"""Pages of jobs, groups and comparison."""
