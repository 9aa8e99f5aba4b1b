from django.db import migrations

#: By table. A job is updated several times, and mostly without a change of an index: such an update needs room in the
#: page of the row. Autovacuum's default waits for a fifth of a table to change, which for tables that keep a week of
#: ended jobs is far more than what the hand-outs read. https://www.postgresql.org/docs/current/sql-createtable.html
PARAMETERS = {
    "jobs_job": {
        "fillfactor": 80,
        "autovacuum_vacuum_scale_factor": 0.01,
        "autovacuum_vacuum_threshold": 1000,
        "autovacuum_analyze_scale_factor": 0.02,
        "autovacuum_analyze_threshold": 1000,
    },
    "jobs_attempt": {
        "fillfactor": 90,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_threshold": 1000,
        "autovacuum_analyze_scale_factor": 0.02,
    },
    "jobs_event": {"autovacuum_vacuum_insert_scale_factor": 0.05, "autovacuum_analyze_scale_factor": 0.02},
    "jobs_handout": {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 500},
    "jobs_queue": {"fillfactor": 50, "autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 100},
}
SET = [
    f"ALTER TABLE {table} SET ({', '.join(f'{name} = {value}' for name, value in parameters.items())})"
    for table, parameters in PARAMETERS.items()
]
RESET = [f"ALTER TABLE {table} RESET ({', '.join(parameters)})" for table, parameters in PARAMETERS.items()]


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0040_narrower_indexes'),
    ]

    operations = [migrations.RunSQL(SET, RESET)]
