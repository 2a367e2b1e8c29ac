//! Sentences made of data: durations, rewards, and why each line of a wallet is there.

import { isCapped } from './consolation'
import { texts } from './i18n'
import { grouped, isZero, shortYuan, yuan } from './money'
import { cashText, shortCoins } from './offer'
import { durationParts } from './time'
import type { Money, Reward, WalletLine } from './types'

const t = (key: string, values: Record<string, unknown> = {}, count?: number) =>
  count === undefined ? texts.t(key, values) : texts.t(key, values, count)
const has = (key: string) => texts.te(key)

export function duration(seconds: number): string {
  return durationParts(seconds).map(({ unit, count }) => t(`duration.${unit}`, { n: count }, count)).join(' ')
}

/** "¥12 + 100 coins", or what there is of it. */
export function cashAndCoins(cash: Money | null | undefined, coins: Money | null | undefined, capped = false): string {
  const parts: string[] = []
  if (!isZero(cash)) parts.push(cashText(cash as string, capped))
  if (!isZero(coins)) parts.push(t('reward.coins', { coins: shortCoins(coins as string) }))
  return parts.length === 2 ? t('reward.and', { a: parts[0], b: parts[1] }) : (parts[0] ?? shortYuan('0'))
}

export function rewardLine(reward: Reward): string {
  const what = cashAndCoins(reward.cash, reward.coins, isCapped([reward]))
  const rates = (reward.rates ?? []).join(' / ')
  const n = reward.rates?.length ?? 0
  const source = has(`reward.source.${reward.source}`) ? t(`reward.source.${reward.source}`) : ''
  const lines: Record<string, () => string> = {
    consolation: () => t('reward.consolation', { what }),
    'winner-bonus': () => t('reward.winner-bonus', { what }),
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
      return t('wallet.why.reward', {
        ...values,
        program: programName(why.program ?? '') + (why.generation === null ? '' : t('wallet.why.generation', { n: why.generation })),
        seat: why.source_seat === null ? '' : t('wallet.why.seat', { n: why.source_seat }),
        maths: maths(line),
        rule: why.rule === null ? '' : t('wallet.why.rule', values),
      })
    case 'seat_paid':
    case 'seat_won':
    case 'seat_bought':
    case 'reversed':
    case 'seat_refunded':
    case 'vested':
    case 'bounced':
      return t(`wallet.why.${why.kind}`, values)
    default:
      return t('wallet.why.other', { kind: why.kind })
  }
}

function maths({ account, amount, why }: Pick<WalletLine, 'account' | 'amount' | 'why'>): string {
  const show = account === 'coins' || account === 'vesting_coins' ? grouped : yuan
  const plain = amount.replace(/^[-+]/, '')
  if (why.base === null) return ''
  if (why.rate === null) return t('wallet.why.maths_fixed', { amount: show(plain) })
  return t('wallet.why.maths', { base: show(why.base), rate: percent(why.rate), amount: show(plain) })
}

/** A rate as the campaign file writes it, "5%". */
function percent(rate: string): string {
  return rate.includes('%') ? rate : `${rate}%`
}
