CREATE TABLE merchant_application (
  id BIGINT NOT NULL PRIMARY KEY,
  member BIGINT NOT NULL UNIQUE,
  token BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  contact TEXT NOT NULL,
  state TEXT NOT NULL,
  merchant BIGINT UNIQUE,
  at BIGINT NOT NULL,
  reason TEXT
);
CREATE TABLE store_row (
  token BLOB NOT NULL PRIMARY KEY,
  merchant BIGINT NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL
);
CREATE TABLE staff_scope (
  operator BIGINT NOT NULL PRIMARY KEY,
  merchant BIGINT NOT NULL,
  store BIGINT
);
CREATE TABLE merchant_draft (
  id BIGINT NOT NULL PRIMARY KEY,
  merchant BIGINT NOT NULL,
  request BLOB NOT NULL UNIQUE,
  file TEXT NOT NULL,
  state TEXT NOT NULL,
  at BIGINT NOT NULL,
  campaign BIGINT,
  reason TEXT
)
