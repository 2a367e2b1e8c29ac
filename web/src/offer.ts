//! A campaign in a few words, for the list: what a seat comes to. Apart from the longer sentences, which the first page
//! does without.

import { pick, texts } from './i18n'
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

/** "¥12 + 100 coins", or what there is of it. */
export function cashAndCoins(cash: Money | null | undefined, coins: Money | null | undefined, capped = false): string {
  const parts: string[] = []
  if (!isZero(cash)) parts.push(cashText(cash as string, capped))
  if (!isZero(coins)) parts.push(t('list.coins', { coins: shortCoins(coins as string) }))
  return parts.length === 2 ? t('list.and', { a: parts[0], b: parts[1] }) : (parts[0] ?? shortYuan('0'))
}

/** What a non-winner gets, for a card; without the sum while it is not known whether that is only the most. */
export function consolationLine(card: Pick<CampaignCard, 'consolation'>, capped: boolean | undefined): string {
  const { cash, coins } = card.consolation
  if (!isZero(cash) && capped === undefined) return t('list.back_some')
  const values = { cash: cashText(cash, capped ?? false), coins: shortCoins(coins) }
  if (isZero(cash)) return isZero(coins) ? t('list.back_none') : t('list.back_coins', values)
  return isZero(coins) ? t('list.back_cash', values) : t('list.back_both', values)
}

export type Terms = Pick<CampaignCard, 'kind' | 'seats' | 'winners' | 'leader' | 'chance' | 'odds' | 'prize'>

/** Who gets what when a group is full, in a few words: "2 of 100 win". */
export function badge(card: Terms): string {
  if (card.kind === 'everyone-buys') return t('list.buys', { seats: card.seats })
  if (card.kind === 'ballot') return card.chance === null ? t('list.ballot_wins', { seats: card.seats, winners: card.winners }) : t('list.ballot_wins_chance', { p: card.chance.p })
  const prize = card.kind === 'bonus-draw'
  if (card.chance !== null) return t(prize ? 'list.wins_prize_chance' : 'list.wins_chance', { p: card.chance.p })
  // Where the leader always gets the product the odds are those of the others.
  if (card.leader === 'buys') return t('list.wins_rest', { ...card.odds })
  return t(prize ? 'list.wins_prize' : 'list.wins', { seats: card.seats, winners: card.winners })
}

/** What whoever joins can count on, for a card. */
export function promises(card: Terms & Pick<CampaignCard, 'consolation'>, capped: boolean | undefined): string[] {
  if (card.kind === 'everyone-buys') return [t('list.all_buy')]
  if (card.kind === 'ballot') {
    const { coins } = card.consolation
    return [t('list.ballot'), ...(isZero(coins) ? [] : [t('list.ballot_others', { what: cashAndCoins('0', coins) })])]
  }
  if (card.kind !== 'bonus-draw') return [consolationLine(card, capped)]
  const { cash, coins } = card.consolation
  const others = (isZero(cash) && isZero(coins)) || (!isZero(cash) && capped === undefined) ? [] : [t('list.others', { what: cashAndCoins(cash, coins, capped) })]
  return [t('list.all_buy'), t('list.prize', { prize: pick(card.prize?.title) }), ...others]
}
