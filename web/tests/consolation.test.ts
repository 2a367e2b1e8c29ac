import { afterEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, shallowRef } from 'vue'
import { api } from '../src/api'
import { isCapped, useCapped } from '../src/consolation'
import { received } from '../src/received'
import type { Campaign, CampaignCard, Reward, WalletLine } from '../src/types'

afterEach(() => vi.restoreAllMocks())

const SETTLED = '2026-01-02T00:00:00.000Z'
const line = (group: string, amount: string, kind = 'consolation', at = SETTLED) => ({ at, amount, why: { kind, group } }) as WalletLine

describe('a consolation is limited', () => {
  const r: Reward = { program: 'consolation', cash: '5.00' }
  const rows: [string, Reward[], boolean][] = [
    ['not without a cap', [r], false],
    ['by a cap of its own', [{ ...r, cap: '12.00' }], true],
    ['by a shared cap', [{ ...r, share: 'all' }], true],
    ['not in coins', [{ program: 'consolation', coins: '5.00', cap: '12.00' }], false],
    ['not by the cap of another program', [r, { program: 'generation', cap: '12.00' }], false],
    ['not where there is none', [], false],
  ]
  it.each(rows)('%s', (_, rewards, expected) => expect(isCapped(rewards)).toBe(expected))
})

it('campaigns of a list are read once, and again only after a failure', async () => {
  const card = (id: string, cash: string) => ({ id, consolation: { cash, coins: '0.00' } }) as CampaignCard
  const read = vi.spyOn(api, 'campaign').mockImplementation(async (id) => {
    if (id === 'b' && read.mock.calls.length < 3) throw new Error('no network')
    return { rewards: [{ program: 'consolation', cash: '5.00', cap: id === 'a' ? '12.00' : undefined }] } as Campaign
  })
  const cards = shallowRef([card('a', '5.00'), card('b', '5.00'), card('c', '0.00')])
  await effectScope().run(async () => {
    const capped = useCapped(() => cards.value)
    await vi.waitFor(() => expect(capped.get('a')).toBe(true))
    expect([capped.get('b'), capped.get('c')]).toEqual([undefined, false])
    cards.value = [...cards.value]
    await nextTick()
    await vi.waitFor(() => expect(capped.get('b')).toBe(false))
    expect(read.mock.calls.map(([id]) => id)).toEqual(['a', 'b', 'b'])
  })
})

describe('what a member got', () => {
  const group = { id: '7', settled_at: SETTLED }
  it('is the sum of the consolation lines of that group, however far down', async () => {
    const lines = vi.spyOn(api, 'walletLines').mockImplementation(async (account, query) => {
      if (account === 'coins') return { items: [line('7', '3.00')], next: null }
      if (query?.cursor == null) return { items: [line('9', '5.00'), line('7', '2.00', 'reward')], next: 'x' }
      return { items: [line('7', '5.00'), line('7', '1.50'), line('6', '5.00', 'consolation', '2026-01-01T00:00:00.000Z')], next: 'y' }
    })
    expect(await received(group)).toEqual({ cash: '6.50', coins: '3.00' })
    expect(lines).toHaveBeenCalledTimes(3)
  })
  it('is nothing where nothing was booked', async () => {
    vi.spyOn(api, 'walletLines').mockResolvedValue({ items: [], next: null })
    expect(await received(group)).toEqual({ cash: '0.00', coins: '0.00' })
  })
  it('is not told where the history is too long', async () => {
    const lines = vi.spyOn(api, 'walletLines').mockResolvedValue({ items: [line('9', '5.00')], next: 'x' })
    expect(await received(group)).toBeNull()
    expect(lines.mock.calls.length).toBeLessThan(20)
  })
})
