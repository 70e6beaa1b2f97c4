CREATE TABLE teams (
  id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(50) NOT NULL,
  mood enum('sad','ok') DEFAULT 'ok',
  created timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  slug varchar(20) GENERATED ALWAYS AS (lower(name)) STORED,
  PRIMARY KEY (id),
  UNIQUE KEY by_name (name),
  KEY by_created (created),
  KEY (mood, slug)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE users (
  id bigint PRIMARY KEY AUTO_INCREMENT,
  team_id int unsigned NOT NULL,
  email varchar(255) NOT NULL UNIQUE,
  score decimal(10,2) DEFAULT 0,
  active boolean NOT NULL DEFAULT true,
  ratio double, f float, born date, at time(3), dt datetime(6), y year, data longblob, t text, mt mediumtext, j json, b bit(3), c char(3), bin binary(16), vb varbinary(20),
  tiny tinyint, small smallint unsigned, med mediumint, s set('a','b'),
  CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id) ON DELETE CASCADE,
  CHECK (score >= 0)
);
