-- People and companies from seven countries. About one in forty has a name that cp932 (Windows Japanese) cannot
-- encode: enough to find one, but too few to make every file fail.

INSERT INTO sales_customer (id, code, name, kana, email, phone, country, address, notes)
WITH people AS (
    SELECT id, rank, country,
           rank < 3 + customers / 200 OR pg_temp.draw(id, 21, 8) = 0 AS is_company,
           pg_temp.draw(id, 22, 1048576) AS family_draw,
           pg_temp.draw(id, 23, 1048576) AS given_draw,
           pg_temp.draw(id, 24, 16) AS style,
           pg_temp.draw(id, 25, 9000) + 1000 AS number
    FROM (
        SELECT customers, rank, pg_temp.customer_of_rank(rank, customers) AS id,
               (ARRAY['JP', 'JP', 'JP', 'JP', 'JP', 'JP', 'US', 'GB', 'DE', 'FR', 'JP', 'JP', 'JP', 'JP', 'US', 'US',
                      'DE', 'PL', 'GR', 'JP'])[1 + pg_temp.draw(rank, 20, 20)] AS country
        FROM pg_temp.customers_wanted() AS customers, generate_series(0, customers - 1) AS rank
    ) AS ranked
), words (country, families, family_kana, givens, given_kana, accented, places) AS (VALUES
    ('JP',
     ARRAY['佐藤', '鈴木', '高橋', '髙橋', '田中', '渡辺', '渡邊', '伊藤', '山本', '中村', '小林', '加藤', '吉田', '山田', '斎藤', '齋藤'],
     ARRAY['サトウ', 'スズキ', 'タカハシ', 'タカハシ', 'タナカ', 'ワタナベ', 'ワタナベ', 'イトウ', 'ヤマモト', 'ナカムラ', 'コバヤシ', 'カトウ', 'ヨシダ', 'ヤマダ', 'サイトウ', 'サイトウ'],
     ARRAY['翔太', '美咲', '健一', '陽菜', '大輔', '結衣', '誠', '葵', '拓也', 'さくら', '直樹', '恵子'],
     ARRAY['ショウタ', 'ミサキ', 'ケンイチ', 'ヒナ', 'ダイスケ', 'ユイ', 'マコト', 'アオイ', 'タクヤ', 'サクラ', 'ナオキ', 'ケイコ'],
     NULL::text[],
     ARRAY['東京都千代田区丸の内', '大阪府大阪市北区梅田', '北海道札幌市中央区大通西', '福岡県福岡市博多区', '京都府京都市中京区', '沖縄県那覇市']),
    ('US', ARRAY['Smith', 'Johnson', 'O''Brien', 'Garcia', 'Miller', 'Davis'], NULL,
     ARRAY['Emma', 'Liam', 'Olivia', 'Noah', 'Ava', 'James'], NULL, NULL,
     ARRAY['Main Street, Springfield, IL', 'Oak Avenue, Portland, OR', 'Broadway, New York, NY']),
    ('GB', ARRAY['Jones', 'Taylor', 'Evans', 'Walker', 'Wright', 'Patel'], NULL,
     ARRAY['Amelia', 'Oliver', 'Isla', 'Harry', 'Poppy', 'George'], NULL, NULL,
     ARRAY['High Street, London', 'Station Road, Leeds', 'Church Lane, Bath']),
    ('DE', ARRAY['Schneider', 'Weber', 'Fischer', 'Wagner', 'Becker', 'Hoffmann'], NULL,
     ARRAY['Anna', 'Lukas', 'Lena', 'Jonas', 'Emilia', 'Felix'], NULL,
     ARRAY['Jürgen Müller', 'Käthe Größ', 'Björn Schröder'],
     ARRAY['Hauptstrasse, Berlin', 'Bahnhofstrasse, Hamburg', 'Gartenweg, Leipzig']),
    ('FR', ARRAY['Martin', 'Bernard', 'Dubois', 'Moreau', 'Laurent', 'Girard'], NULL,
     ARRAY['Camille', 'Louis', 'Manon', 'Hugo', 'Alice', 'Jules'], NULL,
     ARRAY['Zoé Lefèvre', 'Noël Hélène d''Œuvre', 'François Çabal'],
     ARRAY['rue de la Paix, Paris', 'avenue Foch, Lyon', 'quai du Port, Marseille']),
    ('PL', ARRAY['Nowak', 'Kowalski', 'Wojcik', 'Mazur'], NULL,
     ARRAY['Jan', 'Maria', 'Piotr', 'Anna'], NULL,
     ARRAY['Michał Wiśniewski', 'Małgorzata Dąbrowska', 'Łukasz Żółć'],
     ARRAY['ul. Nowy Swiat, Warszawa', 'ul. Dluga, Gdansk']),
    ('GR', ARRAY['ΠΑΠΑΔΟΠΟΥΛΟΣ', 'ΓΕΩΡΓΙΟΥ', 'ΝΙΚΟΛΑΟΥ'], NULL,
     ARRAY['ΓΙΩΡΓΟΣ', 'ΜΑΡΙΑ', 'ΕΛΕΝΗ'], NULL,
     ARRAY['Γιώργος Αντωνίου', 'Ελένη Παππά'],
     ARRAY['Ermou, Athens', 'Tsimiski, Thessaloniki'])
), named AS (
    SELECT people.*,
           pg_temp.pick(families, family_draw) AS family,
           pg_temp.pick(family_kana, family_draw) AS family_reading,
           pg_temp.pick(givens, given_draw) AS given,
           pg_temp.pick(given_kana, given_draw) AS given_reading,
           CASE WHEN style < 2 THEN pg_temp.pick(accented, family_draw) END AS accented_name,
           pg_temp.pick(places, pg_temp.draw(id, 26, 1048576)) AS place
    FROM people JOIN words USING (country)
)
SELECT id,
       'C' || lpad(id::text, 7, '0'),
       CASE WHEN is_company AND country = 'JP' AND mod(style, 3) = 0 THEN '㈱' || family || '商店'
            WHEN is_company AND country = 'JP' THEN '株式会社' || family || '物産'
            WHEN is_company AND country = 'DE' THEN family || ' GmbH & Co. KG'
            WHEN is_company AND country = 'FR' THEN format('"Chez %s", SARL', family)
            WHEN is_company THEN family || ' & Sons, Ltd.'
            WHEN country = 'JP' THEN family || '　' || given
            ELSE coalesce(accented_name, given || ' ' || family) END,
       CASE WHEN country = 'JP' AND is_company THEN family_reading
            WHEN country = 'JP' THEN family_reading || '　' || given_reading END,
       CASE WHEN style <> 7 THEN format('c%s@example.%s', id, (ARRAY['com', 'net', 'org'])[1 + mod(id, 3)]) END,
       CASE WHEN style IN (3, 11) THEN NULL
            WHEN country = 'JP' AND style < 5 THEN format('+81-3-5550-%s', number)
            WHEN country = 'JP' THEN format('03-5550-%s', number)
            WHEN country = 'US' THEN format('(555) 010-%s', number)
            ELSE format('+%s 20 5550 %s', (ARRAY['44', '49', '33', '48', '30'])[
                 array_position(ARRAY['GB', 'DE', 'FR', 'PL', 'GR'], country)], number) END,
       country,
       CASE WHEN country = 'JP' THEN format('〒%s-%s %s%s-%s', 100 + mod(id, 800), number, place, 1 + mod(id, 9), 1 + style)
            WHEN mod(style, 4) = 0 THEN format(E'%s %s\r\n%s', 1 + mod(number, 200), place, country)
            ELSE format('%s %s', 1 + mod(number, 200), place) END,
       CASE mod(id, 23) WHEN 0 THEN '請求書は月末締め、翌月払い'
                        WHEN 3 THEN 'Says "call first", then deliver'
                        WHEN 5 THEN E'Gate code 0042\nDog: friendly'
                        WHEN 8 THEN '-5 % discount agreed'
                        WHEN 11 THEN '＝重要＝ 担当者変更'
                        WHEN 14 THEN ''
                        WHEN 17 THEN E'Invoice to head office;\r\nparcels to the branch' END
FROM named
ORDER BY id;
