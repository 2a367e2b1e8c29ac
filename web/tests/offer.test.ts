import { beforeEach, describe, expect, it } from 'vitest'
import { averageLine, leaderLine, oddsLine, openingLine, rewardLine } from '../src/describe'
import { useLocale } from '../src/i18n'
import { en } from '../src/i18n/en'
import { restEn } from '../src/i18n/rest-en'
import { restZh } from '../src/i18n/rest-zh'
import { zh } from '../src/i18n/zh'
import { badge, promises } from '../src/offer'
import type { CampaignCard } from '../src/types'

type Card = Pick<CampaignCard, 'kind' | 'seats' | 'winners' | 'leader' | 'chance' | 'odds' | 'prize' | 'price' | 'consolation'>
const card = (more: Partial<Card> = {}): Card => ({
  kind: 'draw', seats: 10, winners: 3, leader: 'equal', chance: null, prize: null, price: '99.00', consolation: { cash: '0.00', coins: '3.00' },
  odds: { seats: 10, winners: 3, expected_winners: '3', average_rounds: '3.33', product_cost_average: '90.00' }, ...more,
})
const everyone = card({ kind: 'everyone-buys', winners: 10, consolation: { cash: '0.00', coins: '0.00' }, odds: { seats: 10, winners: 10, expected_winners: '10', average_rounds: '1', product_cost_average: '99.00' } })
const bonus = card({ kind: 'bonus-draw', prize: { title: { zh: '磨豆机', en: 'Grinder' } } })
const buys = card({ leader: 'buys', odds: { seats: 9, winners: 2, expected_winners: '2', average_rounds: '4.50', product_cost_average: '90.00' } })
const chance = card({ chance: { p: '10%', min: 1, max: 5 }, winners: 5, odds: { seats: 10, winners: 1, expected_winners: '1.28', average_rounds: '7.81', product_cost_average: '72.00' } })
const bonusChance = card({ kind: 'bonus-draw', prize: bonus.prize, chance: { p: '10%', min: 0, max: 5 }, odds: { seats: 10, winners: 0, expected_winners: '1', average_rounds: '10', product_cost_average: '99.00' } })

/** Everything that is said of a campaign before paying. */
const said = (one: Card) => [badge(one), ...promises(one, false), oddsLine(one), averageLine(one, false), leaderLine(one), openingLine(one)].join(' ')

describe('in a few words', () => {
  beforeEach(() => useLocale('en'))
  const rows: [string, Card, string, string[]][] = [
    ['draw', card(), '3 of 10 win', ['Not drawn: all back + 3 coins']],
    ['leader buys', buys, '2 of 9 win, besides the leader', ['Not drawn: all back + 3 coins']],
    ['chance', chance, '10% chance a seat', ['Not drawn: all back + 3 coins']],
    ['everyone buys', everyone, 'Group of 10, everyone gets it', ['Full: everyone gets the product']],
    ['bonus draw', bonus, '3 of 10 get a prize', ['Full: everyone gets the product', 'Drawn besides: Grinder', 'No prize: 3 coins']],
    ['bonus draw by chance', bonusChance, '10% chance of a prize', ['Full: everyone gets the product', 'Drawn besides: Grinder', 'No prize: 3 coins']],
  ]
  it.each(rows)('%s', (_, given, short, long) => {
    expect(badge(given)).toBe(short)
    expect(promises(given, false)).toEqual(long)
  })
  it('no sum is promised to those without a prize while it is not known whether it is the most', () => {
    const cash = card({ ...bonus, consolation: { cash: '5.00', coins: '0.00' } })
    expect(promises(cash, undefined)).toEqual(['Full: everyone gets the product', 'Drawn besides: Grinder'])
    expect(promises(cash, true)).toContain('No prize: up to ¥5')
  })
})

describe('where everyone buys', () => {
  it.each(['zh', 'en'] as const)('nobody reads of winners, of refunds for the others or of consolation (%s)', async (locale) => {
    await useLocale(locale)
    expect(said(everyone)).not.toMatch(/中奖|没中|抽中|参与奖|退全款|winner|\bwins?\b|\bodds\b|consolation|not drawn|refund/i)
    expect(rewardLine({ program: 'winner-bonus', coins: '2.00' }, 'everyone-buys')).not.toMatch(/中奖|winner/i)
    expect(rewardLine({ program: 'generation', source: 'winners', base: 'price', rates: ['1%'] }, 'everyone-buys')).not.toMatch(/中奖|winning/i)
    const shown = locale === 'zh' ? restZh : restEn
    expect([shown.group.bought, shown.group.bought_text, shown.group.bought_other, shown.campaign.everyone_none].join()).not.toMatch(/中奖|没中|抽中|\bwon\b|drawn/)
  })
  it('with a prize, too, nobody is told that he gets his money back', async () => {
    for (const locale of ['zh', 'en'] as const) {
      await useLocale(locale)
      expect(said(bonus) + said(bonusChance)).not.toMatch(/退全款|全额|all back|refund/i)
      expect(said(bonus)).toContain(locale === 'zh' ? '磨豆机' : 'Grinder')
    }
  })
})

describe('odds, before anybody pays', () => {
  beforeEach(() => useLocale('en'))
  it('of the others, where the leader always gets the product', () => {
    expect(oddsLine(buys)).toBe('The leader always gets the product and is not drawn; of the other 9 seats 2 are drawn to win.')
    expect(openingLine(buys)).toContain('this money is not refunded')
  })
  it('of each seat, with bounds on both sides and what is expected', () => {
    expect(oddsLine(chance)).toBe('Each seat wins by itself with a chance of 10%: at least 1 and at most 5 in a group, 1.28 on average.')
    expect(averageLine(chance, false)).toContain('takes 7.81 rounds on average')
    expect(averageLine(chance, false)).toContain('cost him ¥72.00')
  })
  it('of a prize', () => {
    expect(oddsLine(bonus)).toBe('Every seat buys the product; of 10 seats 3 are drawn for a prize besides: Grinder.')
    expect(averageLine(bonus, false)).toContain('3.33 rounds')
    expect(oddsLine(bonusChance)).toContain('At least 0 and at most 5 in a group, 1 on average.')
    expect(averageLine(bonusChance, false)).toContain('takes 10 rounds on average')
  })
  it('as ever in a draw', () => {
    expect(oddsLine(card())).toBe('Each group has 10 seats, 3 of them are drawn to win.')
    expect(openingLine(card())).toBe('')
    expect(openingLine(card({ leader: 'exempt' }))).toContain('not drawn')
  })
})

it('what is said of the whole shop holds for every kind', () => {
  expect(Object.values({ ...zh.app, hero: zh.list.hero_text }).join()).not.toMatch(/名额满了才抽|没中全额退款/)
  expect(Object.values({ ...en.app, hero: en.list.hero_text }).join()).not.toMatch(/everyone else is refunded/)
})
