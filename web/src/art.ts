//! Pictures of products, made by us: a palette and a motif for each campaign, always the same ones.

export type Motif = 'headphones' | 'pot' | 'tea' | 'lamp' | 'fruit' | 'bag' | 'phone' | 'rice' | 'gift'

/** From, to, and the accent of a picture. */
export const PALETTES = [
  ['#ffb37a', '#e8553a', '#fff1de'],
  ['#8fd3c1', '#2f8f7f', '#effbf6'],
  ['#f9c3cf', '#d45b7c', '#fff3f5'],
  ['#a9c7f5', '#4a72c4', '#f1f6ff'],
  ['#f8d77e', '#d9972b', '#fffaea'],
  ['#c9b6f2', '#7a5cc0', '#f7f3ff'],
  ['#b9dd8c', '#5d9639', '#f6fced'],
] as const

const WORDS: [RegExp, Motif][] = [
  [/耳机|音箱|headphone|earphone|earbud|speaker/i, 'headphones'],
  [/锅|煲|灶|\bpot\b|cooker|\bpan\b|kettle/i, 'pot'],
  [/茶|咖啡|杯|\btea|coffee|\bmug|\bcup/i, 'tea'],
  [/灯|lamp|light/i, 'lamp'],
  [/果|橙|苹|梨|莓|fruit|orange|apple|pear|berr/i, 'fruit'],
  [/箱包|背包|行李|\bbag|luggage|suitcase/i, 'bag'],
  [/手机|平板|手表|phone|tablet|watch/i, 'phone'],
  [/米|面|油|rice|flour|oil|noodle/i, 'rice'],
]

/** FNV-1a, 32 bits: only to spread ids over palettes. */
export function spread(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

export function artOf(id: string, title: string): { palette: (typeof PALETTES)[number]; motif: Motif; turn: number } {
  const hash = spread(`campaign ${id}`)
  const motif = WORDS.find(([words]) => words.test(title))?.[1] ?? 'gift'
  return { palette: PALETTES[hash % PALETTES.length] as (typeof PALETTES)[number], motif, turn: (hash >>> 8) % 360 }
}
