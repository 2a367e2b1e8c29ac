//! Invite codes of share links, kept from `?via=` until they have been used (rules 3.1 and 7).
//!
//! Two things hang on a link: who becomes the inviter at sign-up or the first join, and who is paid for recruiting a
//! seat. The first is the newest link of any kind; the second is the link of that very group.

import { recall, remember } from './storage'

const CODE = /^[0-9A-Za-z_-]{1,64}$/

/** Keeps the code of the link that was followed to `path`. */
export function keepInvite(code: unknown, path: string): void {
  if (typeof code !== 'string' || !CODE.test(code)) return
  remember('invite', code)
  const group = /^\/g\/([0-9]+)/.exec(path)?.[1]
  if (group !== undefined) remember('via', `${group} ${code}`)
}

/** The kept code for a sign-up or a new group, unless it is the member's own. */
export function invite(own: string | null): string | null {
  const code = recall('invite')
  return code === own ? null : code
}

/** The code of the link to this group, else the kept one. */
export function viaOf(group: string, own: string): string | null {
  const [linked, code] = (recall('via') ?? '').split(' ')
  return linked === group && code !== undefined && code !== own ? code : invite(own)
}

/** After it has bound an inviter, or turned out to be nobody's. */
export function forgetInvite(): void {
  remember('invite', null)
}

export function forgetVia(): void {
  remember('invite', null)
  remember('via', null)
}

export function shareLink(path: string, code: string): string {
  return `${location.origin}${path}?via=${encodeURIComponent(code)}`
}
