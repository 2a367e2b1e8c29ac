import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api } from '../src/api'
import * as feedback from '../src/feedback'
import { i18n, useLocale } from '../src/i18n'
import DeliveryPage from '../src/pages/DeliveryPage.vue'
import { chosenOf } from '../src/regions'
import type { Member, OwnDelivery } from '../src/types'

const replaced = vi.hoisted(() => vi.fn(() => Promise.resolve()))
vi.mock('vue-router', async (original) => ({
  ...(await original<typeof import('vue-router')>()), useRouter: () => ({ replace: replaced }),
}))
beforeEach(() => useLocale('zh'))
afterEach(() => vi.restoreAllMocks())

const regions = [
  { code: '330000', name: '浙江省' }, { code: '330100', name: '杭州市' }, { code: '330106', name: '西湖区' },
  { code: '440000', name: '广东省' }, { code: '441900', name: '东莞市' }, { code: '710000', name: '台湾省' },
]
const home = { name: '王小明', phone: '13800000001', region: '330106', address: '文三路 1 号' }
const none: OwnDelivery = { delivery: null, unfinished: false, region: null, region_until: null }
const there: OwnDelivery = {
  delivery: home, unfinished: false, region: { code: '330106', names: ['浙江省', '杭州市', '西湖区'] }, region_until: '2027-01-01T00:00:00Z',
}

async function open(known: OwnDelivery) {
  vi.spyOn(api, 'regions').mockResolvedValue({ items: regions })
  vi.spyOn(api, 'ownDelivery').mockResolvedValue(known)
  vi.spyOn(api, 'me').mockResolvedValue({} as Member)
  const asked = vi.spyOn(feedback, 'ask').mockResolvedValue(true)
  const set = vi.spyOn(api, 'setDelivery').mockResolvedValue(there)
  const removed = vi.spyOn(api, 'removeDelivery').mockResolvedValue(none)
  const shown = mount(DeliveryPage, { global: { plugins: [i18n], stubs: { PageHead: true } } })
  await flushPromises()
  return { shown, asked, set, removed, buttons: () => shown.findAll('button') }
}

it('the choices that lead to a division', () => {
  expect(chosenOf(regions, '330106')).toEqual(['330000', '330100', '330106'])
  expect(chosenOf(regions, '441900')).toEqual(['440000', '441900', ''])
  expect(chosenOf(regions, '710000')).toEqual(['710000', '', ''])
  expect(chosenOf(regions, null)).toEqual(['', '', ''])
})

it('a first address is asked for whole, and its county is confirmed', async () => {
  const { shown, asked, set, buttons } = await open(none)
  expect(buttons()).toHaveLength(1)
  const [name, phone, address] = shown.findAll('input')
  await name!.setValue(home.name)
  await phone!.setValue(home.phone)
  await address!.setValue(home.address)
  expect(buttons()[0]!.attributes('disabled')).toBe('')
  for (const [level, code] of ['330000', '330100', '330106'].entries()) {
    await shown.findAll('select')[level]!.setValue(code)
    await flushPromises()
  }
  await shown.find('form').trigger('submit')
  await flushPromises()
  expect(asked).toHaveBeenCalledOnce()
  expect(set).toHaveBeenCalledExactlyOnceWith(home, { key: expect.any(String) as string })
  expect(replaced).toHaveBeenCalledWith('/me')
})

it('another street in the same county needs no confirmation', async () => {
  const { shown, asked, set } = await open(there)
  expect(shown.findAll('select').map((list) => (list.element as HTMLSelectElement).value)).toEqual(['330000', '330100', '330106'])
  expect(shown.text()).toContain('浙江省 杭州市 西湖区')
  await shown.findAll('input')[2]!.setValue('文三路 9 号')
  await shown.find('form').trigger('submit')
  await flushPromises()
  expect(asked).not.toHaveBeenCalled()
  expect(set).toHaveBeenCalledExactlyOnceWith({ ...home, address: '文三路 9 号' }, { key: expect.any(String) as string })
})

it('an address is removed, and one that was cut short can be', async () => {
  const { removed, buttons } = await open(there)
  await buttons()[1]!.trigger('click')
  await flushPromises()
  expect(removed).toHaveBeenCalledOnce()
  vi.restoreAllMocks()
  const again = await open({ ...there, delivery: null, unfinished: true })
  expect(again.shown.find('[role=alert]').exists()).toBe(true)
  expect(again.buttons()).toHaveLength(2)
})
