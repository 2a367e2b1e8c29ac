import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api } from '../src/api'
import NowPlaying from '../src/components/NowPlaying.vue'
import { i18n, useLocale } from '../src/i18n'
import type { CampaignCard, GroupCard } from '../src/types'

const LOOKS_EVERY_MS = 3000
const group = (id: string, paid: number, more: Partial<GroupCard> = {}): GroupCard => ({
  id, campaign: '1', name: { zh: `团${id}`, en: `Group of ${id}` }, state: 'open', price: '1.00', seats: 5, paid, reserved: 0, winners: 1, leader_masked: 'M**',
  opened_at: '', expires_at: '', filled_at: null, settled_at: null, ...more,
})
const settled = (id: string, settled_at: string) => group(id, 5, { state: 'settled', settled_at })
const links = { template: '<a :href="to"><slot /></a>', props: ['to'] }
let lists: Record<string, GroupCard[]> = {}
let shown: ReturnType<typeof mount> | undefined

async function show(...ids: string[]) {
  shown = mount(NowPlaying, { props: { campaigns: ids.map((id) => ({ id }) as CampaignCard) }, global: { plugins: [i18n], stubs: { RouterLink: links } } })
  await flushPromises()
  return shown
}
const rows = () => shown!.findAll('a').map((row) => [row.attributes('href'), row.text()])
async function nextLook() {
  await vi.advanceTimersByTimeAsync(LOOKS_EVERY_MS)
  await flushPromises()
}

beforeEach(async () => {
  await useLocale('en')
  vi.useFakeTimers()
  vi.spyOn(api, 'campaignGroups').mockImplementation(async (id) => {
    const items = lists[id]
    if (items === undefined) throw new Error('no network')
    return { items, next: null }
  })
})
afterEach(() => {
  shown?.unmount()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

it('of each campaign the group nearest to full, the nearest of all first', async () => {
  lists = { a: [group('1', 2), group('2', 3), group('3', 0, { state: 'expired' })], b: [group('4', 4), group('5', 1)] }
  await show('a', 'b')
  expect(rows()).toEqual([['/g/4', 'Group of 41 seat left'], ['/g/2', 'Group of 22 seats left']])
})

it('a group that is full waits for its draw', async () => {
  lists = { a: [group('1', 4), group('2', 5, { state: 'full' })] }
  await show('a')
  expect(rows()).toEqual([['/g/2', 'Group of 2being drawn']])
})

it('the last group that was settled, whichever campaign it is of', async () => {
  lists = { a: [settled('1', '2026-01-01T00:00:01Z'), settled('2', '2026-01-01T00:00:09Z')], b: [settled('3', '2026-01-01T00:00:05Z')] }
  await show('a', 'b')
  expect(rows()).toEqual([['/g/2/draw', 'Group 2 was just drawnHow was this drawn?']])
})

it('a group one seat short is marked, and can be tapped to take that seat', async () => {
  lists = { a: [group('1', 4)], b: [group('2', 3)], c: [group('3', 5, { state: 'full' })] }
  await show('a', 'b', 'c')
  expect(shown!.findAll('a.near').map((row) => [row.attributes('href'), row.find('.go').exists()])).toEqual([['/g/1', true]])
})

it('keeps what is shown when a list does not come, and goes on when it does', async () => {
  lists = { a: [group('1', 3)], b: [group('2', 2)] }
  await show('a', 'b')
  const before = rows()
  lists = { a: [group('1', 4)] }
  await nextLook()
  expect(rows()).toEqual(before)
  lists = { a: [group('1', 4)], b: [group('2', 2)] }
  await nextLook()
  expect(rows()[0]).toEqual(['/g/1', 'Group of 11 seat left'])
})

it('shows nothing where nothing happens, and asks no more once it is gone', async () => {
  lists = { a: [] }
  await show('a')
  expect(shown!.find('section').exists()).toBe(false)
  shown!.unmount()
  const asked = vi.mocked(api.campaignGroups).mock.calls.length
  await nextLook()
  expect(vi.mocked(api.campaignGroups).mock.calls.length).toBe(asked)
})

it('speaks of no draw where everyone buys, and of settled groups only', async () => {
  lists = { 1: [group('7', 5, { state: 'expired', settled_at: '2026-01-03T00:00:00Z' }), settled('5', '2026-01-02T00:00:00Z')] }
  shown = mount(NowPlaying, { props: { campaigns: [{ id: '1', kind: 'everyone-buys' } as CampaignCard] }, global: { plugins: [i18n], stubs: { RouterLink: links } } })
  await flushPromises()
  expect(rows()).toEqual([['/g/5', 'Group 5 has just filled']])
})
