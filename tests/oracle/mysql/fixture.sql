CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE s (id int AUTO_INCREMENT PRIMARY KEY, a int, nn int NOT NULL, vc varchar(20), vc60 varchar(60), vc300 varchar(300), tx text, d decimal(10,2), e enum('a','b'), pid int, KEY ia (a), KEY ivc (vc));
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int, nn int NOT NULL, vc varchar(20), tx text, pid int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, st int GENERATED ALWAYS AS (a + 1) STORED, CONSTRAINT ck CHECK (a < 1000), CONSTRAINT fkp FOREIGN KEY (pid) REFERENCES p (id));
CREATE TABLE l (id int NOT NULL PRIMARY KEY, a int, vc varchar(20), vc200 varchar(200), vb varbinary(20), b boolean, f float, ts timestamp NULL, st set('x'), tx text, KEY ab (a, b)) DEFAULT CHARSET=latin1;
CREATE TABLE ft (id int PRIMARY KEY, a int, body text, FULLTEXT KEY fk (body)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE nk (a int NOT NULL, b int, vc varchar(30), vc32 varchar(32), UNIQUE u (a)) DEFAULT CHARSET=utf8mb4;
