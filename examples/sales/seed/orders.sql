-- Five years of orders, 2019 to 2023, in UTC. A day's share of all orders is a product of whole numbers:
-- growth over the years, the season (peaks in December and March), the weekday, and 10 % of noise.
-- IDs increase with time, as they do in a shop.

INSERT INTO sales_order (id, customer_id, ordered_at, channel, note)
WITH size AS MATERIALIZED (
    SELECT pg_temp.orders_wanted() AS orders, pg_temp.customers_wanted() AS customers
), weighted_days AS (
    SELECT day,
           (ARRAY[100, 112, 118, 137, 160])[extract(year FROM date '2019-01-01' + day)::int - 2018]
           * (ARRAY[88, 82, 128, 98, 96, 84, 101, 92, 90, 97, 112, 165])[extract(month FROM date '2019-01-01' + day)::int]
           * (ARRAY[95, 88, 90, 94, 108, 135, 128])[extract(isodow FROM date '2019-01-01' + day)::int]
           * (90 + pg_temp.draw(day, 30, 21)) AS weight
    FROM generate_series(0, date '2023-12-31' - date '2019-01-01') AS day
), cumulated_days AS (
    SELECT day, weight,
           sum(weight) OVER (ORDER BY day)::bigint AS until,
           sum(weight) OVER ()::bigint AS total
    FROM weighted_days
), days AS (
    SELECT day, orders, customers,
           orders * (until - weight) / total AS first_order,
           orders * until / total - orders * (until - weight) / total AS orders_of_day
    FROM cumulated_days, size
), moments AS (
    -- The time of an order within its day, in millionths; in sequence, with a little noise.
    SELECT day, orders, customers, first_order + place AS id,
           (place * 1024 - 1 - pg_temp.draw(first_order + place, 31, 1024)) * 1000000 / (orders_of_day * 1024) AS moment
    FROM days, generate_series(1, orders_of_day) AS place
    OFFSET 0
)
SELECT id,
       -- Half of the customers existed from the start; the others joined gradually.
       pg_temp.customer_of_rank(pg_temp.skewed_draw(id, 32, customers * (orders + id) / (2 * orders)), customers),
       -- The shop opens at six; the middle of its 18 hours is twice as busy as their average.
       timestamptz '2019-01-01 00:00:00+00' + make_interval(secs => day * 86400 + 21600 + 64800 * (
           moment + moment * (1000000 - moment) / 1000000 * (1000000 - 2 * moment) / 1000000) / 1000000),
       (ARRAY['web', 'web', 'web', 'store', 'phone'])[1 + pg_temp.draw(id, 33, 5)],
       -- One order in seven has a note; the notes alternate, so that each also occurs in a small shop. A few
       -- notes have characters that cp932 cannot encode.
       CASE WHEN mod(id, 311) = 100 THEN (ARRAY[
                '🎁 Happy birthday! 🎂', 'Größe L, bitte', 'Café crème, s’il vous plaît', 'Zażółć gęślą jaźń',
                'Καλημέρα, ευχαριστώ'])[1 + mod(id / 311, 5)]
            WHEN mod(id, 7) = 3 THEN (ARRAY[
                'お届けは午前中にお願いします', 'Leave it with the neighbour, please', 'He said "ring twice"',
                '=SUM(A1)', '+81-3-5550-1234 に電話してください', '-5 % discount agreed by phone', '@handle: see invoice',
                '＝A1+B1', '＋1 extra bag', '－5℃以下で保管', '＠受付', E'First line\nSecond line',
                E'Attention:\r\nfragile', E'\tindented', E'\r\nstarts with a break', '', '  spaces around  ', 'NULL',
                'C:\temp\new', '\N', '00123', '2023/4/1', '"', ',', '領収書は「上様」、2枚で', 'ｷﾞﾌﾄ包装希望',
                '=HYPERLINK("http://example.com/","click")', 'semicolon; tab	pipe|', '№ １２３',
                E'\n=1+1 after a break'])[1 + mod(id / 7, 30)] END
FROM moments;
