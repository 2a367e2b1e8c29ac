CREATE TABLE decision (
  seq BIGINT NOT NULL,
  what TEXT NOT NULL,
  subject BIGINT NOT NULL,
  at BIGINT NOT NULL,
  operator BIGINT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (seq, what, subject)
)
