import { describe, expect, it } from 'vitest'
import { resultOf } from '../src/outcome'
import type { CampaignCard, MySeat, SeatState, SeatView } from '../src/types'
import { backText } from '../src/wayback'
import { useLocale } from '../src/i18n'

type Terms = Pick<CampaignCard, 'leader' | 'kind' | 'prize'>
const draw: Terms = { kind: 'draw', leader: 'equal', prize: null }
const buys: Terms = { ...draw, leader: 'buys' }
const everyone: Terms = { ...draw, kind: 'everyone-buys' }
const bonus: Terms = { ...draw, kind: 'bonus-draw', prize: { title: { zh: '奖', en: 'Prize' } } }

const group = (states: SeatState[], ...mine: number[]) => ({
  seats: states.length,
  seats_list: states.map((state, seat_no) => ({ state, seat_no }) as SeatView),
  mine: mine.map((seat_no) => ({ seat_no, state: states[seat_no], payment_state: 'paid' }) as MySeat),
})

describe('what became of a group', () => {
  const rows: [string, ReturnType<typeof group>, Terms | null, string, number][] = [
    ['drawn', group(['lost', 'won'], 1), draw, 'won', 1],
    ['not drawn', group(['lost', 'won'], 0), draw, 'lost', 1],
    ['looked at from outside', group(['lost', 'won', 'lost', 'won']), draw, 'drawn_other', 2],
    ['the leader who buys has not won', group(['won', 'won', 'lost'], 0), buys, 'bought', 1],
    ['somebody else has', group(['won', 'won', 'lost'], 1), buys, 'won', 1],
    ['the leader is not counted among the drawn', group(['won', 'won', 'lost']), buys, 'drawn_other', 1],
    ['everyone buys: mine', group(['bought', 'bought'], 1), everyone, 'bought', 0],
    ['everyone buys: looked at', group(['bought', 'bought']), everyone, 'bought_other', 2],
    ['everyone buys: the terms have not come', group(['bought', 'bought']), null, 'bought_other', 2],
    ['the prize', group(['won', 'bought', 'bought'], 0), bonus, 'won_prize', 1],
    ['no prize is not lost', group(['won', 'bought', 'bought'], 1), bonus, 'bought', 1],
    ['no prize was drawn at all', group(['bought', 'bought']), bonus, 'prize_other', 0],
    ['prizes, looked at', group(['won', 'bought', 'bought']), bonus, 'prize_other', 1],
    ['prizes for all, looked at', group(['won', 'won']), bonus, 'prize_other', 2],
  ]
  it.each(rows)('%s', (_, given, card, result, count) => {
    expect(resultOf(given, card)).toEqual({ result, count })
  })
  it('a returned product is nobody\'s luck any more, and its money is on its way', async () => {
    await useLocale('en')
    const returned = group(['bought', 'bought'], 1)
    returned.mine[0]!.payment_state = 'refund_due'
    expect(resultOf(returned, everyone).result).toBe('back_home')
    expect(backText(returned.mine, '20.00')).toBe('¥20.00 is on its way back in full')
  })
})
