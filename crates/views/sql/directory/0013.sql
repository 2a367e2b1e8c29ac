CREATE TABLE departed (
  salt BLOB NOT NULL PRIMARY KEY,
  phone_hash BLOB NOT NULL,
  until BIGINT NOT NULL
)
