//! What the server answers: generated from openapi.json (`npm run types`), with two things made narrower.
//!
//! The description has options that may be left out where the server always writes null, and plain strings where
//! there is a fixed list of words; the words stand here, so that the compiler sees a page that forgets one.

import type { components } from './schema'

type Schemas = components['schemas']
/** Options are written as null, never left out. */
type Whole<T> = { [K in keyof T]-?: Exclude<T[K], undefined> }
type With<T, N extends { [K in keyof N]: K extends keyof T ? unknown : never }> = Omit<Whole<T>, keyof N> & N

/** Yuan with two decimals, "12.00"; coins likewise. */
export type Money = string
export type Id = string
/** RFC 3339, UTC. */
export type Time = string
/** A text in the two languages of the screens. */
export type Text = Schemas['Words']

export interface Page<T> {
  items: T[]
  next?: string | null
}

export type Platform = Whole<Schemas['Platform']>
export type Balances = Whole<Schemas['Wallet']>
export type RegionName = Schemas['RegionName']
export type Delivery = Schemas['DeliveryBody']
export type OwnDelivery = Whole<Schemas['OwnDeliveryPage']>
export type Member = With<Schemas['MemberCard'], { wallet: Balances }>

export type CampaignKind = 'draw' | 'everyone-buys' | 'bonus-draw' | 'treat' | 'ballot'
export type Leader = 'equal' | 'exempt' | 'buys'
export type Fulfilment = 'ship' | 'pick-up' | 'voucher' | 'at-table'
export type CampaignCard = With<Schemas['CampaignCard'], {
  kind: CampaignKind
  leader: Leader
  product: { title: Text; fulfilment: Fulfilment }
  prize: { title: Text } | null
  chance: { p: string; min: number; max: number } | null
  merchant: { commission: string } | null
}>
export type SolvencyTerm = Whole<Schemas['SolvencyTerm']>
export type Solvency = With<Schemas['Solvency'], { terms: SolvencyTerm[] }>
export type Odds = Schemas['Odds']
export type Campaign = CampaignCard & Pick<Schemas['CampaignPage'], 'published_at' | 'hash' | 'profile' | 'reserve_wording' | 'demo'> & {
  terms: CampaignFile
  solvency: Solvency
  rewards: Reward[]
}

/** A campaign file as JSON (rules 13); unknown keys are refused by the server. */
export interface CampaignFile {
  name: Text
  kind: CampaignKind
  profile: string
  plan?: number
  product: { title: Text; cost: Money; fulfilment?: Fulfilment }
  prize?: { title: Text; cost: Money }
  group: {
    price: Money
    seats: number
    winners?: number
    win_rate?: string
    chance?: { p: string; min: number; max: number }
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
  /** supplier, fees, reserve or the name of a reward program. */
  term: string
  /** What would have to be at least the margin floor. */
  covered: Money
  nearest: { winners: number | null; price: Money | null; consolation: Money | null }
}

export type CheckAnswer = With<Schemas['CampaignChecked'], {
  solvency: Solvency | null
  odds: Odds | null
  problem: Whole<Schemas['CampaignProblem']> | null
  shortfall: Shortfall | null
}>

export type GroupState = 'open' | 'full' | 'drawn' | 'settled' | 'expired' | 'cancelled' | 'void'
export type SeatState = 'reserved' | 'paid' | 'won' | 'bought' | 'lost' | 'lapsed' | 'refund_due' | 'refunded' | 'registered' | 'may_buy' | 'unused'
/** Refunded is what the payment channel has confirmed; until then it is due. */
export type PaymentState = 'waiting' | 'paid' | 'lapsed' | 'refund_due' | 'refunded' | 'free'
export type DrawStateName = 'open' | 'waiting' | 'drawn' | 'void' | 'none'
export type GroupCard = With<Schemas['GroupCard'], { state: GroupState }>
export type SeatView = With<Schemas['SeatRow'], { state: SeatState }>
export type MySeat = With<Schemas['MineRow'], { state: SeatState; payment_state: PaymentState }>
export type GroupDraw = With<Schemas['DrawState'], { state: DrawStateName }>
export type Group = GroupCard & { seats_list: SeatView[]; mine: MySeat[]; draw: GroupDraw | null; circle?: GroupCircle | null }
export type GroupCircle = Whole<Schemas['GroupCircle']>
export type GroupEvent = With<Schemas['GroupNews'], { state: GroupState }>

export type Outcome = 'won' | 'bought' | 'lost' | 'refund_due' | 'refunded'
export type MyGroup = With<Schemas['MySeat'], {
  group: GroupCard
  seat: With<Schemas['SeatCard'], { state: SeatState; payment_state: PaymentState }>
  outcome: Outcome | null
}>

export type PaymentLink = Whole<Schemas['ToPay']>
export type Payment = With<Schemas['PaymentPage'], { state: PaymentState | 'bounced' }>

export type WalletAccount = 'available' | 'vesting' | 'in_groups' | 'coins' | 'vesting_coins' | 'bought_coins'
export type WhyKind = 'seat_paid' | 'seat_refunded' | 'consolation' | 'reward' | 'vested' | 'bounced' | 'seat_won' | 'seat_bought' | 'reversed' | 'withdrawn' | 'withdrawal_rejected' | 'withdrawal_failed' | 'clawed_back' | 'coins_expired' | 'coins_spent' | 'coins_back' | 'recharge_gift' | 'counter_paid' | 'counter_reversed' | 'tax_withheld' | 'gift_back' | 'recharged' | 'recharge_refunded'
export type Why = Whole<Schemas['Why']>
export type WalletLine = With<Schemas['WalletLine'], { account: WalletAccount; why: Why }>

export type RefundDue = Whole<Schemas['RefundDue']>
export type RefundsDue = With<Schemas['RefundsDue'], { items: RefundDue[] }>

export type NoticeKind = 'filled' | 'won' | 'not_won' | 'bought' | 'refunded' | 'shipped' | 'vested' | 'dividend' | 'coins_expiring' | 'coins_expired' | 'withdrawal_sent' | 'withdrawal_waiting' | 'withdrawal_paid' | 'withdrawal_rejected' | 'withdrawal_failed' | 'withdrawal_expired' | 'purchase_shipped' | 'purchase_returned' | 'recharge_refunded' | 'order_fetched' | 'purchase_fetched' | 'coins_given' | 'counter_paid' | 'counter_reversed' | 'frozen' | 'unfrozen' | 'clawed_back' | 'may_buy' | 'right_unused' | 'unit_given' | 'vip_given'
export type Notice = With<Schemas['InboxNotice'], { kind: NoticeKind }>
export type Inbox = With<Schemas['Inbox'], { items: Notice[] }>

export type OrderState = 'paid' | 'shipped' | 'received' | 'kept' | 'returning' | 'returned'
export type Order = With<Schemas['OrderCard'], { state: OrderState }>
export type ConsoleOrder = With<Schemas['ConsoleOrder'], { state: OrderState }>
export type FetchCode = Whole<Schemas['FetchCode']>

export type DrawInfo = With<Schemas['DrawPage'], {
  state: DrawStateName
  beacon: Whole<Schemas['DrawBeacon']>
  hashes: Whole<Schemas['DrawHashes']>
  mine: Whole<Schemas['DrawMine']> | null
}>
export type DrawFile = 'open' | 'seats' | 'freeze' | 'result' | 'void'

export type Operator = Schemas['OperatorCard']
export type Books = Whole<Schemas['BooksPage']>
export type LedgerLine = Whole<Schemas['LedgerLine']>
export type DemoCode = Schemas['InboxItem']
