//! What a member got as consolation of a group, out of his wallet's history.

import { api } from './api'
import { sum } from './money'
import type { Group, Money, WalletAccount } from './types'

const PAGE = 100
const PAGES = 5

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
