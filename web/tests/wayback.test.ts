import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { api } from '../src/api'
import { i18n, useLocale } from '../src/i18n'
import MyGroups from '../src/pages/MyGroups.vue'
import WalletPage from '../src/pages/WalletPage.vue'
import { session } from '../src/session'
import { useAgain } from '../src/time'
import type { GroupCard, Member, MyGroup, MySeat, PaymentState, RefundDue, SeatState } from '../src/types'
import { anyDue, backText, lateDue } from '../src/wayback'

vi.mock('vue-router', async (original) => ({
  ...(await original<typeof import('vue-router')>()), useRoute: () => ({ query: {}, path: '/', params: {} }), useRouter: () => ({ replace: () => Promise.resolve(), push: () => Promise.resolve() }),
}))
const links = { template: '<a :href="to"><slot /></a>', props: ['to'] }
const page = { global: { plugins: [i18n], stubs: { RouterLink: links } } }

beforeEach(() => useLocale('en'))
afterEach(() => {
  vi.restoreAllMocks()
  session.member = null
})

describe('what goes back from a group', () => {
  const seat = (state: SeatState, payment_state: PaymentState) => ({ state, payment_state }) as MySeat
  const due = seat('refund_due', 'refund_due')
  const back = seat('refunded', 'refunded')
  const rows: [string, MySeat[], string, boolean, boolean][] = [
    ['nothing of a paid seat', [seat('paid', 'paid'), seat('won', 'paid'), seat('reserved', 'waiting'), seat('lapsed', 'lapsed')], '', false, false],
    ['a seat that was given back', [due], '¥10.00 is on its way back in full', true, false],
    ['once the channel has confirmed it', [back], '¥10.00 has gone back in full', false, false],
    ['a seat that lost', [seat('lost', 'refund_due'), seat('lost', 'refund_due')], '¥20.00 is on its way back in full', true, false],
    ['one of two', [back, due, due], '¥20.00 is on its way back in full, ¥10.00 has gone back in full', true, false],
    ['late money of a lapsed place, whose amount is not known here', [seat('lapsed', 'refund_due')], '', true, true],
    ['which is back', [seat('lapsed', 'refunded')], '', false, false],
  ]
  it.each(rows)('%s', (_, seats, text, isDue, isLate) => {
    expect([backText(seats, '10.00'), anyDue(seats), lateDue(seats)]).toEqual([text, isDue, isLate])
  })
})

it('a page looks again while something is due, and no longer', async () => {
  vi.useFakeTimers()
  const waits = ref(true)
  const look = vi.fn(async () => undefined)
  const shown = mount({ template: '<i />', setup: () => useAgain(waits, look, 1000) })
  await vi.advanceTimersByTimeAsync(2500)
  expect(look).toHaveBeenCalledTimes(2)
  waits.value = false
  await vi.advanceTimersByTimeAsync(5000)
  expect(look).toHaveBeenCalledTimes(2)
  waits.value = true
  await vi.advanceTimersByTimeAsync(1500)
  shown.unmount()
  await vi.advanceTimersByTimeAsync(5000)
  expect(look).toHaveBeenCalledTimes(3)
  vi.useRealTimers()
})

const wallet = { available: '1.00', vesting: '0.00', in_groups: '0.00', refunds_due: '20.00', coins: '0.00', vesting_coins: '0.00' }
const member = (refunds_due: string | null) => ({ id: '1', wallet: { ...wallet, refunds_due } }) as Member
const one = (id: string, more: Partial<RefundDue> = {}): RefundDue => ({
  id, amount: '10.00', reason: 'left', since: '2026-01-02T03:04:05Z', group: '7', name: { zh: '茶', en: 'Tea' }, payment: '7-1', ...more,
})

describe('the wallet', () => {
  async function show(refunds: () => ReturnType<typeof api.myRefunds>, refunds_due: string | null) {
    vi.spyOn(api, 'me').mockImplementation(async () => member(refunds_due))
    vi.spyOn(api, 'walletLines').mockResolvedValue({ items: [], next: null })
    vi.spyOn(api, 'myRefunds').mockImplementation(refunds)
    const shown = mount(WalletPage, page)
    await flushPromises()
    return shown.find('.due')
  }
  it('has a line for money on its way back, with what it is', async () => {
    const due = await show(async () => ({ total: '20.00', items: [one('3'), one('4', { group: null, name: null, payment: null, reason: 'nothing_to_pay' })], next: null }), '20.00')
    expect(due.find('h2').text()).toContain('Refunds on the way¥20.00')
    const rows = due.findAll('.list-row').map((row) => [row.attributes('href'), row.text()])
    expect(rows[0]![0]).toBe('/g/7')
    expect(rows[0]![1]).toMatch(/^Group 7 · Teayou left · since .*¥10\.00$/)
    expect(rows[1]![0]).toBeUndefined()
    expect(rows[1]![1]).toMatch(/^No groupthere was no place/)
  })
  it('has none where nothing is on its way', async () => {
    expect((await show(async () => ({ total: '0.00', items: [], next: null }), '0.00')).exists()).toBe(false)
  })
  it('shows the sum, and a way to try again, where the list does not come', async () => {
    const due = await show(async () => { throw new Error('no network') }, '20.00')
    expect(due.find('h2').text()).toContain('¥20.00')
    expect(due.find('button').exists()).toBe(true)
  })
  it('knows the sum from the list where the card does not', async () => {
    const due = await show(async () => ({ total: '10.00', items: [one('3')], next: null }), null)
    expect(due.find('h2').text()).toContain('¥10.00')
  })
})

it('my groups say whether the money is on its way or back', async () => {
  const group = { id: '7', campaign: '1', name: { zh: '茶', en: 'Tea' }, state: 'cancelled', price: '10.00', seats: 3, paid: 0, reserved: 0, opened_at: '2026-01-01T00:00:00Z' } as GroupCard
  const mine = (n: number, outcome: MyGroup['outcome'], state: SeatState, payment_state: PaymentState, reason: string | null): MyGroup =>
    ({ group, seat: { payment: `7-${n}`, state, payment_state, seat_no: null, pay_by: '', paid_at: null }, outcome, reason })
  vi.spyOn(api, 'myGroups').mockResolvedValue({ items: [
    mine(0, 'refund_due', 'refund_due', 'refund_due', 'left'), mine(1, 'refunded', 'refunded', 'refunded', 'cancelled'),
    mine(2, 'lost', 'lost', 'refund_due', 'lost'), mine(3, 'lost', 'lost', 'refunded', 'lost'), mine(4, null, 'lapsed', 'refund_due', 'group_full'),
  ], next: null })
  const shown = mount(MyGroups, { global: { ...page.global, stubs: { ...page.global.stubs, ProductArt: true } } })
  await flushPromises()
  const rows = shown.findAll('.entry').map((row) => [row.find('.tag').text(), row.findAll('.small').at(-1)!.text()])
  const going = 'On its way back, not confirmed yet'
  expect(rows).toEqual([
    ['Refund due', `${going} · you left`], ['Refunded', 'Back the way it came · the group was cancelled'],
    ['Not drawn', going], ['Not drawn', 'Back the way it came'], ['Lapsed', `${going} · the group was full`],
  ])
})
