//! The invite code of a share link, kept from `?via=` until it has been used (rules 3.1).

import { recall, remember } from './storage'

const MOST_CHARS = 64

export function keepInvite(code: unknown): void {
  if (typeof code === 'string' && code.length <= MOST_CHARS && /^[0-9A-Za-z_-]+$/.test(code)) remember('invite', code)
}

/** The kept code, unless it is the member's own. */
export function invite(own: string | null): string | null {
  const code = recall('invite')
  return code === own ? null : code
}

export function shareLink(path: string, code: string): string {
  return `${location.origin}${path}?via=${encodeURIComponent(code)}`
}
