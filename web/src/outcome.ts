//! What became of a settled group, for whoever looks at it.

import type { CampaignCard, Group } from './types'

/** The name of the text: mine where I have a seat, else the group's. */
export type Result = 'won' | 'won_prize' | 'bought' | 'back_home' | 'lost' | 'drawn_other' | 'prize_other' | 'bought_other'

type Terms = Pick<CampaignCard, 'leader' | 'kind' | 'prize'>
type Seats = Pick<Group, 'mine' | 'seats' | 'seats_list'>

/** The result and the number that its text names. The campaign may not have come: the seats tell most of it, too. */
export function resultOf(group: Seats, card: Terms | null): { result: Result; count: number } {
  // The leader's own seat is number 0, and where he always gets the product it was not drawn.
  const given = (seat: { seat_no: number | null }) => card?.leader === 'buys' && seat.seat_no === 0
  const drawn = group.seats_list.filter((seat) => seat.state === 'won' && !given(seat)).length
  const mine = group.mine.filter((seat) => seat.state === 'won' || seat.state === 'bought')
  const result = (): Result => {
    if (0 < mine.length) {
      if (mine.every((seat) => seat.payment_state === 'refund_due' || seat.payment_state === 'refunded')) return 'back_home'
      if (!mine.some((seat) => seat.state === 'won' && !given(seat))) return 'bought'
      return card?.prize ? 'won_prize' : 'won'
    }
    if (group.mine.some((seat) => seat.state === 'lost')) return 'lost'
    if (!group.seats_list.some((seat) => seat.state === 'bought')) return card?.kind === 'bonus-draw' ? 'prize_other' : 'drawn_other'
    return drawn === 0 && card?.kind !== 'bonus-draw' ? 'bought_other' : 'prize_other'
  }
  const found = result()
  return { result: found, count: found === 'bought_other' ? group.seats : drawn }
}
