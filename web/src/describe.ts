//! Sentences made of data: durations, odds, rewards, and why each line of a wallet is there.

import { isCapped } from './consolation'
import { pick, texts } from './i18n'
import { grouped, shortYuan, yuan } from './money'
import { type Terms, cashAndCoins } from './offer'
import { durationParts } from './time'
import type { CampaignCard, CampaignKind, Money, Reward, WalletLine } from './types'

const t = (key: string, values: Record<string, unknown> = {}, count?: number) =>
  count === undefined ? texts.t(key, values) : texts.t(key, values, count)
const has = (key: string) => texts.te(key)

export function duration(seconds: number): string {
  return durationParts(seconds).map(({ unit, count }) => t(`duration.${unit}`, { n: count }, count)).join(' ')
}

/** A card with its price; the window matters in a ballot only, where a right to buy ends with it. */
type Priced = Terms & Pick<CampaignCard, 'price'> & Partial<Pick<CampaignCard, 'payment_window_s'>>

/** What happens when a group is full, and with what odds, in one sentence (rules 4 and 8). */
export function oddsLine(card: Priced): string {
  const values = { ...card.odds, ...card.chance, prize: pick(card.prize?.title) }
  if (card.kind === 'everyone-buys') return t('campaign.all_buy', { seats: card.seats, price: yuan(card.price) })
  if (card.kind === 'ballot') {
    const terms = { seats: card.seats, winners: card.winners, ...card.chance, expected_winners: card.odds.expected_winners, price: yuan(card.price), window: duration(card.payment_window_s ?? 0) }
    return t(card.chance === null ? 'campaign.ballot' : 'campaign.ballot_chance', terms)
  }
  if (card.kind === 'bonus-draw') return t(card.chance === null ? 'campaign.odds_prize' : 'campaign.odds_prize_chance', values)
  if (card.chance !== null) return t('campaign.odds_chance', values)
  return t(card.leader === 'buys' ? 'campaign.odds_buys' : 'campaign.odds', values)
}

/** What playing on and on comes to, if that can be said; `capped` as of {@link isCapped}. */
export function averageLine(card: Terms & Pick<CampaignCard, 'price'>, capped: boolean): string {
  const values = { rounds: card.odds.average_rounds, price: yuan(card.price), cost: yuan(card.odds.product_cost_average) }
  if (card.kind === 'everyone-buys' || card.kind === 'ballot') return ''
  if (card.kind === 'bonus-draw') return t('campaign.average_prize', values)
  return t(capped ? 'campaign.average_least' : 'campaign.average', values)
}

/** What the leader's seat does, which everyone is told before paying. */
export function leaderLine(card: Terms): string {
  if (card.kind === 'everyone-buys') return t('campaign.leader.everyone')
  if (card.kind === 'bonus-draw') return t(card.leader === 'exempt' ? 'campaign.leader.prize_exempt' : 'campaign.leader.prize')
  return t(`campaign.leader.${card.leader}`)
}

/** What opening a group comes to for who opens it, beyond the payment. */
export function openingLine(card: Priced): string {
  if (card.kind === 'everyone-buys') return t('campaign.open_everyone')
  if (card.kind === 'bonus-draw') return oddsLine(card)
  if (card.kind === 'ballot') return ''
  if (card.leader === 'buys') return t('campaign.open_buys', { ...card.odds })
  if (card.leader === 'exempt') return t('campaign.open_exempt')
  return card.chance === null ? '' : t('campaign.open_chance', { p: card.chance.p })
}

export function rewardLine(reward: Reward, kind: CampaignKind = 'draw'): string {
  const what = cashAndCoins(reward.cash, reward.coins, isCapped([reward]))
  const rates = (reward.rates ?? []).join(' / ')
  const n = reward.rates?.length ?? 0
  // Where nothing is drawn every seat is a winner's, and nobody is to read of winners.
  const from = kind === 'everyone-buys' && reward.source === 'winners' ? 'all' : reward.source
  const source = has(`reward.source.${from}`) ? t(`reward.source.${from}`) : ''
  const lines: Record<string, () => string> = {
    consolation: () => t('reward.consolation', { what }),
    'winner-bonus': () => t(kind === 'everyone-buys' ? 'reward.winner-bonus_everyone' : 'reward.winner-bonus', { what }),
    leader: () => t(reward.unless_won ? 'reward.leader_unless' : 'reward.leader', { what }),
    formation: () => t('reward.formation', { amount: shortYuan(reward.per_recruit ?? '0') }),
    generation: () =>
      reward.fixed === undefined
        ? t('reward.generation', { source, n, rates, base: has(`reward.base.${reward.base}`) ? t(`reward.base.${reward.base}`) : reward.base }, n)
        : t('reward.generation_fixed', { source, n, rates, fixed: shortYuan(reward.fixed) }, n),
  }
  return lines[reward.program]?.() ?? t('reward.other', { name: programName(reward.program) })
}

/** What limits a program's cash in one group, if anything does. */
export function capLine(reward: Reward, caps: Record<string, Money> | undefined): string {
  if (reward.cap !== undefined) return t('reward.cap', { cap: shortYuan(reward.cap) })
  const shared = reward.share === undefined ? undefined : caps?.[reward.share]
  return shared === undefined ? '' : t('reward.shared_cap', { cap: shortYuan(shared), name: reward.share })
}

export function programName(program: string): string {
  return has(`program.${program}`) ? t(`program.${program}`) : program
}

/** One sentence: which program, from which seat, how much of what, under which rule (rules 7). */
export function explain(line: Pick<WalletLine, 'account' | 'amount' | 'why'>): string {
  const { why } = line
  const values = { group: why.group ?? '?', campaign: why.campaign ?? '?', rule: why.rule ?? '?' }
  switch (why.kind) {
    case 'consolation':
      return t(why.rule === null ? 'wallet.why.consolation_norule' : 'wallet.why.consolation', values)
    case 'reward':
      if (why.dividend !== null) return dividendLine(line.amount, why.dividend)
      return t('wallet.why.reward', {
        ...values,
        program: programName(why.program ?? '') + (why.generation === null ? '' : t('wallet.why.generation', { n: why.generation })),
        seat: why.source_seat === null ? '' : t('wallet.why.seat', { n: why.source_seat }),
        maths: maths(line),
        rule: why.rule === null ? '' : t('wallet.why.rule', values),
      })
    case 'clawed_back':
      return t(why.group === null ? 'wallet.why.clawed_back' : 'wallet.why.clawed_back_group', values)
    case 'seat_paid':
    case 'seat_won':
    case 'seat_bought':
    case 'reversed':
    case 'withdrawn':
    case 'withdrawal_rejected':
    case 'withdrawal_failed':
    case 'seat_refunded':
    case 'vested':
    case 'bounced':
    case 'coins_expired':
    case 'coins_spent':
    case 'coins_back':
    case 'recharge_gift':
    case 'counter_paid':
    case 'counter_reversed':
    case 'tax_withheld':
    case 'gift_back':
    case 'recharged':
    case 'recharge_refunded':
      return t(`wallet.why.${why.kind}`, values)
    default:
      return t('wallet.why.other', { kind: why.kind })
  }
}

/** A dividend: the pool's share by weight, and the period it was filled in. */
function dividendLine(amount: Money, { weight, of }: NonNullable<WalletLine['why']['dividend']>): string {
  const values = { plan: of.plan, pool: yuan(of.pool), weight, total: of.weight, amount: yuan(amount) }
  return t('wallet.why.dividend', { ...values, until: of.until.slice(0, 10) })
}

function maths({ account, amount, why }: Pick<WalletLine, 'account' | 'amount' | 'why'>): string {
  const show = account === 'coins' || account === 'vesting_coins' || account === 'bought_coins' ? grouped : yuan
  const plain = amount.replace(/^[-+]/, '')
  if (why.base === null) return ''
  if (why.rate === null) return t('wallet.why.maths_fixed', { amount: show(plain) })
  return t('wallet.why.maths', { base: show(why.base), rate: percent(why.rate), amount: show(plain) })
}

/** A rate as the campaign file writes it, "5%". */
function percent(rate: string): string {
  return rate.includes('%') ? rate : `${rate}%`
}
