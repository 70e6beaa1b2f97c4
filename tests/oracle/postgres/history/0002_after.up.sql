CREATE TABLE summary AS SELECT id, t.name AS title, now()::date AS day, size::bigint FROM teams t;
CREATE TABLE everything AS SELECT * FROM teams WITH NO DATA;
ALTER TABLE summary ADD PRIMARY KEY (id), ALTER COLUMN title SET NOT NULL;
ALTER TABLE odd RENAME COLUMN kept TO held;
ALTER TABLE odd ALTER COLUMN letters TYPE text, DROP COLUMN outside, ADD COLUMN IF NOT EXISTS more jsonb NOT NULL DEFAULT '{}';
ALTER TYPE mood ADD VALUE 'great' AFTER 'ok';
ALTER TABLE fast RENAME TO quick;
CREATE UNIQUE INDEX by_title ON summary (title) INCLUDE (day) WHERE day IS NOT NULL;
CREATE VIEW names AS SELECT name FROM teams;
DO $$
BEGIN
    ALTER TABLE plain ADD COLUMN late int;
    EXECUTE 'ALTER TABLE plain ADD COLUMN later int DEFAULT 3';
END
$$;
DROP TABLE part;
-- names that a column's own constraints are given
CREATE TABLE inline_names (
    id bigint CONSTRAINT inline_names_id PRIMARY KEY,
    word text CONSTRAINT inline_names_word UNIQUE,
    size integer CONSTRAINT inline_names_positive CHECK (size > 0) CHECK (size < 100),
    other bigint CONSTRAINT inline_names_other REFERENCES inline_names (id)
);
ALTER TABLE inline_names ADD COLUMN more integer CONSTRAINT inline_names_more CHECK (more > 0), ADD COLUMN last bigint CONSTRAINT inline_names_last REFERENCES inline_names (id);
ALTER TABLE inline_names DROP CONSTRAINT inline_names_other;
ALTER TABLE inline_names RENAME CONSTRAINT inline_names_word TO inline_names_words;
