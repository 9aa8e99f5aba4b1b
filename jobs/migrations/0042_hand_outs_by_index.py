from django.db import migrations

#: Rows of no queue, which are only counted. PostgreSQL estimates the pages of an index that a search reads from the
#: number of rows. While a long snapshot keeps 50,000 deleted rows of `jobs_handout` and two are left, it takes them for
#: half of the index, and reads the whole table instead, at each look. Among a thousand rows one is one page.
#: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/adt/selfuncs.c (genericcostestimate)
INSERT = """
    INSERT INTO jobs_handout (queue, number, last_owner, waiting_from)
    SELECT '', number, 0, '00000000-0000-0000-0000-000000000000' FROM generate_series(1, 1000) AS number
    ON CONFLICT DO NOTHING
"""
DELETE = "DELETE FROM jobs_handout WHERE queue = ''"


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0041_storage_parameters'),
    ]

    operations = [migrations.RunSQL(INSERT, DELETE)]
