import { beforeEach, describe, expect, it } from 'vitest'
import { capLine, duration, explain, rewardLine } from '../src/describe'
import { cashAndCoins, consolationLine } from '../src/offer'
import { useLocale } from '../src/i18n'
import type { WalletLine, Why } from '../src/types'

const none: Why = { kind: 'reward', group: '12', campaign: '3', program: null, source_seat: null, generation: null, base: null, rate: null, rule: null, payment: null, refund: null, dividend: null }
const line = (why: Partial<Why>, amount = '0.60', account: WalletLine['account'] = 'vesting') => ({ account, amount, why: { ...none, ...why } })

describe('every line of a wallet says in one sentence why it is there', () => {
  const rows: [string, ReturnType<typeof line>, string, string][] = [
    ['generation', line({ program: 'generation', source_seat: 5, generation: 1, base: '12.00', rate: '5%', rule: 2 }),
      '代数奖（第 1 代）：来自第 12 团 5 号名额，¥12.00 × 5% = ¥0.60（活动 3 规则 2）',
      'Generation reward (generation 1) from group 12, seat 5: ¥12.00 × 5% = ¥0.60 (rule 2 of campaign 3)'],
    ['formation', line({ program: 'formation', source_seat: 4, base: '2.00', rule: 3 }, '2.00'),
      '成团奖：来自第 12 团 4 号名额，¥2.00（活动 3 规则 3）',
      'Formation reward from group 12, seat 4: ¥2.00 (rule 3 of campaign 3)'],
    ['leader in coins', line({ program: 'leader', base: '8.00', rule: 1 }, '8.00', 'coins'),
      '团长奖：来自第 12 团，8.00（活动 3 规则 1）', 'Leader reward from group 12: 8.00 (rule 1 of campaign 3)'],
    ['a program unknown here', line({ program: 'moon', rule: null }), 'moon：来自第 12 团', 'moon from group 12'],
    ['consolation', line({ kind: 'consolation', rule: 1 }, '5.00', 'available'),
      '第 12 团未中奖的参与奖（活动 3 规则 1）', 'Consolation for not being drawn in group 12 (rule 1 of campaign 3)'],
    ['paid', line({ kind: 'seat_paid' }, '100.00', 'in_groups'), '参团付款：第 12 团的一个名额', 'Paid for a seat in group 12'],
    ['won', line({ kind: 'seat_won' }, '-100.00', 'in_groups'), '第 12 团中奖，付款转为货款', 'Won in group 12: the payment became the price'],
    ['refunded', line({ kind: 'seat_refunded' }, '-100.00', 'in_groups'), '第 12 团的款项转为退款，全额原路退回', 'Group 12: became a refund, in full, the way it came'],
    ['bounced', line({ kind: 'bounced', group: null }), '付款没有占到名额，转为退款，全额原路退回', 'A payment that found no place became a refund, in full'],
    ['vested', line({ kind: 'vested' }), '第 12 团的奖励已解冻', 'The reward from group 12 has vested'],
    ['taken back', line({ kind: 'clawed_back', group: null }, '-5.00', 'available'),
      '平台收回已发放的奖励。余额不足的部分，从以后的奖励中抵扣',
      'The platform has taken back a reward. What is not in the balance is set off against later rewards'],
    ['taken back for a group', line({ kind: 'clawed_back' }, '-5.00', 'available'),
      '平台收回第 12 团的奖励。余额不足的部分，从以后的奖励中抵扣',
      'The platform has taken back a reward of group 12. What is not in the balance is set off against later rewards'],
    ['a kind unknown here', line({ kind: 'gift' }), 'gift', 'gift'],
  ]
  it.each(rows)('%s', async (_, given, chinese, english) => {
    await useLocale('zh')
    expect(explain(given)).toBe(chinese)
    await useLocale('en')
    expect(explain(given)).toBe(english)
  })
})

describe('what is promised, in words', () => {
  beforeEach(() => useLocale('en'))
  it('durations', () => {
    expect([300, 3600, 86_400, 90_000, 5430].map(duration)).toEqual(['5 minutes', '1 hour', '1 day', '1 day 1 hour', '1 hour 30 minutes'])
  })
  it('consolation', () => {
    const card = (cash: string, coins: string, capped: boolean | undefined = false) => consolationLine({ consolation: { cash, coins } }, capped)
    expect(card('12.00', '100.00')).toBe('Not drawn: all back + ¥12 + 100 coins')
    expect(card('0.00', '8.00')).toBe('Not drawn: all back + 8 coins')
    expect(card('5.50', '0.00')).toBe('Not drawn: all back + ¥5.50')
    expect(card('0.00', '0.00')).toBe('Not drawn: all back')
    expect(card('12.00', '100.00', true)).toBe('Not drawn: all back + up to ¥12 + 100 coins')
    expect(card('5.50', '0.00', true)).toBe('Not drawn: all back + up to ¥5.50')
    expect(card('0.00', '8.00', true)).toBe('Not drawn: all back + 8 coins')
    expect(cashAndCoins(undefined, '3.00')).toBe('3 coins')
  })
  it('consolation of a campaign whose caps are not known yet: no sum', () => {
    const card = { consolation: { cash: '12.00', coins: '1.00' } }
    expect(consolationLine(card, undefined)).toBe('Not drawn: all back + a consolation')
    expect(consolationLine({ consolation: { cash: '0.00', coins: '1.00' } }, undefined)).toBe('Not drawn: all back + 1 coins')
  })
  it('consolation with a cap of its own or a shared one is the most', () => {
    const r = { program: 'consolation', cash: '5.00' }
    const lines = [r, { ...r, cap: '12.00' }, { ...r, share: 'all', coins: '2.00' }, { program: 'consolation', coins: '2.00', cap: '12.00' }].map((reward) => rewardLine(reward))
    expect(lines).toEqual(['¥5', 'up to ¥5', 'up to ¥5 + 2 coins', '2 coins'].map((what) => `Consolation: ${what} for each non-winner`))
  })
  it('rewards', () => {
    expect(rewardLine({ program: 'generation', source: 'non-winners', base: 'consolation', rates: ['5%', '3%'] })).toBe('Generation reward: for each seat not drawn, 2 generations of inviters get 5% / 3% of the consolation')
    expect(rewardLine({ program: 'generation', source: 'all', fixed: '6.00', rates: ['100%'] })).toBe('Generation reward: for each seat, the inviter gets 100% of ¥6')
    expect(capLine({ program: 'generation', share: 'uplines' }, { uplines: '30.00' })).toBe('at most ¥30 per group, together with the others of “uplines”')
    expect(capLine({ program: 'generation' }, { uplines: '30.00' })).toBe('')
    expect(rewardLine({ program: 'leader', cash: '3.00', unless_won: true })).toBe('Leader: ¥3 once the group has filled (unless he wins)')
    expect(rewardLine({ program: 'dividend', rates: [] })).toBe('Dividend')
  })
})
