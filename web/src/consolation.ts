//! What a consolation comes to where its cash is limited for the group as a whole: which campaigns' is, and what a
//! member really got.

import { shallowReactive, watch } from 'vue'
import { api } from './api'
import { isZero, sum } from './money'
import type { CampaignCard, Group, Id, Money, Reward, WalletAccount } from './types'

const PAGE = 100
const PAGES = 5

/** Whether r is only the most a non-winner may get in cash (rules 7, caps); coins are never limited. */
export function isCapped(rewards: readonly Reward[]): boolean {
  return rewards.some(({ program, cash, cap, share }) => program === 'consolation' && !isZero(cash) && (cap ?? share ?? null) !== null)
}

const capped = shallowReactive(new Map<Id, boolean>())
const asked = new Set<Id>()

/** Of the campaigns of a list; a campaign never changes, so it is read once. */
export function useCapped(cards: () => readonly CampaignCard[]): ReadonlyMap<Id, boolean> {
  watch(cards, (shown) => {
    for (const { id, consolation } of shown) {
      if (isZero(consolation.cash)) capped.set(id, false)
      else if (!asked.has(id)) {
        asked.add(id)
        api.campaign(id).then(({ rewards }) => capped.set(id, isCapped(rewards)), () => asked.delete(id))
      }
    }
  }, { immediate: true })
  return capped
}

/** What the member signed in got as consolation of a settled group; null if his history is too long to tell. */
export async function received(group: Pick<Group, 'id' | 'settled_at'>): Promise<{ cash: Money; coins: Money } | null> {
  const [cash, coins] = await Promise.all([booked('available', group), booked('coins', group)])
  return cash === null || coins === null ? null : { cash, coins }
}

async function booked(account: WalletAccount, { id, settled_at }: Pick<Group, 'id' | 'settled_at'>): Promise<Money | null> {
  const amounts: Money[] = []
  let cursor: string | null = null
  for (let page = 0; page < PAGES; page += 1) {
    const { items, next }: Awaited<ReturnType<typeof api.walletLines>> = await api.walletLines(account, { cursor, limit: PAGE })
    amounts.push(...items.filter(({ why }) => why.kind === 'consolation' && why.group === id).map(({ amount }) => amount))
    cursor = next ?? null
    // Newest first: whatever is older than the settlement is not of it.
    const oldest = items[items.length - 1]
    if (cursor === null || oldest === undefined || Date.parse(oldest.at) < Date.parse(settled_at ?? '')) return sum(amounts)
  }
  return null
}
