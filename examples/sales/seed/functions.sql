-- Every value of the sample data is arithmetic on a row number, so the same number of lines gives the
-- same bytes on every machine: no random(), no now(), no floating point, no dependence on a plan.
--
-- The hash is the one behind PostgreSQL's own hash partitioning, which must stay the same across
-- versions and platforms. `salt` keeps the draws for one row independent of each other.
-- The functions live in pg_temp, end with the session and are inlined by the planner.

CREATE OR REPLACE FUNCTION pg_temp.draw(n bigint, salt bigint, below bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT ((hashint8extended(n, salt) & 1048575) * below) >> 20     -- 0 … below - 1, all alike
$$;

-- The cube of a uniform draw: half of all draws fall into the lowest eighth. A few values are popular, most are rare.
CREATE OR REPLACE FUNCTION pg_temp.cube(uniform bigint, below bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT ((((uniform * uniform) >> 20) * uniform) >> 20) * below >> 20
$$;

CREATE OR REPLACE FUNCTION pg_temp.skewed_draw(n bigint, salt bigint, below bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_temp.cube(hashint8extended(n, salt) & 1048575, below)
$$;

CREATE OR REPLACE FUNCTION pg_temp.pick(choices text[], chosen bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT choices[1 + mod(chosen, cardinality(choices))::int] $$;

-- The requested number of order lines.
CREATE OR REPLACE FUNCTION pg_temp.lines_wanted() RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT current_setting('sales.seed_lines')::bigint $$;

-- Orders come in blocks of ten that have thirty lines together, split in one of four ways. So the order of
-- any line, and the first line of any order, is known without counting the ones before it.
CREATE OR REPLACE VIEW pg_temp.basket AS
SELECT pattern - 1 AS pattern, place - 1 AS place, size,
       sum(size) OVER (PARTITION BY pattern ORDER BY place) - size AS first_line
FROM (VALUES (1, ARRAY[1, 2, 1, 5, 3, 1, 2, 8, 4, 3]),
             (2, ARRAY[2, 1, 1, 1, 12, 3, 2, 1, 4, 3]),
             (3, ARRAY[3, 2, 4, 1, 2, 6, 1, 3, 5, 3]),
             (4, ARRAY[1, 1, 2, 3, 1, 4, 2, 9, 1, 6])) AS patterns (pattern, sizes),
     unnest(sizes) WITH ORDINALITY AS baskets (size, place);

CREATE OR REPLACE FUNCTION pg_temp.orders_wanted() RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT lines / 30 * 10 + (SELECT count(*) FROM pg_temp.basket
                              WHERE pattern = pg_temp.draw(lines / 30, 40, 4) AND first_line < mod(lines, 30))
    FROM pg_temp.lines_wanted() AS lines
$$;

-- One customer for every 40 lines, but at least 200 and at most 100,000.
CREATE OR REPLACE FUNCTION pg_temp.customers_wanted() RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT least(greatest(pg_temp.lines_wanted() / 40, 200), 100000) $$;

-- The customer who buys most has rank 0. The prime scatters ranks over the account numbers, one to one.
CREATE OR REPLACE FUNCTION pg_temp.customer_of_rank(rank bigint, customers bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT 1 + mod(rank * 7654337 + 17, customers) $$;
