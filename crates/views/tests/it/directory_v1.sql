CREATE TABLE migration (version BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL);
INSERT INTO migration (version, at) VALUES (1, 17);
CREATE TABLE person (
  token BLOB NOT NULL PRIMARY KEY,
  phone TEXT UNIQUE,
  member BIGINT UNIQUE,
  inviter BIGINT,
  invite_code TEXT NOT NULL UNIQUE,
  name TEXT,
  is_demo BIGINT NOT NULL,
  gateway BIGINT,
  member_secret BLOB NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE sign_in_code (
  phone TEXT NOT NULL PRIMARY KEY,
  code_hash BLOB NOT NULL,
  expires_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL
);
CREATE TABLE session (
  token_hash BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  subject BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX session_subject ON session (kind, subject);
CREATE INDEX session_expiry ON session (expires_at);
CREATE TABLE operator_ (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE gateway (
  id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  key_hash BLOB NOT NULL UNIQUE,
  created_at BIGINT NOT NULL
);
INSERT INTO person (token, phone, member, invite_code, is_demo, member_secret, created_at)
  VALUES (x'01010101010101010101010101010101', '13812345678', 7, 'ABCDEFGH', 1,
  x'abababababababababababababababababababababababababababababababab', 17);
