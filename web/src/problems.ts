//! An error as a sentence in the language on screen: by its stable code, else what the server said.

import type { ApiError } from './http'
import { texts } from './i18n'

export function problemText(error: ApiError): string {
  const { t, te } = texts
  const key = `problem.${error.code}`
  if (te(key)) {
    // Which key, limit or value it was stands in the detail of these.
    const named = ['campaign_invalid', 'campaign_file_invalid', 'profile_forbids', 'win_rate_not_whole']
    return named.includes(error.code) && error.detail !== '' ? `${t(key)}: ${error.detail}` : t(key)
  }
  return error.detail || t('problem.fault')
}

/** Why money came back: a stable code, or what the server says. */
export function reasonText(reason: string | null): string {
  const { t, te } = texts
  if (reason === null || reason === '') return t('reason.unknown')
  const key = `reason.${reason.replaceAll('-', '_')}`
  return te(key) ? t(key) : reason
}
