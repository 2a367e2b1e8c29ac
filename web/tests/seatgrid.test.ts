import { mount } from '@vue/test-utils'
import { beforeAll, describe, expect, it } from 'vitest'
import SeatGrid from '../src/components/SeatGrid.vue'
import { i18n, useLocale } from '../src/i18n'
import type { Group, SeatView } from '../src/types'

beforeAll(() => useLocale('en'))

const seat = (seat_no: number, more: Partial<SeatView> = {}): SeatView => ({ seat_no, member_masked: `M**${seat_no}`, leader: seat_no === 0, state: 'paid', demo: false, mine: false, ...more })

function show(changes: Partial<Group>) {
  const group: Group = {
    id: '1', campaign: '1', name: { zh: '', en: '' }, state: 'open', price: '1.00', seats: 5, paid: 0, reserved: 0, winners: 1, leader_masked: 'M**0',
    opened_at: '', expires_at: '', filled_at: null, settled_at: null, seats_list: [], mine: [], draw: null, ...changes,
  }
  return mount(SeatGrid, { props: { group }, global: { plugins: [i18n] } })
}
const names = (grid: ReturnType<typeof show>) => grid.findAll('.name').map((name) => name.text())

describe('the seats of a group', () => {
  it('show the leader, those held and those free; a lapsed place is free', () => {
    const grid = show({ seats_list: [seat(0), seat(1, { seat_no: null, state: 'reserved' }), seat(2, { seat_no: null, state: 'lapsed' })] })
    expect(names(grid)).toEqual(['Leader', 'M**1', 'free', 'free', 'free'])
  })
  it.each(['refund_due', 'refunded'] as const)('are free again after somebody left an open group, and stay shown as %s when it is over', (state) => {
    const seats_list = [seat(0), seat(1, { seat_no: null, state }), seat(2)]
    expect(names(show({ paid: 2, seats_list }))).toEqual(['Leader', 'M**2', 'free', 'free', 'free'])
    expect(names(show({ state: 'expired', seats_list }))).toEqual(['Leader', 'M**1', 'M**2'])
  })
  it('name demonstration members also when they win', () => {
    const grid = show({ state: 'settled', seats_list: [seat(0, { state: 'lost', demo: true }), seat(1, { state: 'won', demo: true })] })
    expect(grid.findAll('.demo')).toHaveLength(2)
    const winner = grid.findAll('.face').filter((face) => face.find('b.won').exists())
    expect(winner).toHaveLength(1)
    expect(winner[0]!.find('b.demo').text()).toBe(i18n.global.t('app.demo_mark'))
  })
  it('show me before the places have numbers, too', () => {
    const reserved = { seat_no: null, state: 'reserved' as const }
    const grid = show({ seats_list: [seat(0), seat(1, reserved), seat(2, { ...reserved, mine: true })] })
    expect(names(grid).slice(0, 3)).toEqual(['me', 'Leader', 'M**1'])
  })
  it('put winners first and me next among a hundred', () => {
    const seats_list = Array.from({ length: 100 }, (_, i) => seat(i, { state: i === 77 ? 'won' : 'lost', mine: i === 90 }))
    const grid = show({ state: 'settled', seats: 100, seats_list })
    expect(names(grid).slice(0, 3)).toEqual(['M**77', 'me', 'Leader'])
    expect(grid.find('.more').text()).toBe('+ 70')
  })
})
