import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api } from '../src/api'
import * as feedback from '../src/feedback'
import { i18n, useLocale } from '../src/i18n'
import RegionPage from '../src/pages/RegionPage.vue'
import { smallest, within } from '../src/regions'
import type { Member } from '../src/types'

const replaced = vi.hoisted(() => vi.fn(() => Promise.resolve()))
vi.mock('vue-router', async (original) => ({
  ...(await original<typeof import('vue-router')>()), useRouter: () => ({ replace: replaced }),
}))
beforeEach(() => useLocale('zh'))
afterEach(() => vi.restoreAllMocks())

const table = readFileSync(join(import.meta.dirname, '../../crates/domain/data/regions.txt'), 'utf8')
const regions = table.split('\n').filter((line) => /^\d{6} /.test(line)).map((line) => ({ code: line.slice(0, 6), name: line.slice(7) }))
const choices = (chosen: string[]) => [0, 1, 2].map((level) => within(regions, chosen.slice(0, level)))
const pick = (...chosen: string[]) => smallest(choices(chosen), chosen)

it('a county, a city without counties and a province without cities can be chosen, and nothing larger', () => {
  expect(pick('', '', '')).toBe(null)
  expect(pick('330000', '', '')).toBe(null)
  expect(pick('330000', '330100', '')).toBe(null)
  expect(pick('330000', '330100', '330106')).toBe('330106')
  expect(pick('440000', '441900', '')).toBe('441900')
  expect(pick('710000', '', '')).toBe('710000')
})

it('each list has what lies in the choice above it', () => {
  const [provinces, cities, counties] = choices(['330000', '330100', ''])
  expect(provinces).toHaveLength(34)
  expect(cities!.map(({ name }) => name)).toContain('宁波市')
  expect(cities!.every(({ code }) => /^33\d\d00$/.test(code))).toBe(true)
  expect(counties!.map(({ name }) => name)).toContain('西湖区')
  expect(counties!.every(({ code }) => code.startsWith('3301'))).toBe(true)
})

it('the page asks from the province down and declares what was chosen', async () => {
  vi.spyOn(api, 'regions').mockResolvedValue({ items: regions })
  vi.spyOn(api, 'ownDelivery').mockResolvedValue({ delivery: null, unfinished: false, region: null, region_until: null })
  vi.spyOn(api, 'me').mockResolvedValue({} as Member)
  vi.spyOn(feedback, 'ask').mockResolvedValue(true)
  const declare = vi.spyOn(api, 'declareRegion').mockResolvedValue({ seq: '7' })
  const shown = mount(RegionPage, { global: { plugins: [i18n], stubs: { PageHead: true } } })
  await flushPromises()
  const choose = async (level: number, code: string) => {
    await shown.findAll('select')[level]!.setValue(code)
    await flushPromises()
  }
  const button = () => shown.find('button').attributes('disabled')
  expect(shown.findAll('select')).toHaveLength(1)
  await choose(0, '440000')
  await choose(1, '440100')
  expect([shown.findAll('select').length, button()]).toEqual([3, ''])
  await choose(2, '440103')
  expect(button()).toBe(undefined)
  // A city without counties needs no third choice, and a new choice above empties those below.
  await choose(1, '441900')
  expect([shown.findAll('select').length, button()]).toEqual([2, undefined])
  await choose(0, '330000')
  expect(button()).toBe('')
  await choose(1, '330100')
  await choose(2, '330106')
  await shown.find('form').trigger('submit')
  await flushPromises()
  expect(declare).toHaveBeenCalledExactlyOnceWith('330106', { key: expect.any(String) as string })
  expect(replaced).toHaveBeenCalledWith('/me')
  expect(shown.findAll('select')[0]!.attributes('aria-label')).toBe('省')
})
