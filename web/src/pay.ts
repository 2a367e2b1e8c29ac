//! To the payment channel's page, and to sign-in before it where needed.

import { ApiError } from './http'
import { texts } from './i18n'

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
