//! My money on its way back from a group: due until the payment channel has confirmed it, then back.

import { texts } from './i18n'
import { isZero, sum, yuan } from './money'
import type { Money, MySeat } from './types'

type Seat = Pick<MySeat, 'state' | 'payment_state'>

/** What I paid for these seats goes back, be it that I left, lost or returned the product; of a lapsed one another amount may have come. */
const atPrice = (seat: Seat) => !['lapsed', 'registered', 'unused'].includes(seat.state)

/** "¥20.00 is on its way back in full, ¥10.00 has gone back in full"; empty where nothing goes back. */
export function backText(seats: readonly Seat[], price: Money): string {
  const { t } = texts
  const of = (state: Seat['payment_state']) => sum(seats.filter((seat) => atPrice(seat) && seat.payment_state === state).map(() => price))
  const [due, back] = [of('refund_due'), of('refunded')]
  const going = isZero(due) ? '' : t('group.going_back', { price: yuan(due) })
  const gone = isZero(back) ? '' : t('group.gone_back', { price: yuan(back) })
  return going !== '' && gone !== '' ? t('group.both_back', { going, gone }) : going + gone
}

/** Whether any money of mine is on its way back from here. */
export const anyDue = (seats: readonly Seat[]) => seats.some((seat) => seat.payment_state === 'refund_due')

/** Whether a payment of mine that found no seat is on its way back. */
export const lateDue = (seats: readonly Seat[]) => seats.some((seat) => !atPrice(seat) && seat.payment_state === 'refund_due')
