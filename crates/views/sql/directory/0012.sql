ALTER TABLE decision RENAME TO decision_before;
CREATE TABLE decision (
  id BIGINT NOT NULL PRIMARY KEY,
  request BLOB,
  seq BIGINT NOT NULL,
  what TEXT NOT NULL,
  subject BIGINT NOT NULL,
  at BIGINT NOT NULL,
  operator BIGINT NOT NULL,
  reason TEXT NOT NULL
);
INSERT INTO decision (id, seq, what, subject, at, operator, reason)
  SELECT ROW_NUMBER() OVER (ORDER BY seq, what, subject), seq, what, subject, at, operator, reason FROM decision_before;
DROP TABLE decision_before;
CREATE INDEX decision_request ON decision (request);
CREATE TABLE number_given (
  of_what TEXT NOT NULL PRIMARY KEY,
  next BIGINT NOT NULL
);
INSERT INTO number_given (of_what, next)
  SELECT 'application', COALESCE(MAX(given) + 1, 0) FROM (
    SELECT id AS given FROM merchant_application
    UNION ALL SELECT subject FROM approval WHERE what = 'admit-merchant'
    UNION ALL SELECT subject FROM decision WHERE what IN ('admit-merchant', 'decline-application')
  ) AS earlier
