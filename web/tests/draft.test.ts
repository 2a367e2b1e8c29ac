import { describe, expect, it } from 'vitest'
import { PRESETS, applySuggestion, fieldOf, leadersOf, newReward, toFile, wrongFields } from '../src/console/draft'

describe('the campaign file made of the form', () => {
  it('is that of example E2', () => {
    expect(toFile(PRESETS.e2())).toMatchObject({
      kind: 'draw',
      group: { price: '1000.00', seats: 100, winners: 2, leader: 'equal', fill_within: '24h', payment_window: '5m', seats_per_member: 1 },
      reward: [
        { program: 'consolation', cash: '12.00', coins: '100.00' },
        { program: 'generation', source: 'non-winners', base: 'consolation', rates: ['5%', '5%', '5%'], vip_depth: [0, 1, 2, 3] },
      ],
    })
  })
  it('shares a cap as in example E0', () => {
    const file = toFile(PRESETS.e0())
    expect(file.caps).toEqual({ uplines: '30.00' })
    expect(file.reward[2]).toEqual({ program: 'generation', source: 'all', fixed: '6.00', rates: ['100%'], share: 'uplines' })
  })
  it('leaves out what is empty: unknown keys are refused', () => {
    const draft = PRESETS.blank()
    const file = toFile(draft)
    expect(file).not.toHaveProperty('caps')
    expect(file).not.toHaveProperty('draw')
    expect(file.reward[0]).toEqual({ program: 'consolation' })
    draft.by = 'rate'
    draft.winRate = '3%'
    expect(toFile(draft).group).toMatchObject({ win_rate: '3%' })
    expect(toFile(draft).group).not.toHaveProperty('winners')
  })
  it('writes amounts with two decimals', () => {
    const draft = { ...PRESETS.e0(), price: '99', rewards: [newReward('consolation', { cash: '5.5' })] }
    expect(toFile(draft).group.price).toBe('99.00')
    expect(toFile(draft).reward[0]!.cash).toBe('5.50')
  })
})

describe('the form says what is wrong before the server is asked', () => {
  it('presets stand', () => {
    expect(wrongFields(PRESETS.e0())).toEqual({})
    expect(wrongFields(PRESETS.e2())).toEqual({})
  })
  it('field by field', () => {
    const draft = { ...PRESETS.e0(), nameEn: ' ', price: '1,000', cost: '-1', fillWithin: '1 day', fee: '0.6', delay: 'soon' }
    expect(wrongFields(draft)).toEqual({ nameEn: 'required', price: 'money', cost: 'money', fillWithin: 'duration', fee: 'percent', delay: 'duration' })
    const generation = newReward('generation', { rates: '5', limit: 'own' })
    expect(wrongFields({ ...PRESETS.e0(), rewards: [generation] })).toEqual({ [`reward.${generation.key}.rates`]: 'percent', [`reward.${generation.key}.cap`]: 'required' })
  })
})

it('takes over a pair that a win rate could mean', () => {
  const draft = { ...PRESETS.e2(), by: 'rate' as const, winRate: '3%', seats: 7 }
  applySuggestion(draft, { kind: 'pair', seats: 100, winners: 3 })
  expect(toFile(draft).group).toMatchObject({ seats: 100, winners: 3 })
  expect(toFile(draft).group.win_rate).toBeUndefined()
})
it('takes over the nearest values that pass', () => {
  const draft = { ...PRESETS.e2(), by: 'rate' as const, winRate: '2%' }
  applySuggestion(draft, { kind: 'winners', value: '3' })
  applySuggestion(draft, { kind: 'price', value: '1200.00' })
  applySuggestion(draft, { kind: 'consolation', value: '8.00' })
  expect(toFile(draft).group).toMatchObject({ winners: 3, price: '1200.00' })
  expect(toFile(draft).reward[0]).toMatchObject({ cash: '8.00', coins: '100.00' })
})

describe('the other kinds', () => {
  it('say nothing of winners where everyone buys', () => {
    const file = toFile({ ...PRESETS.everyone(), leader: 'buys', by: 'chance' })
    expect(file.kind).toBe('everyone-buys')
    expect(file.group).not.toHaveProperty('winners')
    expect(file.group).not.toHaveProperty('chance')
    expect(file.group.leader).toBe('equal')
    expect(file).not.toHaveProperty('prize')
  })
  it('have a prize only in a bonus draw', () => {
    const draft = PRESETS.bonus()
    expect(toFile(draft).prize).toEqual({ title: { zh: '手摇磨豆机', en: 'Hand coffee grinder' }, cost: '50.00' })
    draft.kind = 'draw'
    expect(toFile(draft)).not.toHaveProperty('prize')
    expect(wrongFields({ ...PRESETS.bonus(), prizeEn: '', prizeCost: 'x' })).toEqual({ prizeEn: 'required', prizeCost: 'money' })
  })
  it('win by chance', () => {
    const draft = { ...PRESETS.e2(), by: 'chance' as const, chanceP: '3%', chanceMin: 1, chanceMax: 5 }
    expect(toFile(draft).group).toMatchObject({ chance: { p: '3%', min: 1, max: 5 } })
    expect(toFile(draft).group).not.toHaveProperty('winners')
    expect(wrongFields({ ...draft, chanceP: '3' })).toEqual({ chanceP: 'percent' })
  })
  it('take the leader rules that go with them', () => {
    expect(leadersOf({ kind: 'draw', by: 'rate' })).toEqual(['equal', 'exempt', 'buys'])
    expect(leadersOf({ kind: 'draw', by: 'chance' })).toEqual(['equal', 'exempt'])
    expect(leadersOf({ kind: 'bonus-draw', by: 'number' })).toEqual(['equal', 'exempt'])
    expect(leadersOf({ kind: 'everyone-buys', by: 'number' })).toEqual(['equal'])
    expect(toFile({ ...PRESETS.e2(), leader: 'buys' }).group.leader).toBe('buys')
  })
})

it('a refusal stands at the field of its key', () => {
  const draft = PRESETS.e2()
  const [, second] = draft.rewards
  const fields = ['prize.cost', 'group.chance.min', 'group.leader', 'profile', 'reward[1].rates', 'reward[1].vip_depth', 'reward.base', 'caps.uplines', 'nothing.known']
  expect(fields.map((key) => fieldOf(draft, key))).toEqual(
    ['prizeCost', 'winRate', 'leader', 'profile', `reward.${second!.key}.rates`, `reward.${second!.key}.vipDepth`, 'rewards', 'rewards', undefined])
})
