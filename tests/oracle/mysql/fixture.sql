CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE s (id int AUTO_INCREMENT PRIMARY KEY, a int, nn int NOT NULL, vc varchar(20), vc60 varchar(60), vc300 varchar(300), tx text, d decimal(10,2), e enum('a','b'), pid int, KEY ia (a), KEY ivc (vc));
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int, nn int NOT NULL, vc varchar(20), tx text, pid int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, st int GENERATED ALWAYS AS (a + 1) STORED, CONSTRAINT ck CHECK (a < 1000), CONSTRAINT fkp FOREIGN KEY (pid) REFERENCES p (id));
