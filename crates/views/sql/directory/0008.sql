CREATE TABLE fetch_code (
  code TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  id BIGINT NOT NULL,
  member BIGINT NOT NULL,
  at BIGINT NOT NULL,
  UNIQUE (kind, id, member)
)
