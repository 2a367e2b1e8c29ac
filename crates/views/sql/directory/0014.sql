CREATE TABLE answered (
  request BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  subject BIGINT,
  content BLOB NOT NULL,
  status BIGINT NOT NULL,
  body TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX answered_at ON answered (at);
CREATE INDEX answered_who ON answered (kind, subject);
ALTER TABLE refusal ADD COLUMN times BIGINT NOT NULL DEFAULT 1;
ALTER TABLE refusal ADD COLUMN crowd TEXT;
CREATE UNIQUE INDEX refusal_crowd ON refusal (crowd);
CREATE INDEX refusal_code ON refusal (code, id);
CREATE INDEX refusal_who ON refusal (kind, subject, id);
CREATE TABLE noted_up_to (
  name TEXT NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL
)
