CREATE TABLE approval (
  id BIGINT NOT NULL PRIMARY KEY,
  what TEXT NOT NULL,
  subject BIGINT NOT NULL,
  body TEXT NOT NULL,
  request BLOB NOT NULL UNIQUE,
  operator BIGINT NOT NULL,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL,
  state TEXT NOT NULL,
  second BIGINT,
  second_reason TEXT,
  second_at BIGINT,
  seq BIGINT
)
