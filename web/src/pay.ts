//! To the payment channel's page.

import { ApiError } from './http'
import { texts } from './i18n'
import { router } from './router'
import type { PaymentLink } from './types'

/** Leaves for the payment page; only web addresses are followed. */
export function goToPayment(payUrl: string): void {
  let target: URL
  try {
    target = new URL(payUrl, location.href)
  } catch {
    throw new ApiError(0, 'pay_url_invalid', texts.t('pay.unsafe'))
  }
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw new ApiError(0, 'pay_url_invalid', texts.t('pay.unsafe'))
  }
  location.assign(target.href)
}

/** Pays for a place just taken; where the channel has no page yet, waits for one on our own. */
export async function startPayment(payment: PaymentLink): Promise<void> {
  if (payment.pay_url === null) await router.push({ path: '/pay/return', query: { payment: payment.id } })
  else goToPayment(payment.pay_url)
}
