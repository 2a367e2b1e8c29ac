//! A campaign in a few words, for the list: what a seat comes to. Apart from the longer sentences, which the first page
//! does without.

import { texts } from './i18n'
import { grouped, isZero, shortYuan } from './money'
import type { CampaignCard, Money } from './types'

const t = (key: string, values: Record<string, unknown> = {}) => texts.t(key, values)

/** "¥12", or "up to ¥12" where the cash is limited for the group as a whole. */
export function cashText(cash: Money, capped: boolean): string {
  return capped ? t('list.up_to', { cash: shortYuan(cash) }) : shortYuan(cash)
}

export function shortCoins(coins: Money): string {
  return grouped(coins).replace(/\.00$/, '')
}

/** What a non-winner gets, for a card; without the sum while it is not known whether that is only the most. */
export function consolationLine(card: Pick<CampaignCard, 'consolation'>, capped: boolean | undefined): string {
  const { cash, coins } = card.consolation
  if (!isZero(cash) && capped === undefined) return t('list.back_some')
  const values = { cash: cashText(cash, capped ?? false), coins: shortCoins(coins) }
  if (isZero(cash)) return isZero(coins) ? t('list.back_none') : t('list.back_coins', values)
  return isZero(coins) ? t('list.back_cash', values) : t('list.back_both', values)
}
