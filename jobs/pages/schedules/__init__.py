"""Pages for schedules: the list, one schedule, and the form. They serve every kind whose orders can be scheduled."""
