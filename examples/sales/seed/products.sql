-- 480 products: 12 categories of 8 articles in 5 variants. The last category was launched in April 2023,
-- so that a comparison with the year before has rows without a base.
-- All texts can be encoded in cp932 (Windows Japanese).

INSERT INTO sales_product (id, sku, name, category, list_price)
SELECT id,
       format('%s-%s', prefix, lpad(id::text, 4, '0')),
       rtrim(article || ' ' || variant),
       category,
       -- 40 % to 340 % of the category's usual price, most of them low; never a round number, as shops do.
       (base_cents * (40 + pg_temp.skewed_draw(id, 11, 300)) / 100 / 50 * 50 + 40) * 0.01
FROM (
    SELECT (category_no - 1) * 40 + (article_no - 1) * 5 + variant_no AS id,
           category, prefix, base_cents, article, variant
    FROM (VALUES
        (1, 'Books', 'BK', 1800, ARRAY['Novel', 'Cookbook', '文庫本', 'Atlas', '写真集', 'Dictionary', '絵本', 'Travel guide'],
            ARRAY['', '2nd edition', '(signed)', '改訂版', 'large print']),
        (2, 'Coffee & Tea', 'CT', 1400, ARRAY['Espresso beans', '煎茶', 'Darjeeling', '抹茶', 'Filter coffee', 'ほうじ茶', 'Earl Grey', '玄米茶'],
            ARRAY['100 g', '250 g', '500 g', '1 kg', '詰め合わせ']),
        (3, 'Electronics', 'EL', 8900, ARRAY['Headphones', 'Keyboard', '充電器', 'Monitor 27"', 'Web camera', '電子辞書', 'Speaker', 'USB hub, 4 ports'],
            ARRAY['black', 'white', 'silver', '限定色', 'refurbished']),
        (4, 'Fashion', 'FA', 4900, ARRAY['T-shirt', 'Scarf', '浴衣', 'Jacket', '足袋ソックス', 'Cap', 'Raincoat', 'ベルト'],
            ARRAY['S', 'M', 'L', 'XL', 'フリーサイズ']),
        (5, 'Garden', 'GA', 3200, ARRAY['Pruning shears', 'Watering can', '植木鉢', 'Spade', '園芸用土', 'Hose 1/2"', 'Rake', '種セット'],
            ARRAY['small', 'medium', 'large', '特大', 'starter set']),
        (6, 'Health', 'HE', 2100, ARRAY['Vitamin C', 'Thermometer', '入浴剤', 'First-aid kit', 'マスク', 'Toothbrush', 'Sunscreen', '温熱シート'],
            ARRAY['x 1', 'x 3', 'x 10', 'x 30', 'お徳用']),
        (7, 'Kitchen', 'KI', 3900, ARRAY['Chef''s knife', 'Cutting board', '土鍋', 'Frying pan', '急須', 'Mixing bowl', 'Kettle', '弁当箱'],
            ARRAY['', 'Pro', 'mini', 'set of 2', '赤']),
        (8, 'Music', 'MU', 6500, ARRAY['Ukulele', 'Metronome', '尺八', 'Guitar strings', '楽譜', 'Drumsticks', 'Harmonica in C', 'チューナー'],
            ARRAY['', 'beginner', 'concert', '木製', 'gift box']),
        (9, 'Outdoor', 'OU', 7400, ARRAY['Tent', 'Sleeping bag', '寝袋', 'Lantern', '登山靴', 'Backpack 40 l', 'Camp chair', '水筒'],
            ARRAY['green', 'blue', 'grey', '軽量', 'family']),
        (10, 'Stationery', 'ST', 900, ARRAY['Notebook', 'Fountain pen', '万年筆', 'Eraser', '和紙便箋', 'Ruler, 30 cm', 'Marker', '手帳'],
            ARRAY['A4', 'A5', 'B5', '12色', '2 pack']),
        (11, 'Toys', 'TO', 3300, ARRAY['Wooden train', 'Puzzle', 'けん玉', 'Plush bear', '折り紙', 'Board game', 'Kite', 'プラモデル'],
            ARRAY['', 'junior', 'deluxe', '1/144', 'bilingual']),
        (12, 'Home robots', 'RO', 24900, ARRAY['Vacuum robot', 'Window robot', '見守りロボット', 'Lawn robot', '配膳ロボット', 'Mop robot', 'Pet feeder', 'ロボット犬'],
            ARRAY['V1', 'V1 plus', 'V2', 'V2 plus', '専用電池'])
    ) AS categories (category_no, category, prefix, base_cents, articles, variants),
    unnest(articles) WITH ORDINALITY AS article_list (article, article_no),
    unnest(variants) WITH ORDINALITY AS variant_list (variant, variant_no)
) AS catalogue
ORDER BY id;

