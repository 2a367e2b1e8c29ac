//! The command line that checks what a browser cannot: the beacon's signature.

import type { DrawInfo } from '../types'

export function drawCommand(group: string, info: DrawInfo): string {
  const name = (file: string) => `group-${group}-${file}.txt`
  const parts = ['potluck draw', `--open ${name('open')}`, `--seats ${name('seats')}`, `--freeze ${name('freeze')}`]
  if (info.source === 'local') parts.push(`--beacon ${name('beacon')}`)
  if (info.late_at) parts.push(`--void ${name('void')}`)
  if (info.beacon?.signature) parts.push(`--signature ${info.beacon.signature}`)
  return parts.join(' \\\n  ')
}
