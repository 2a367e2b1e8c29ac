CREATE TABLE meta (
  id INTEGER NOT NULL PRIMARY KEY,
  schema_version BIGINT NOT NULL,
  applied_seq BIGINT NOT NULL,
  applied_at BIGINT NOT NULL,
  first_batch BLOB,
  mark_seq BIGINT,
  mark_hash BLOB
);
CREATE TABLE member (
  id INTEGER NOT NULL PRIMARY KEY,
  inviter BIGINT,
  registered_at BIGINT NOT NULL,
  settled_seats BIGINT NOT NULL,
  won_seats BIGINT NOT NULL
);
CREATE INDEX member_inviter ON member (inviter, settled_seats);
CREATE TABLE campaign (
  id INTEGER NOT NULL PRIMARY KEY,
  name_zh TEXT NOT NULL,
  name_en TEXT NOT NULL,
  price BIGINT NOT NULL,
  seats BIGINT NOT NULL,
  winners BIGINT NOT NULL,
  published_at BIGINT NOT NULL,
  hash BLOB NOT NULL,
  terms BLOB NOT NULL,
  file TEXT NOT NULL,
  listed BIGINT NOT NULL
);
CREATE INDEX campaign_listed ON campaign (listed, id);
CREATE TABLE group_ (
  id INTEGER NOT NULL PRIMARY KEY,
  campaign BIGINT NOT NULL,
  leader BIGINT NOT NULL,
  state TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  paid BIGINT NOT NULL,
  held BIGINT NOT NULL,
  reservations BIGINT NOT NULL,
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
  paid_seq BIGINT,
  amount BIGINT,
  fee BIGINT,
  txn TEXT,
  tag BLOB,
  refund BIGINT,
  refunded_for TEXT,
  order_id BIGINT,
  PRIMARY KEY (group_id, idx)
) WITHOUT ROWID;
CREATE INDEX seat_member ON seat (member, group_id, idx);
CREATE INDEX seat_txn ON seat (txn) WHERE txn IS NOT NULL;
CREATE INDEX seat_unpaid ON seat (pay_by, group_id, idx) WHERE paid_at IS NULL;
CREATE TABLE bounced (
  txn TEXT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  group_id BIGINT,
  idx BIGINT,
  member BIGINT,
  amount BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  reason TEXT NOT NULL,
  refund BIGINT NOT NULL,
  PRIMARY KEY (txn, seq)
) WITHOUT ROWID;
CREATE INDEX bounced_seat ON bounced (group_id, idx);
CREATE INDEX bounced_seq ON bounced (seq);
CREATE INDEX bounced_reason ON bounced (reason, seq);
CREATE TABLE refund (
  id INTEGER NOT NULL PRIMARY KEY,
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
CREATE INDEX refund_due ON refund (id) WHERE state = 'due';
CREATE INDEX refund_member ON refund (member, id) WHERE state = 'due';
CREATE TABLE order_ (
  id INTEGER NOT NULL PRIMARY KEY,
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
  kept_at BIGINT,
  back_by BIGINT,
  returned_at BIGINT
);
CREATE INDEX order_member ON order_ (member, id);
CREATE INDEX order_state ON order_ (state, id);
CREATE INDEX order_campaign ON order_ (campaign, id);
CREATE TABLE wallet_line (
  member BIGINT NOT NULL,
  account BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  line_no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  balance BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  group_id BIGINT,
  idx BIGINT,
  campaign BIGINT,
  refund BIGINT,
  program TEXT,
  source_seat BIGINT,
  generation BIGINT,
  base BIGINT,
  rate BIGINT,
  rule BIGINT,
  PRIMARY KEY (member, account, seq, line_no)
) WITHOUT ROWID;
-- Tax that was withheld, for finance: few lines among those of all wallets.
CREATE INDEX wallet_line_tax ON wallet_line (seq, line_no) WHERE kind = 19;
CREATE TABLE ledger_line (
  account BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  line_no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  holder BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  event BIGINT NOT NULL,
  PRIMARY KEY (account, seq, line_no)
) WITHOUT ROWID;
CREATE INDEX ledger_holder ON ledger_line (account, holder, seq, line_no) WHERE holder >= 0;
CREATE TABLE balance (
  account BIGINT NOT NULL,
  holder BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (account, holder)
) WITHOUT ROWID;
CREATE TABLE word (
  kind TEXT NOT NULL,
  code BIGINT NOT NULL,
  word TEXT NOT NULL,
  PRIMARY KEY (kind, code)
);
CREATE TABLE draw_ (
  group_id INTEGER NOT NULL PRIMARY KEY,
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
  winners TEXT,
  late_at BIGINT
);
CREATE INDEX draw_state ON draw_ (state, group_id);
CREATE TABLE draw_file (
  group_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (group_id, name)
);
CREATE TABLE plan (
  id INTEGER NOT NULL PRIMARY KEY,
  published_at BIGINT NOT NULL,
  terms BLOB NOT NULL
);
CREATE TABLE member_rank (
  plan BIGINT NOT NULL,
  member BIGINT NOT NULL,
  rank BIGINT NOT NULL,
  is_set BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (plan, member)
) WITHOUT ROWID;
CREATE TABLE member_region (
  member INTEGER NOT NULL PRIMARY KEY,
  region BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE member_frozen (
  member INTEGER NOT NULL PRIMARY KEY,
  frozen BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE agent (
  region INTEGER NOT NULL PRIMARY KEY,
  member BIGINT,
  at BIGINT NOT NULL
);
CREATE TABLE dividend_close (
  plan BIGINT NOT NULL,
  until BIGINT NOT NULL,
  since BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  pool BIGINT NOT NULL,
  weight TEXT NOT NULL,
  members BIGINT NOT NULL,
  PRIMARY KEY (plan, until)
) WITHOUT ROWID;
CREATE INDEX dividend_close_seq ON dividend_close (seq);
CREATE TABLE dividend_paid (
  member BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  plan BIGINT NOT NULL,
  until BIGINT NOT NULL,
  at BIGINT NOT NULL,
  weight BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (member, seq)
) WITHOUT ROWID;
CREATE INDEX dividend_paid_close ON dividend_paid (plan, until, member);
CREATE TABLE withdrawal (
  id INTEGER NOT NULL PRIMARY KEY,
  member BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  account BLOB NOT NULL,
  state TEXT NOT NULL,
  requested_at BIGINT NOT NULL,
  approved_at BIGINT,
  ended_at BIGINT
);
CREATE INDEX withdrawal_member ON withdrawal (member, id);
CREATE INDEX withdrawal_state ON withdrawal (state, id);
CREATE INDEX withdrawal_requested ON withdrawal (requested_at, id);
CREATE TABLE merchant (
  id INTEGER NOT NULL PRIMARY KEY,
  token BLOB NOT NULL,
  admitted_at BIGINT NOT NULL
);
CREATE TABLE merchant_suspended (
  merchant INTEGER NOT NULL PRIMARY KEY,
  suspended BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE contract (
  merchant BIGINT NOT NULL,
  version BIGINT NOT NULL,
  at BIGINT NOT NULL,
  terms BLOB NOT NULL,
  PRIMARY KEY (merchant, version)
) WITHOUT ROWID;
CREATE TABLE store (
  id INTEGER NOT NULL PRIMARY KEY,
  merchant BIGINT NOT NULL,
  token BLOB NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE merchant_campaign (
  campaign INTEGER NOT NULL PRIMARY KEY,
  merchant BIGINT NOT NULL
);
-- Every line of a merchant's accounts, with what it is about: his statements are made of these.
CREATE TABLE merchant_line (
  merchant BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  line_no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  account BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  event BIGINT NOT NULL,
  group_id BIGINT,
  order_id BIGINT,
  counter BIGINT,
  PRIMARY KEY (merchant, seq, line_no)
) WITHOUT ROWID;
CREATE TABLE purchase (
  id INTEGER NOT NULL PRIMARY KEY,
  member BIGINT NOT NULL,
  token BLOB NOT NULL,
  sku BIGINT NOT NULL,
  units BIGINT NOT NULL,
  bill BIGINT NOT NULL,
  coins BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  state TEXT NOT NULL,
  reserved_at BIGINT NOT NULL,
  pay_by BIGINT NOT NULL,
  paid_at BIGINT,
  paid_seq BIGINT,
  fee BIGINT,
  txn TEXT,
  shipped_at BIGINT,
  received_by BIGINT,
  received_at BIGINT,
  return_until BIGINT,
  back_by BIGINT,
  ended_at BIGINT,
  refund BIGINT,
  store BIGINT
);
CREATE INDEX purchase_member ON purchase (member, id);
CREATE INDEX purchase_state ON purchase (state, id);
CREATE INDEX purchase_txn ON purchase (txn) WHERE txn IS NOT NULL;
CREATE INDEX purchase_unpaid ON purchase (pay_by, id) WHERE paid_at IS NULL;
CREATE TABLE counter_payment (
  id INTEGER NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  member BIGINT NOT NULL,
  store BIGINT NOT NULL,
  merchant BIGINT NOT NULL,
  bill BIGINT NOT NULL,
  coins BIGINT NOT NULL,
  bought BIGINT NOT NULL,
  kept BIGINT NOT NULL,
  cash BIGINT NOT NULL,
  home_store BIGINT,
  home_amount BIGINT,
  token BLOB NOT NULL,
  pay_by BIGINT,
  paid_at BIGINT,
  paid_seq BIGINT,
  fee BIGINT,
  txn TEXT,
  lapsed_at BIGINT,
  refund BIGINT
);
CREATE INDEX counter_payment_member ON counter_payment (member, id);
CREATE INDEX counter_payment_store ON counter_payment (store, id);
CREATE INDEX counter_payment_merchant ON counter_payment (merchant, id);
CREATE INDEX counter_payment_txn ON counter_payment (txn) WHERE txn IS NOT NULL;
CREATE INDEX counter_payment_unpaid ON counter_payment (pay_by, id) WHERE pay_by IS NOT NULL AND paid_at IS NULL;
CREATE TABLE counter_reversed (
  id INTEGER NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  why BIGINT NOT NULL
);
-- Merchants' statements, with a row beside each that is confirmed, and that is paid.
CREATE TABLE statement (
  id INTEGER NOT NULL PRIMARY KEY,
  merchant BIGINT NOT NULL,
  number BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  payable BIGINT NOT NULL,
  set_off BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  carried BIGINT NOT NULL
);
CREATE UNIQUE INDEX statement_merchant ON statement (merchant, number);
CREATE TABLE statement_confirmed (
  id INTEGER NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE statement_withdrawn (
  id INTEGER NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE statement_paid (
  id INTEGER NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  reference TEXT NOT NULL,
  on_day BIGINT NOT NULL
);
-- Groups of circles that take turns, and how the draw's files name the circle.
CREATE TABLE circle_round (
  group_id INTEGER NOT NULL PRIMARY KEY,
  circle BIGINT NOT NULL,
  name TEXT NOT NULL
);
CREATE INDEX circle_round_circle ON circle_round (circle, group_id);
-- What members are told, in the order in which they read it.
CREATE TABLE notice (
  member BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  event_no BIGINT NOT NULL,
  at BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  group_id BIGINT,
  number BIGINT,
  amount BIGINT NOT NULL,
  extra BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  coins BIGINT NOT NULL,
  won BIGINT NOT NULL,
  lost BIGINT NOT NULL,
  why TEXT,
  PRIMARY KEY (member, seq, event_no)
) WITHOUT ROWID;
-- In the order in which connectors send them.
CREATE INDEX notice_told ON notice (seq, event_no, member);
-- Tables of treats. The campaign of a table's group has the number of the table above 2147483648.
CREATE TABLE treat_table (
  id INTEGER NOT NULL PRIMARY KEY,
  template BIGINT NOT NULL,
  store BIGINT NOT NULL,
  bill BIGINT NOT NULL,
  seats BIGINT NOT NULL,
  token BLOB NOT NULL,
  at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  circle BIGINT
);
CREATE INDEX treat_table_store ON treat_table (store, id);
CREATE INDEX treat_table_template ON treat_table (template, id);
-- Those that were cancelled before anybody sat down.
CREATE TABLE treat_cancelled (
  id INTEGER NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL
);
