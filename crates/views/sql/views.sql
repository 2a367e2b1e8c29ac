CREATE TABLE meta (
  id BIGINT NOT NULL PRIMARY KEY,
  schema_version BIGINT NOT NULL,
  applied_seq BIGINT NOT NULL,
  applied_at BIGINT NOT NULL,
  first_batch BLOB,
  mark_seq BIGINT,
  mark_hash BLOB
);
CREATE TABLE member (
  id BIGINT NOT NULL PRIMARY KEY,
  inviter BIGINT,
  registered_at BIGINT NOT NULL,
  in_groups BIGINT NOT NULL,
  settled_seats BIGINT NOT NULL,
  won_seats BIGINT NOT NULL
);
CREATE INDEX member_inviter ON member (inviter, settled_seats);
CREATE TABLE campaign (
  id BIGINT NOT NULL PRIMARY KEY,
  name_zh TEXT NOT NULL,
  name_en TEXT NOT NULL,
  price BIGINT NOT NULL,
  seats BIGINT NOT NULL,
  winners BIGINT NOT NULL,
  published_at BIGINT NOT NULL,
  hash BLOB NOT NULL,
  terms BLOB NOT NULL,
  file TEXT NOT NULL
);
CREATE TABLE group_ (
  id BIGINT NOT NULL PRIMARY KEY,
  campaign BIGINT NOT NULL,
  leader BIGINT NOT NULL,
  state TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  paid BIGINT NOT NULL,
  held BIGINT NOT NULL,
  filled_at BIGINT,
  ended_at BIGINT,
  closing TEXT
);
CREATE INDEX group_campaign ON group_ (campaign, state, id);
CREATE INDEX group_campaign_all ON group_ (campaign, id);
CREATE INDEX group_state ON group_ (state, id);
CREATE TABLE seat (
  group_id BIGINT NOT NULL,
  idx BIGINT NOT NULL,
  member BIGINT NOT NULL,
  via BIGINT,
  state TEXT NOT NULL,
  seat_no BIGINT,
  reserved_at BIGINT NOT NULL,
  pay_by BIGINT NOT NULL,
  paid_at BIGINT,
  amount BIGINT,
  txn TEXT,
  tag BLOB,
  refund BIGINT,
  refunded_for TEXT,
  order_id BIGINT,
  PRIMARY KEY (group_id, idx)
);
CREATE INDEX seat_member ON seat (member, group_id, idx);
CREATE TABLE payment (
  txn TEXT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  group_id BIGINT,
  idx BIGINT,
  member BIGINT,
  amount BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  PRIMARY KEY (txn, seq)
);
CREATE INDEX payment_seat ON payment (group_id, idx);
CREATE TABLE refund (
  id BIGINT NOT NULL PRIMARY KEY,
  txn TEXT NOT NULL,
  group_id BIGINT,
  idx BIGINT,
  member BIGINT,
  amount BIGINT NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  paid_at BIGINT,
  fee_back BIGINT
);
CREATE INDEX refund_txn ON refund (txn);
CREATE INDEX refund_state ON refund (state, id);
CREATE TABLE order_ (
  id BIGINT NOT NULL PRIMARY KEY,
  group_id BIGINT NOT NULL,
  idx BIGINT NOT NULL,
  seat_no BIGINT NOT NULL,
  member BIGINT NOT NULL,
  campaign BIGINT NOT NULL,
  price BIGINT NOT NULL,
  state TEXT NOT NULL,
  at BIGINT NOT NULL,
  shipped_at BIGINT,
  received_by BIGINT,
  received_at BIGINT,
  return_until BIGINT,
  kept_at BIGINT
);
CREATE INDEX order_member ON order_ (member, id);
CREATE INDEX order_state ON order_ (state, id);
CREATE TABLE wallet_line (
  member BIGINT NOT NULL,
  account TEXT NOT NULL,
  seq BIGINT NOT NULL,
  line_no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  balance BIGINT NOT NULL,
  kind TEXT NOT NULL,
  program TEXT,
  group_id BIGINT,
  idx BIGINT,
  campaign BIGINT,
  source_seat BIGINT,
  generation BIGINT,
  base BIGINT,
  rate BIGINT,
  rule BIGINT,
  refund BIGINT,
  PRIMARY KEY (member, account, seq, line_no)
);
CREATE TABLE ledger_line (
  seq BIGINT NOT NULL,
  line_no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  account TEXT NOT NULL,
  holder BIGINT NOT NULL,
  asset TEXT NOT NULL,
  amount BIGINT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (seq, line_no)
);
CREATE INDEX ledger_account ON ledger_line (account, seq, line_no);
CREATE INDEX ledger_holder ON ledger_line (account, holder, seq, line_no);
CREATE TABLE balance (
  account TEXT NOT NULL,
  holder BIGINT NOT NULL,
  asset TEXT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (account, holder)
);
CREATE TABLE draw_ (
  group_id BIGINT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  open_hash BLOB NOT NULL,
  seats_hash BLOB,
  freeze_hash BLOB,
  result_hash BLOB,
  void_hash BLOB,
  frozen_at BIGINT,
  round BIGINT,
  round_time BIGINT,
  signature BLOB,
  seed BLOB,
  winners TEXT
);
CREATE INDEX draw_state ON draw_ (state, group_id);
CREATE TABLE draw_file (
  group_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (group_id, name)
);
