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
