CREATE TABLE inbox_read (
  member BIGINT NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  month BIGINT NOT NULL
);
CREATE TABLE notice_choice (
  connector TEXT NOT NULL,
  member BIGINT NOT NULL,
  kinds BIGINT NOT NULL,
  PRIMARY KEY (member, connector)
);
CREATE INDEX notice_choice_connector ON notice_choice (connector, member);
CREATE TABLE connector (
  name TEXT NOT NULL PRIMARY KEY,
  up_to TEXT NOT NULL,
  back_to TEXT,
  under_way BIGINT NOT NULL,
  file_bytes BIGINT NOT NULL,
  sent BIGINT NOT NULL,
  unknown BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  sent_at BIGINT
)
