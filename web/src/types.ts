//! What the server answers, by hand: the one place to exchange for types generated from openapi.json.
//!
//! Money and coins are strings of yuan ("12.00"), ids strings, times RFC 3339 UTC.

export type Money = string
export type Id = string
export type Time = string

/** A text in the two languages of the screens. */
export interface Text {
  zh: string
  en: string
}

export interface Page<T> {
  items: T[]
  next: string | null
}

export interface Platform {
  name: string
  version: string
  demo: boolean
  log_origin: string
  source: string
  profile_note: string | Text | null
  languages: string[]
}

export interface Balances {
  available: Money
  vesting: Money
  in_groups: Money
  coins: Money
}

export interface Member {
  id: Id
  invite_code: string
  phone_masked: string
  name: string | null
  demo: boolean
  inviter: string | null
  vip: number
  wallet: Balances
}

export type CampaignKind = 'draw' | 'everyone-buys' | 'bonus-draw' | 'treat' | 'ballot'
export type Leader = 'equal' | 'exempt' | 'buys'
export type Fulfilment = 'ship' | 'pick-up' | 'voucher' | 'at-table'

export interface CampaignCard {
  id: Id
  name: Text
  kind: CampaignKind
  product: { title: Text; fulfilment: Fulfilment }
  price: Money
  seats: number
  winners: number
  leader: Leader
  fill_within_s: number
  payment_window_s: number
  seats_per_member: number
  consolation: { cash: Money; coins: Money }
  open_groups: number
  source: string
  level: number
}

export interface SolvencyTerm {
  name: string
  program: string | null
  amount: Money
}

export interface Solvency {
  price_total: Money
  terms: SolvencyTerm[]
  platform_worst: Money
  margin_floor: Money
  all_winners_return: Money
  all_coins_at_face: Money
  expires_with_fees: Money
  covers_returns: boolean
  covers_coins: boolean
}

export interface Campaign extends CampaignCard {
  published_at: Time
  hash: string
  terms: CampaignFile
  solvency: Solvency
  odds: { seats: number; winners: number; average_rounds: string; product_cost_average: Money }
  rewards: Reward[]
  profile: string
  reserve_wording: boolean
  demo: boolean
}

/** A campaign file as JSON (rules 13); unknown keys are refused by the server. */
export interface CampaignFile {
  name: Text
  kind: CampaignKind
  profile: string
  plan?: number
  product: { title: Text; cost: Money; fulfilment?: Fulfilment }
  group: {
    price: Money
    seats: number
    winners?: number
    win_rate?: string
    leader: Leader
    fill_within: string
    payment_window: string
    seats_per_member: number
  }
  draw?: { source?: string; delay?: string }
  channel?: { fee: string; kept_on_refund: boolean }
  caps?: Record<string, Money>
  reward: Reward[]
}

export type Source = 'winners' | 'non-winners' | 'all'

export interface Reward {
  program: string
  cash?: Money
  coins?: Money
  unless_won?: boolean
  per_recruit?: Money
  source?: Source
  base?: string
  fixed?: Money
  rates?: string[]
  vip_depth?: number[]
  cap?: Money
  share?: string
}

/** Why the solvency gate refuses, and the nearest values that pass (rules 8). */
export interface Shortfall {
  term: string
  program?: string | null
  by: Money
  nearest?: { winners?: number | null; price?: Money | null; consolation?: Money | null }
}

export interface CheckAnswer {
  ok: boolean
  solvency: Solvency | null
  problem: { code: string; detail: string; field?: string } | null
  shortfall: Shortfall | null
}

export type GroupState = 'open' | 'full' | 'settled' | 'expired' | 'cancelled' | 'void'
export type SeatState = 'reserved' | 'paid' | 'won' | 'lost' | 'lapsed' | 'refunded'

export interface GroupCard {
  id: Id
  campaign: Id
  name: Text
  state: GroupState
  price: Money
  seats: number
  paid: number
  held: number
  winners: number
  leader_masked: string
  opened_at: Time
  expires_at: Time
  filled_at: Time | null
  settled_at: Time | null
}

export interface SeatView {
  seat_no: number | null
  member_masked: string
  leader: boolean
  state: SeatState
  demo: boolean
}

export interface MySeat {
  payment: Id
  state: SeatState
  seat_no: number | null
  pay_by: Time
  pay_url: string | null
}

export interface GroupDraw {
  state: 'open' | 'waiting' | 'drawn' | 'void' | 'none'
  round: string | number | null
  round_time: Time | null
  source: string
  level: number
  late_minutes: number
}

export interface Group extends GroupCard {
  seats_list: SeatView[]
  mine: MySeat[]
  draw: GroupDraw | null
}

export interface GroupEvent {
  seq: string | number
  state: GroupState
  paid: number
  held: number
}

export type Outcome = 'won' | 'lost' | 'refunded'

export interface MyGroup {
  group: GroupCard
  seat: { payment: Id; state: SeatState; seat_no: number | null; pay_by: Time; paid_at: Time | null }
  outcome: Outcome | null
  reason: string | null
}

export interface PaymentLink {
  id: Id
  pay_url: string
  pay_by: Time
  amount: Money
}

export interface Payment {
  id: Id
  state: 'waiting' | 'paid' | 'lapsed' | 'bounced' | 'refund_due' | 'refunded'
  amount: Money
  pay_url: string | null
  pay_by: Time
  group: Id
  reason: string | null
}

export type WalletAccount = 'available' | 'vesting' | 'in_groups' | 'coins'
export type WhyKind = 'seat_paid' | 'seat_refunded' | 'consolation' | 'reward' | 'vested' | 'bounced' | 'seat_won'

export interface Why {
  kind: WhyKind | string
  group: Id | null
  campaign: Id | null
  program: string | null
  source_seat: number | string | null
  generation: number | null
  base: Money | null
  rate: string | null
  rule: number | string | null
  payment: Id | null
  refund: Id | null
}

export interface WalletLine {
  id: Id
  at: Time
  account: WalletAccount
  amount: Money
  balance: Money
  why: Why
}

export interface Order {
  id: Id
  group: Id
  campaign: Id
  product: Text
  price: Money
  state: 'paid' | 'shipped' | 'received' | 'kept'
  at: Time
  received_by: Time | null
  kept_at: Time | null
  carrier?: string | null
  number?: string | null
  member_masked?: string | null
}

export interface DrawInfo {
  state: 'open' | 'waiting' | 'drawn' | 'void' | 'none'
  level: number
  source: string
  round: string | number | null
  round_time: Time | null
  frozen_at: Time | number | null
  beacon: {
    kind: string
    round: string | number | null
    signature: string | null
    beacon_file: string | null
    public_key: string
  } | null
  hashes: { open: string | null; seats: string | null; freeze: string | null }
  seed: string | null
  winners: number[] | null
  mine: { indexes: number[]; member_id: string; salt: string; tag: string } | null
  published_hash: string
}

export type DrawFile = 'open' | 'seats' | 'freeze' | 'result'

export interface Operator {
  name: string
}

export interface Books {
  trial_balance: { account: string; asset: string; debit: Money; credit: Money }[]
  totals: unknown
  held: Money
  owed: { kind: string; amount: Money }[]
  own: Money
  coins_outstanding: Money
  in_flight_refunds: Money
  alarm: boolean
}

export interface LedgerLine {
  id: Id
  seq: string
  at: Time
  account: string
  holder: string | null
  asset: string
  debit: Money
  credit: Money
  event: string
}

export interface DemoCode {
  phone: string
  code: string
  at: Time
}
