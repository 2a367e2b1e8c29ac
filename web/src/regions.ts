//! Regions by their codes of GB/T 2260: two digits for the province, two for the city in it, two for the county in that.

import type { RegionName } from './types'

/** What can be chosen below what is chosen already; nothing while something above is open. */
export function within(regions: RegionName[], above: string[]): RegionName[] {
  if (above.includes('')) return []
  const digits = 2 * above.length
  const parent = (above.at(-1) ?? '').slice(0, digits)
  const rest = '0'.repeat(4 - digits)
  return regions.filter(({ code }) =>
    code.startsWith(parent) && code.endsWith(rest) && code.slice(digits, digits + 2) !== '00')
}

/** The choices that lead to a division: its province, its city and itself, as far as there are such. */
export function chosenOf(regions: RegionName[], code: string | null): string[] {
  const chosen: string[] = []
  for (const digits of [2, 4, 6]) {
    const part = (code ?? '').slice(0, digits).padEnd(6, '0')
    const choice = within(regions, chosen).find((region) => region.code === part)
    chosen.push(code !== null && choice ? part : '')
  }
  return chosen
}

/** The code of the smallest division that is chosen; null while there is a smaller one to choose. */
export function smallest(choices: RegionName[][], chosen: string[]): string | null {
  const open = choices.findIndex((list, level) => list.length > 0 && chosen[level] === '')
  if (0 <= open) return null
  return chosen.filter((code) => code !== '').at(-1) ?? null
}
