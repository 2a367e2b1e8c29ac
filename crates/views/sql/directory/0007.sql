CREATE TABLE category (
  id INTEGER NOT NULL PRIMARY KEY,
  name_zh TEXT NOT NULL,
  name_en TEXT NOT NULL
);
CREATE TABLE product (
  id INTEGER NOT NULL PRIMARY KEY,
  token BLOB NOT NULL UNIQUE,
  category BIGINT,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  text_zh TEXT NOT NULL,
  text_en TEXT NOT NULL,
  pictures TEXT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE INDEX product_category ON product (category, id);
CREATE TABLE picture (
  hash BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  bytes BLOB NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE purchase_shipment (
  purchase BIGINT NOT NULL,
  member BIGINT NOT NULL,
  carrier TEXT NOT NULL,
  number TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (purchase, member)
);
CREATE TABLE delivery (
  kind TEXT NOT NULL,
  id BIGINT NOT NULL,
  member BIGINT NOT NULL,
  name TEXT NOT NULL,
  phone TEXT NOT NULL,
  region TEXT NOT NULL,
  address TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (kind, id, member)
)
