//! Which campaigns' consolation is limited in cash for the group as a whole.

import { shallowReactive, watch } from 'vue'
import { api } from './api'
import { isZero } from './money'
import type { CampaignCard, Id, Reward } from './types'

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
