//! A made-up shop in memory, for looking at the pages without a server. Development only: never part of a build.

import { createHash, randomBytes } from 'node:crypto'
import { ascii, fromHex, toHex } from '../src/draw/bytes'
import { parseOpen, parseSeats, resultBytes, roundFor, roundTime } from '../src/draw/files'
import { ownHasher } from '../src/draw/hash'
import { memberTag, orderOf, scoresOf, seedOf, winnerCount } from '../src/draw/select'
import type * as T from '../src/types'

const sha = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
export const iso = (ms: number) => new Date(ms).toISOString()
const isoOrNull = (ms: number | null) => (ms === null ? null : iso(ms))
const yuan = (fen: number) => `${fen < 0 ? '-' : ''}${Math.floor(Math.abs(fen) / 100)}.${String(Math.abs(fen) % 100).padStart(2, '0')}`

const genesis = Math.floor(Date.now() / 1000) - 86_400
export const beaconFile = `potluck-draw/v1/beacon\nkey ${'ab'.repeat(96)}\ngenesis ${genesis}\nperiod 3\n`
const timing = { genesis: BigInt(genesis), period: 3n }

interface Seat { payment: string; member: string; state: T.SeatState; payBy: number; paidAt: number | null; no: number | null; demo: boolean }
interface Draw { open: string; seats: string | null; freeze: string | null; result: string | null; round: bigint | null; roundMs: number | null; signature: string | null; frozenAt: number | null; seed: string | null; winners: number[] | null }
export interface MockGroup { id: string; campaign: string; state: T.GroupState; leader: string; openedAt: number; expiresAt: number; filledAt: number | null; settledAt: number | null; seats: Seat[]; draw: Draw }

export const members: Record<string, { id: string; phone: string; masked: string; code: string; salt: string }> = {}
export function member(id: string, phone: string, masked: string) {
  members[id] ??= { id, phone, masked, code: `K${id}Q7MX2`.slice(0, 8), salt: sha(`salt ${id}`) }
  return members[id]!
}
member('1001', '13800138000', '138****8000')
const crowd = ['小*梅', '阿*强', 'L**y', '王**', '陈*', 'M**a', '大*海', '赵**', 'J**k', '林*', '周**', '糖*果', 'T**o', '孙*', '朱**', 'A**e', '何*', '郭**', 'W**n', '罗*']
crowd.forEach((name, i) => member(String(2000 + i), `1990000${String(i).padStart(4, '0')}`, name))

type Terms = { id: string; file: T.CampaignFile; text: string; hash: string; at: number }
export const campaigns: Terms[] = []
export function publish(file: T.CampaignFile): Terms {
  const text = `${JSON.stringify(file, null, 2)}\n`
  const made = { id: String(campaigns.length + 1), file, text, hash: sha(text), at: Date.now() - 86_400_000 }
  campaigns.push(made)
  return made
}
const base = { kind: 'draw' as const, profile: 'seed', plan: 1 }
publish({ ...base, name: { zh: '五人成团 · 柑橘礼盒', en: 'Five for a box of oranges' }, product: { title: { zh: '赣南脐橙 5 斤礼盒', en: 'Gannan oranges, 2.5 kg box' }, cost: '20.00' },
  group: { price: '100.00', seats: 5, winners: 1, leader: 'equal', fill_within: '24h', payment_window: '5m', seats_per_member: 1 }, caps: { uplines: '30.00' },
  reward: [{ program: 'consolation', cash: '5.00' }, { program: 'formation', per_recruit: '2.00' }, { program: 'generation', source: 'all', fixed: '6.00', rates: ['100%'], share: 'uplines' }] })
publish({ ...base, name: { zh: '百人团 · 降噪耳机', en: 'A hundred for headphones' }, product: { title: { zh: '头戴式降噪耳机', en: 'Noise-cancelling headphones' }, cost: '250.00' },
  group: { price: '1000.00', seats: 100, winners: 2, leader: 'exempt', fill_within: '24h', payment_window: '5m', seats_per_member: 2 },
  reward: [{ program: 'consolation', cash: '12.00', coins: '100.00' }, { program: 'generation', source: 'non-winners', base: 'consolation', rates: ['5%', '5%', '5%'], vip_depth: [0, 1, 2, 3] }] })
publish({ ...base, name: { zh: '十人小团 · 铸铁汤锅', en: 'Ten for a cast-iron pot' }, product: { title: { zh: '珐琅铸铁汤锅 24cm', en: 'Enamelled pot, 24 cm' }, cost: '160.00' },
  group: { price: '88.00', seats: 10, winners: 3, leader: 'equal', fill_within: '2h', payment_window: '5m', seats_per_member: 1 },
  reward: [{ program: 'consolation', coins: '8.00' }, { program: 'leader', cash: '3.00', unless_won: true }] })

export const groups: MockGroup[] = []
export const lines: T.WalletLine[] = []
export const orders: (T.Order & { member: string })[] = []
const listeners = new Map<string, Set<() => void>>()
let payments = 5000
const fen = (text: string | undefined) => Math.round(Number(text ?? '0') * 100)
const secondsOf = (text: string) => Number.parseInt(text, 10) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[text.slice(-1)] ?? 1)

export function campaignOf(id: string) { return campaigns.find((campaign) => campaign.id === id) }
export function groupOf(id: string) { return groups.find((group) => group.id === id) }
export function listen(id: string, call: () => void) {
  const set = listeners.get(id) ?? new Set()
  listeners.set(id, set.add(call))
  return () => set.delete(call)
}
const changed = (group: MockGroup) => listeners.get(group.id)?.forEach((call) => call())

export function openGroup(campaign: string, leader: string): MockGroup {
  const { file, hash } = campaignOf(campaign)!
  const id = String(101 + groups.length)
  const { seats, winners, leader: rule } = file.group
  const open = `potluck-draw/v1/open\nlog shop.example/log1\ngroup ${id}-${hash.slice(0, 32)}\ncircle -\nseats ${seats} ${seats}\nmode fixed ${winners}\nleader ${rule === 'equal' ? 'in' : 'out'}\nrotation off\npermember ${file.group.seats_per_member === 1 ? 'one' : 'any'}\noutcome win\nsource local ${sha(beaconFile)}\ndelay 10\ntimeout 86400 void\nchain -\n`
  const group: MockGroup = { id, campaign, state: 'open', leader, openedAt: Date.now(), expiresAt: Date.now() + secondsOf(file.group.fill_within) * 1000, filledAt: null, settledAt: null, seats: [],
    draw: { open, seats: null, freeze: null, result: null, round: null, roundMs: null, signature: null, frozenAt: null, seed: null, winners: null } }
  groups.push(group)
  return group
}

export function reserve(group: MockGroup, who: string, demo = false): Seat {
  const { file } = campaignOf(group.campaign)!
  const seat: Seat = { payment: String((payments += 1)), member: who, state: 'reserved', payBy: Date.now() + secondsOf(file.group.payment_window) * 1000, paidAt: null, no: null, demo }
  group.seats.push(seat)
  changed(group)
  return seat
}

export async function pay(payment: string) {
  const group = groups.find((one) => one.seats.some((seat) => seat.payment === payment))
  const seat = group?.seats.find((one) => one.payment === payment)
  if (!group || !seat || seat.state !== 'reserved') return
  seat.state = 'paid'
  seat.paidAt = Date.now()
  line(seat.member, 'in_groups', fen(campaignOf(group.campaign)!.file.group.price), 'seat_paid', group)
  const { seats } = campaignOf(group.campaign)!.file.group
  if (group.seats.filter((one) => one.state === 'paid').length === seats) await fill(group)
  changed(group)
}

async function fill(group: MockGroup) {
  group.seats = group.seats.filter((seat) => seat.state === 'paid')
  group.seats.forEach((seat, no) => { seat.no = no })
  group.state = 'full'
  group.filledAt = Date.now()
  const tags = await Promise.all(group.seats.map(async (seat) => toHex(await memberTag(ownHasher, fromHex(members[seat.member]!.salt, 32)!, seat.member))))
  const draw = group.draw
  draw.seats = `potluck-draw/v1/seats\n${group.seats.map((seat, i) => `${i} ${tags[i]} ${seat.member === group.leader ? 'L' : 'M'} 0 -\n`).join('')}`
  draw.frozenAt = Math.floor(Date.now() / 1000)
  draw.round = roundFor(BigInt(draw.frozenAt), 10n, timing)!
  draw.roundMs = Number(roundTime(draw.round, timing)) * 1000
  draw.freeze = `potluck-draw/v1/freeze\nopen ${sha(draw.open)}\nprev -\nfrozen_at ${draw.frozenAt}\nseats ${sha(draw.seats)}\nround ${draw.round}\nchainpos -\n`
  setTimeout(() => void settle(group), Math.max(0, draw.roundMs - Date.now()) + 500)
}

export async function settle(group: MockGroup) {
  if (group.state !== 'full') return
  const { draw } = group
  const { file } = campaignOf(group.campaign)!
  draw.signature = randomBytes(48).toString('hex')
  const freeze = fromHex(sha(draw.freeze!), 32)!
  const seed = await seedOf(ownHasher, freeze, fromHex(sha(fromHex(draw.signature, 48)!), 32)!)
  const [open, seats] = [parseOpen(ascii(draw.open)), parseSeats(ascii(draw.seats!))]
  const scores = await scoresOf(ownHasher, seed, seats.length)
  const order = orderOf(open, seats, scores)
  draw.seed = toHex(seed)
  draw.winners = order.slice(0, winnerCount(open.mode, order, scores))
  draw.result = String.fromCharCode(...resultBytes({ freeze: toHex(freeze), source: 'local', signature: draw.signature, seed: draw.seed, winners: draw.winners }))
  group.state = 'settled'
  group.settledAt = Date.now()
  const consolation = file.reward.find((reward) => reward.program === 'consolation')
  group.seats.forEach((seat, no) => {
    const won = draw.winners!.includes(no)
    seat.state = won ? 'won' : 'lost'
    line(seat.member, 'in_groups', -fen(file.group.price), won ? 'seat_won' : 'seat_refunded', group)
    if (won) orders.push({ id: String(900 + orders.length), member: seat.member, group: group.id, campaign: group.campaign, product: file.product.title, price: file.group.price, state: 'paid', at: iso(Date.now()), received_by: null, kept_at: null, carrier: null, number: null, member_masked: members[seat.member]!.masked })
    else {
      if (consolation?.cash) line(seat.member, 'available', fen(consolation.cash), 'consolation', group, { program: 'consolation', rule: 1 })
      if (consolation?.coins) line(seat.member, 'coins', fen(consolation.coins), 'consolation', group, { program: 'consolation', rule: 1 })
    }
  })
  changed(group)
}

const balances = new Map<string, number>()
export const balance = (who: string, account: T.WalletAccount) => yuan(balances.get(`${who} ${account}`) ?? 0)
export const linesOf = new Map<string, T.WalletLine[]>()
export function line(who: string, account: T.WalletAccount, amount: number, kind: T.WhyKind, group: MockGroup, more: Partial<T.Why> = {}, at = Date.now()) {
  const now = (balances.get(`${who} ${account}`) ?? 0) + amount
  balances.set(`${who} ${account}`, now)
  const all = linesOf.get(who) ?? []
  linesOf.set(who, all)
  all.unshift({ id: String(all.length + 1), at: iso(at), account, amount: yuan(amount), balance: yuan(now),
    why: { kind, group: group.id, campaign: group.campaign, program: null, source_seat: null, generation: null, base: null, rate: null, rule: null, payment: null, refund: null, ...more } })
}

export function leave(group: MockGroup, who: string) {
  group.seats.filter((seat) => seat.member === who).forEach((seat) => {
    if (seat.state === 'paid') line(who, 'in_groups', -fen(campaignOf(group.campaign)!.file.group.price), 'seat_refunded', group)
  })
  group.seats = group.seats.filter((seat) => seat.member !== who)
  if (group.leader === who) group.state = 'cancelled'
  changed(group)
}

export function card(group: MockGroup): T.GroupCard {
  const { file } = campaignOf(group.campaign)!
  const paid = group.seats.filter((seat) => ['paid', 'won', 'lost'].includes(seat.state)).length
  return { id: group.id, campaign: group.campaign, name: file.name, state: group.state, price: file.group.price, seats: file.group.seats, paid, held: group.seats.filter((seat) => seat.state === 'reserved').length,
    winners: file.group.winners!, leader_masked: members[group.leader]!.masked, opened_at: iso(group.openedAt), expires_at: iso(group.expiresAt), filled_at: isoOrNull(group.filledAt), settled_at: isoOrNull(group.settledAt) }
}

export function view(group: MockGroup, who: string | null): T.Group {
  const { draw } = group
  return { ...card(group), seats_list: group.seats.map((seat) => ({ seat_no: seat.no, member_masked: members[seat.member]!.masked, leader: seat.member === group.leader, state: seat.state, demo: seat.demo })),
    mine: group.seats.filter((seat) => seat.member === who).map((seat) => ({ payment: seat.payment, state: seat.state, seat_no: seat.no, pay_by: iso(seat.payBy), pay_url: seat.state === 'reserved' ? `/mock-pay/${seat.payment}` : null })),
    draw: { state: drawState(group), round: draw.round === null ? null : String(draw.round), round_time: isoOrNull(draw.roundMs), source: 'local', level: 0, late_minutes: 0 } }
}

export const drawState = (group: MockGroup): T.DrawInfo['state'] =>
  ({ open: 'open', full: 'waiting', settled: 'drawn', void: 'void', expired: 'none', cancelled: 'none' } as const)[group.state]

export function drawInfo(group: MockGroup, who: string | null): T.DrawInfo {
  const { draw } = group
  const indexes = group.seats.filter((seat) => seat.member === who && seat.no !== null).map((seat) => seat.no!)
  const salt = who === null ? '' : members[who]!.salt
  const tag = draw.seats?.split('\n')[1 + (indexes[0] ?? 0)]?.split(' ')[1] ?? ''
  return { state: drawState(group), level: 0, source: 'local', round: draw.round === null ? null : String(draw.round), round_time: isoOrNull(draw.roundMs), frozen_at: draw.frozenAt && iso(draw.frozenAt * 1000),
    beacon: { kind: 'local', round: draw.round === null ? null : String(draw.round), signature: draw.signature, beacon_file: beaconFile, public_key: 'ab'.repeat(96) },
    hashes: { open: sha(draw.open), seats: draw.seats && sha(draw.seats), freeze: draw.freeze && sha(draw.freeze) }, seed: draw.seed, winners: draw.winners,
    mine: indexes.length ? { indexes, member_id: who!, salt, tag } : null, published_hash: campaignOf(group.campaign)!.hash }
}

export function solvency(file: T.CampaignFile): T.Solvency {
  const w = file.group.winners ?? Math.floor((file.group.seats * Number.parseFloat(file.group.win_rate ?? '0')) / 100)
  const n = file.group.seats
  const sales = w * fen(file.group.price)
  const supplier = -w * fen(file.product.cost)
  const cash = (reward: T.Reward) => {
    if (reward.program === 'consolation') return (n - w) * fen(reward.cash)
    if (reward.program === 'formation') return (n - 1) * fen(reward.per_recruit)
    if (reward.program === 'leader') return fen(reward.cash)
    if (reward.program === 'winner-bonus') return w * fen(reward.cash)
    const each = fen(reward.fixed ?? file.reward[0]?.cash)
    const seats = reward.source === 'winners' ? w : reward.source === 'all' ? n : n - w
    return seats * (reward.rates ?? []).reduce((all, rate) => all + Math.floor((each * Number.parseFloat(rate)) / 100), 0)
  }
  const rewards = file.reward.map((reward) => ({ name: 'rewards', program: reward.share ? `${reward.program} (${reward.share})` : reward.program, amount: yuan(-Math.min(cash(reward), reward.share ? fen(file.caps?.[reward.share]) : Infinity)) }))
  const fees = -Math.round((n * fen(file.group.price) * Number.parseFloat(file.channel?.fee ?? '0')) / 100)
  const worst = sales + supplier + fees + rewards.reduce((all, row) => all + fen(row.amount), 0)
  const coins = (n - w) * fen(file.reward.find((reward) => reward.program === 'consolation')?.coins)
  return { price_total: yuan(n * fen(file.group.price)), terms: [{ name: 'sales', program: null, amount: yuan(sales) }, { name: 'supplier', program: null, amount: yuan(supplier) }, { name: 'fees', program: null, amount: yuan(fees) }, ...rewards],
    platform_worst: yuan(worst), margin_floor: '0.00', all_winners_return: yuan(worst - sales), all_coins_at_face: yuan(worst - coins), expires_with_fees: '0.00', covers_returns: 0 <= worst - sales, covers_coins: 0 <= worst - coins }
}

export function campaignCard(terms: Terms): T.CampaignCard {
  const { file } = terms
  const consolation = file.reward.find((reward) => reward.program === 'consolation')
  return { id: terms.id, name: file.name, kind: file.kind, product: { title: file.product.title, fulfilment: 'ship' }, price: file.group.price, seats: file.group.seats, winners: file.group.winners!, leader: file.group.leader,
    fill_within_s: secondsOf(file.group.fill_within), payment_window_s: secondsOf(file.group.payment_window), seats_per_member: file.group.seats_per_member, consolation: { cash: consolation?.cash ?? '0.00', coins: consolation?.coins ?? '0.00' },
    open_groups: groups.filter((group) => group.campaign === terms.id && group.state === 'open').length, source: 'local', level: 0 }
}

export function campaignPage(terms: Terms): T.Campaign {
  const { file } = terms
  const { seats, winners, price } = file.group
  const r = fen(file.reward.find((reward) => reward.program === 'consolation')?.cash)
  return { ...campaignCard(terms), published_at: iso(terms.at), hash: terms.hash, terms: file, solvency: solvency(file), odds: { seats, winners: winners!, average_rounds: String(Math.round((seats / winners!) * 100) / 100), product_cost_average: yuan(fen(price) - Math.round((seats / winners! - 1) * r)) },
    rewards: file.reward, profile: file.profile, reserve_wording: true, demo: true }
}

/** Groups in every state, so that every page has something to show. */
export async function seed(me: string) {
  const join = async (group: MockGroup, count: number, first = 0) => {
    for (let i = 0; i < count; i += 1) await pay(reserve(group, String(2000 + ((first + i) % crowd.length)), true).payment)
  }
  const settledLost = openGroup('1', '2000'); await join(settledLost, 4); await pay(reserve(settledLost, me).payment); await settle(settledLost)
  for (let i = 0; i < 60; i += 1) {
    const group = openGroup('1', me); await pay(reserve(group, me).payment); await join(group, 4, i); await settle(group)
    if (orders.some((order) => order.member === me)) break
  }
  const ten = openGroup('3', '2003'); await join(ten, 9, 3); await pay(reserve(ten, me).payment); await settle(ten)
  const fresh = openGroup('1', '2001'); await join(fresh, 3, 1)
  const big = openGroup('2', '2005'); await join(big, 64, 5); await pay(reserve(big, me).payment); reserve(big, '2009', true); reserve(big, '2010', true)
  const potOpen = openGroup('3', '2006'); await join(potOpen, 4, 6); reserve(potOpen, '2012', true); reserve(potOpen, me)
  const gone = openGroup('3', '2007'); await join(gone, 2, 7); reserve(gone, me); await pay(gone.seats[2]!.payment); leave(gone, '2007'); gone.state = 'expired'; gone.leader = '2008'
  gone.seats.forEach((seat) => { seat.state = 'refunded' })
  line(me, 'in_groups', -8800, 'seat_refunded', gone)
  line(me, 'vesting', 60, 'reward', settledLost, { program: 'generation', source_seat: 3, generation: 1, base: '12.00', rate: '5%', rule: 2 })
  line(me, 'vesting', 200, 'reward', settledLost, { program: 'formation', source_seat: 4, base: '2.00', rule: 2 })
  line(me, 'available', 200, 'vested', settledLost)
  const shipped = orders.find((order) => order.member === me)
  if (shipped) Object.assign(shipped, { state: 'shipped', carrier: '顺丰速运', number: 'SF1234567890', received_by: iso(Date.now() + 15 * 86_400_000) })
}
