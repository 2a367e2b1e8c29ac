//! The form of a campaign as it is typed, and the campaign file made of it.

import { fenText, parseFen } from '../money'
import type { CampaignCard, CampaignFile, Leader, Odds, Reward, Source } from '../types'

export const PROGRAMS = ['consolation', 'winner-bonus', 'leader', 'formation', 'generation'] as const
export type Program = (typeof PROGRAMS)[number]
/** The kinds that can be published. */
export const KINDS = ['draw', 'everyone-buys', 'bonus-draw'] as const
export type Kind = (typeof KINDS)[number]

export interface RewardDraft {
  key: number
  program: Program
  cash: string
  coins: string
  unlessWon: boolean
  perRecruit: string
  source: Source
  base: 'price' | 'consolation' | 'margin' | 'fixed'
  fixed: string
  rates: string
  vipDepth: string
  limit: 'none' | 'own' | 'share'
  cap: string
  share: string
}

export interface Draft {
  kind: Kind
  nameZh: string
  nameEn: string
  titleZh: string
  titleEn: string
  profile: string
  cost: string
  prizeZh: string
  prizeEn: string
  prizeCost: string
  price: string
  seats: number
  by: 'number' | 'rate' | 'chance'
  winners: number
  winRate: string
  chanceP: string
  chanceMin: number
  chanceMax: number
  leader: Leader
  fillWithin: string
  paymentWindow: string
  perMember: number
  source: '' | 'drand-quicknet' | 'local'
  delay: string
  fee: string
  keptOnRefund: boolean
  caps: { key: number; name: string; limit: string }[]
  rewards: RewardDraft[]
}

let keys = 0
export const newKey = () => (keys += 1)

export function newReward(program: Program, more: Partial<RewardDraft> = {}): RewardDraft {
  return {
    key: newKey(), program, cash: '', coins: '', unlessWon: false, perRecruit: '', source: 'all', base: 'consolation', fixed: '', rates: '', vipDepth: '',
    limit: 'none', cap: '', share: '', ...more,
  }
}

export function blank(): Draft {
  return {
    kind: 'draw', nameZh: '', nameEn: '', titleZh: '', titleEn: '', profile: 'seed', cost: '', prizeZh: '', prizeEn: '', prizeCost: '', price: '', seats: 10,
    by: 'number', winners: 1, winRate: '', chanceP: '', chanceMin: 1, chanceMax: 3,
    leader: 'equal', fillWithin: '24h', paymentWindow: '5m', perMember: 1, source: '', delay: '', fee: '0.6%', keptOnRefund: false, caps: [],
    rewards: [newReward('consolation')],
  }
}

/** The examples of the rules, to begin with something that stands. */
export const PRESETS: Record<'blank' | 'e0' | 'e2' | 'everyone' | 'bonus', () => Draft> = {
  blank,
  e0: () => ({
    ...blank(), nameZh: '五人成团 · 水果礼盒', nameEn: 'Five for a box of fruit', titleZh: '时令水果礼盒', titleEn: 'Box of fruit of the season',
    cost: '20.00', price: '100.00', seats: 5, winners: 1, fee: '0%', caps: [{ key: newKey(), name: 'uplines', limit: '30.00' }],
    rewards: [
      newReward('consolation', { cash: '5.00' }),
      newReward('formation', { perRecruit: '2.00' }),
      newReward('generation', { source: 'all', base: 'fixed', fixed: '6.00', rates: '100%', limit: 'share', share: 'uplines' }),
    ],
  }),
  e2: () => ({
    ...blank(), nameZh: '百人团 · 降噪耳机', nameEn: 'A hundred for headphones', titleZh: '头戴式降噪耳机', titleEn: 'Noise-cancelling headphones',
    cost: '250.00', price: '1000.00', seats: 100, winners: 2, fee: '0%',
    rewards: [
      newReward('consolation', { cash: '12.00', coins: '100.00' }),
      newReward('generation', { source: 'non-winners', base: 'consolation', rates: '5%, 5%, 5%', vipDepth: '0, 1, 2, 3' }),
    ],
  }),
  everyone: () => ({
    ...blank(), kind: 'everyone-buys', nameZh: '十人拼团 · 猕猴桃整箱', nameEn: 'Group of ten · A case of kiwi fruit', titleZh: '猕猴桃 5 斤装（24 枚）', titleEn: 'Kiwi fruit, 2.5 kg, 24 pieces',
    cost: '42.00', price: '59.90', seats: 10, rewards: [newReward('leader', { cash: '8.00' }), newReward('generation', { source: 'all', base: 'margin', rates: '10%' })],
  }),
  bonus: () => ({
    ...blank(), kind: 'bonus-draw', nameZh: '二十人拼团 · 咖啡豆，抽两台磨豆机', nameEn: 'Group of twenty · Coffee beans, and two grinders drawn', titleZh: '咖啡豆 1 千克（中度烘焙）', titleEn: 'Coffee beans, 1 kg, medium roast',
    cost: '80.00', prizeZh: '手摇磨豆机', prizeEn: 'Hand coffee grinder', prizeCost: '50.00', price: '128.00', seats: 20, winners: 2, rewards: [newReward('consolation', { coins: '3.00' })],
  }),
}

/** The leader rules that go with a draft's kind and winners (rules 4). */
export function leadersOf({ kind, by }: Pick<Draft, 'kind' | 'by'>): Leader[] {
  if (kind === 'everyone-buys') return ['equal']
  return kind === 'draw' && by !== 'chance' ? ['equal', 'exempt', 'buys'] : ['equal', 'exempt']
}

export type Wrong = 'required' | 'money' | 'duration' | 'percent'

const isMoney = (text: string) => 0n <= (parseFen(text) ?? -1n)
const isDuration = (text: string) => /^[0-9]{1,9}(s|m|h|d)$/.test(text)
const isPercent = (text: string) => /^[0-9]{1,3}(\.[0-9]{1,4})?%$/.test(text)
const list = (text: string) => text.split(/[,\uff0c\s]+/).filter((part) => part !== '')

/** What is wrong with each field, before the server is asked. Keys are names of fields; rewards and caps carry their key. */
export function wrongFields(draft: Draft): Record<string, Wrong> {
  const wrong: Record<string, Wrong> = {}
  const need = (name: string, text: string, good: (text: string) => boolean, kind: Wrong) => {
    if (text.trim() === '') wrong[name] = 'required'
    else if (!good(text.trim())) wrong[name] = kind
  }
  const may = (name: string, text: string, good: (text: string) => boolean, kind: Wrong) => {
    if (text.trim() !== '' && !good(text.trim())) wrong[name] = kind
  }
  for (const name of ['nameZh', 'nameEn', 'titleZh', 'titleEn'] as const) need(name, draft[name], () => true, 'required')
  need('cost', draft.cost, isMoney, 'money')
  need('price', draft.price, isMoney, 'money')
  if (draft.kind === 'bonus-draw') {
    need('prizeZh', draft.prizeZh, () => true, 'required')
    need('prizeEn', draft.prizeEn, () => true, 'required')
    need('prizeCost', draft.prizeCost, isMoney, 'money')
  }
  if (draft.kind !== 'everyone-buys' && draft.by === 'chance') need('chanceP', draft.chanceP, isPercent, 'percent')
  if (draft.kind !== 'everyone-buys' && draft.by === 'rate') need('winRate', draft.winRate, isPercent, 'percent')
  need('fillWithin', draft.fillWithin, isDuration, 'duration')
  need('paymentWindow', draft.paymentWindow, isDuration, 'duration')
  may('delay', draft.delay, isDuration, 'duration')
  need('fee', draft.fee, isPercent, 'percent')
  for (const cap of draft.caps) {
    need(`cap.${cap.key}.name`, cap.name, () => true, 'required')
    need(`cap.${cap.key}.limit`, cap.limit, isMoney, 'money')
  }
  for (const reward of draft.rewards) {
    const at = `reward.${reward.key}`
    may(`${at}.cash`, reward.cash, isMoney, 'money')
    may(`${at}.coins`, reward.coins, isMoney, 'money')
    if (reward.program === 'formation') need(`${at}.perRecruit`, reward.perRecruit, isMoney, 'money')
    if (reward.program === 'generation') {
      need(`${at}.rates`, reward.rates, (text) => list(text).every(isPercent), 'percent')
      if (reward.base === 'fixed') need(`${at}.fixed`, reward.fixed, isMoney, 'money')
    }
    if (reward.limit === 'own') need(`${at}.cap`, reward.cap, isMoney, 'money')
    if (reward.limit === 'share') need(`${at}.share`, reward.share, () => true, 'required')
  }
  return wrong
}

const money = (text: string) => {
  const fen = parseFen(text)
  return fen === null ? text : fenText(fen)
}

/** The campaign file (rules 13), with nothing in it that was left empty. */
export function toFile(draft: Draft): CampaignFile {
  const file: CampaignFile = {
    name: { zh: draft.nameZh.trim(), en: draft.nameEn.trim() },
    kind: draft.kind,
    profile: draft.profile,
    plan: 1,
    product: { title: { zh: draft.titleZh.trim(), en: draft.titleEn.trim() }, cost: money(draft.cost), fulfilment: 'ship' },
    group: {
      price: money(draft.price),
      seats: draft.seats,
      ...winnersOf(draft),
      leader: leadersOf(draft).includes(draft.leader) ? draft.leader : 'equal',
      fill_within: draft.fillWithin.trim(),
      payment_window: draft.paymentWindow.trim(),
      seats_per_member: draft.perMember,
    },
    channel: { fee: draft.fee.trim(), kept_on_refund: draft.keptOnRefund },
    reward: draft.rewards.map(toReward),
  }
  if (draft.kind === 'bonus-draw') file.prize = { title: { zh: draft.prizeZh.trim(), en: draft.prizeEn.trim() }, cost: money(draft.prizeCost) }
  if (draft.source !== '' || draft.delay.trim() !== '') {
    file.draw = { ...(draft.source === '' ? {} : { source: draft.source }), ...(draft.delay.trim() === '' ? {} : { delay: draft.delay.trim() }) }
  }
  if (0 < draft.caps.length) file.caps = Object.fromEntries(draft.caps.map((cap) => [cap.name.trim(), money(cap.limit)]))
  return file
}

/** How many win; where everyone buys nothing is said of it. */
function winnersOf(draft: Draft): Pick<CampaignFile['group'], 'winners' | 'win_rate' | 'chance'> {
  if (draft.kind === 'everyone-buys') return {}
  if (draft.by === 'rate') return { win_rate: draft.winRate.trim() }
  return draft.by === 'number' ? { winners: draft.winners } : { chance: { p: draft.chanceP.trim(), min: draft.chanceMin, max: draft.chanceMax } }
}

/** The file as members would see it, with the odds as the server counts them. */
export function previewCard(file: CampaignFile, odds: Odds): Pick<CampaignCard, 'kind' | 'seats' | 'winners' | 'leader' | 'chance' | 'odds' | 'prize' | 'price'> {
  const { seats, leader, price, chance } = file.group
  return { kind: file.kind, seats, winners: file.group.winners ?? odds.winners, leader, chance: chance ?? null, odds, prize: file.prize ?? null, price }
}

function toReward(draft: RewardDraft): Reward {
  const reward: Reward = { program: draft.program }
  if (draft.program === 'consolation' || draft.program === 'winner-bonus' || draft.program === 'leader') {
    if (draft.cash.trim() !== '') reward.cash = money(draft.cash)
    if (draft.coins.trim() !== '') reward.coins = money(draft.coins)
  }
  if (draft.program === 'leader' && draft.unlessWon) reward.unless_won = true
  if (draft.program === 'formation') reward.per_recruit = money(draft.perRecruit)
  if (draft.program === 'generation') {
    reward.source = draft.source
    if (draft.base === 'fixed') reward.fixed = money(draft.fixed)
    else reward.base = draft.base
    reward.rates = list(draft.rates)
    if (draft.vipDepth.trim() !== '') reward.vip_depth = list(draft.vipDepth).map(Number)
  }
  if (draft.limit === 'own') reward.cap = money(draft.cap)
  if (draft.limit === 'share') reward.share = draft.share.trim()
  return reward
}

/** The form's field for a key that the server refuses: `reward[1].cash` is that of the second reward. */
export function fieldOf(draft: Draft, key: string): string | undefined {
  const [, at, name] = /^reward\[(\d+)\](?:\.(\w+))?/.exec(key) ?? []
  const reward = at === undefined ? undefined : draft.rewards[Number(at)]
  if (reward !== undefined) return `reward.${reward.key}.${{ per_recruit: 'perRecruit', vip_depth: 'vipDepth' }[name ?? ''] ?? name ?? 'cash'}`
  if (/^(reward|caps)\b/.test(key)) return 'rewards'
  return FIELD_OF_KEY[key]
}

const FIELD_OF_KEY: Record<string, string> = {
  'name.zh': 'nameZh', 'name.en': 'nameEn', 'product.title.zh': 'titleZh', 'product.title.en': 'titleEn', 'product.cost': 'cost', 'group.price': 'price',
  kind: 'kind', 'prize.title.zh': 'prizeZh', 'prize.title.en': 'prizeEn', 'prize.cost': 'prizeCost', prize: 'prizeZh', 'group.chance': 'winRate', 'group.chance.p': 'winRate', 'group.chance.min': 'winRate', 'group.chance.max': 'winRate',
  'group.seats': 'seats', 'group.winners': 'winRate', 'group.win_rate': 'winRate', 'group.leader': 'leader', 'group.fill_within': 'fillWithin', 'group.payment_window': 'paymentWindow',
  'group.seats_per_member': 'perMember', 'draw.source': 'source', 'draw.delay': 'delay', 'channel.fee': 'fee', profile: 'profile',
}

export type Suggestion = { kind: 'winners' | 'price' | 'consolation'; value: string } | { kind: 'pair'; seats: number; winners: number }

/** Takes over one of the nearest values that pass (rules 8), or a pair that a win rate could mean (rules 4). */
export function applySuggestion(draft: Draft, suggestion: Suggestion): void {
  if (suggestion.kind === 'pair') {
    draft.by = 'number'
    draft.seats = suggestion.seats
    draft.winners = suggestion.winners
  } else if (suggestion.kind === 'winners') {
    draft.by = 'number'
    draft.winners = Number.parseInt(suggestion.value, 10)
  } else if (suggestion.kind === 'price') {
    draft.price = suggestion.value
  } else {
    const consolation = draft.rewards.find((reward) => reward.program === 'consolation')
    if (consolation) consolation.cash = suggestion.value
  }
}
