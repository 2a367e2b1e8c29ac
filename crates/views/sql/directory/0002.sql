CREATE TABLE shipping (
  order_id BIGINT NOT NULL PRIMARY KEY,
  member BIGINT NOT NULL,
  carrier TEXT NOT NULL,
  number TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX shipping_member ON shipping (member);
CREATE TABLE refusal (
  id BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  subject BIGINT,
  code TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX refusal_subject ON refusal (kind, subject);
CREATE TABLE pay_page (
  group_id BIGINT NOT NULL,
  idx BIGINT NOT NULL,
  url TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (group_id, idx)
);
CREATE TABLE demo_inbox (
  id BIGINT NOT NULL PRIMARY KEY,
  phone TEXT NOT NULL,
  code TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX demo_inbox_phone ON demo_inbox (phone, id)
