CREATE TABLE payout_account (
  token BLOB NOT NULL PRIMARY KEY,
  member BIGINT NOT NULL,
  name TEXT NOT NULL,
  account TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  verified_at BIGINT,
  verified_by BIGINT,
  replaced_at BIGINT
);
CREATE INDEX payout_account_member ON payout_account (member)
