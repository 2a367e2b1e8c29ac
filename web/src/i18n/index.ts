//! Two languages, loaded when wanted, remembered; the browser's own to begin with.

import { type I18n, createI18n } from 'vue-i18n'
import { recall, remember } from '../storage'
import type { Text } from '../types'

export type Locale = 'zh' | 'en'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh',
  fallbackWarn: false,
  missingWarn: false,
  messages: {} as Record<string, never>,
}) as unknown as I18n<Record<string, never>, Record<string, never>, Record<string, never>, string, false>

/** The texts outside components; the library's own type of `t` is too deep for the compiler here. */
export const texts = i18n.global as unknown as {
  t: (key: string, values?: Record<string, unknown>, count?: number) => string
  te: (key: string) => boolean
}

/** Texts of a part of the screens, one language at a time. */
export type Part = (locale: Locale) => Promise<object>

const loaded = new Map<Part, Set<Locale>>()
const parts: Part[] = [
  async (locale) => (locale === 'zh' ? (await import('./zh')).zh : (await import('./en')).en),
]

/** What every page but the first needs beside the first page's texts. */
export const restTexts: Part = async (locale) =>
  locale === 'zh' ? (await import('./rest-zh')).restZh : (await import('./rest-en')).restEn

export function currentLocale(): Locale {
  return i18n.global.locale.value === 'en' ? 'en' : 'zh'
}

export function preferredLocale(): Locale {
  const kept = recall('locale')
  if (kept === 'zh' || kept === 'en') return kept
  const wanted = navigator.languages?.[0] ?? navigator.language ?? 'zh'
  return wanted.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

export async function useLocale(locale: Locale): Promise<void> {
  await load(locale)
  i18n.global.locale.value = locale
  document.documentElement.lang = locale === 'zh' ? 'zh-CN' : 'en'
}

export async function chooseLocale(locale: Locale): Promise<void> {
  remember('locale', locale)
  await useLocale(locale)
}

/** Loads a part's texts, and from now on those of any language chosen later; again without effect. */
export async function addPart(part: Part): Promise<void> {
  if (!parts.includes(part)) parts.push(part)
  await load(currentLocale())
}

async function load(locale: Locale): Promise<void> {
  for (const part of parts) {
    const done = loaded.get(part) ?? new Set<Locale>()
    loaded.set(part, done)
    if (done.has(locale)) continue
    i18n.global.mergeLocaleMessage(locale, (await part(locale)) as never)
    done.add(locale)
  }
}

/** The text of the language on screen. */
export function pick(text: Text | string | null | undefined): string {
  if (text === null || text === undefined) return ''
  if (typeof text === 'string') return text
  return text[currentLocale()] || text.zh || text.en
}
