"""Recurring orders: when they run, how a run places its order, how a schedule changes, and what became of its runs.

`jobs_schedule.next_run_at` is the truth. Beat's row of a schedule only rings for it, and a sweep looks once a minute
for runs that no ring came for. The room places orders through `Kind.scheduled_orders`, so it knows no particular kind.
"""
