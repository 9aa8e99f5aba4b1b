-- Exactly the requested number of lines; each is computed from its number and the time of its order.
-- OFFSET 0 keeps the planner from computing a draw again for every use of it.

INSERT INTO sales_order_line (id, order_id, product_id, quantity, unit_price, discount_percent, amount)
WITH placed AS (
    SELECT ((sales_order.id - 1) / 10 * 30 + first_line + line)::bigint AS id,
           sales_order.id AS order_id,
           extract(year FROM ordered_at AT TIME ZONE 'UTC')::int - 2019 AS years,
           extract(month FROM ordered_at AT TIME ZONE 'UTC')::int AS month
    FROM sales_order
    JOIN pg_temp.basket ON basket.pattern = pg_temp.draw((sales_order.id - 1) / 10, 40, 4)
                       AND basket.place = mod(sales_order.id - 1, 10)
    CROSS JOIN LATERAL generate_series(1, size) AS line
    OFFSET 0
), drawn AS (
    SELECT id, order_id, years, month,
           pg_temp.draw(id, 50, 8) = 0 AS is_seasonal,
           1 + mod(pg_temp.skewed_draw(id, 51, 480) * 229 + 31, 480) AS popular_product,
           pg_temp.draw(id, 52, 100) AS quantity_draw,
           pg_temp.draw(id, 53, 100) AS discount_draw
    FROM placed
    WHERE id <= pg_temp.lines_wanted()
    OFFSET 0
), chosen AS (
    SELECT id, order_id, years,
           CASE -- March is for stationery, early summer for the garden, August for outdoors, December for toys.
                WHEN is_seasonal AND month IN (3, 5, 6, 8, 12)
                THEN (ARRAY[0, 0, 9, 0, 4, 4, 0, 8, 0, 0, 0, 10])[month] * 40 + 1 + pg_temp.skewed_draw(id, 54, 40)
                -- Home robots (the last 40) were launched in April 2023; until then, something else was bought.
                WHEN popular_product > 440 AND years * 12 + month < 4 * 12 + 4
                THEN 1 + pg_temp.draw(id, 55, 440)
                ELSE popular_product END AS product_id,
           -- Most lines have quantity one; one in a hundred is a bulk purchase.
           CASE WHEN quantity_draw < 68 THEN 1
                WHEN quantity_draw < 86 THEN 2
                WHEN quantity_draw < 95 THEN 3 + mod(id, 3)
                WHEN quantity_draw < 99 THEN 6 + mod(id, 7)
                ELSE 20 + mod(id, 101) END AS quantity,
           CASE WHEN discount_draw < 80 THEN 0
                ELSE (ARRAY[5, 5, 10, 10, 15, 20, 30, 50])[1 + mod(discount_draw, 8)] END AS discount_percent
    FROM drawn
    OFFSET 0
), priced AS (
    -- Prices rise by two percent of the list price a year.
    SELECT chosen.*, round(list_price * (100 + 2 * years) * 0.01, 2) AS unit_price
    FROM chosen JOIN sales_product ON sales_product.id = product_id
    OFFSET 0
)
SELECT id, order_id, product_id, quantity, unit_price, discount_percent,
       round(quantity * unit_price * (100 - discount_percent) * 0.01, 2)
FROM priced;
