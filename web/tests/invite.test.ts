import { beforeEach, expect, it } from 'vitest'
import { forgetInvite, forgetVia, invite, keepInvite, viaOf } from '../src/invite'

beforeEach(() => localStorage.clear())

it('keeps the newest link for the sign-up, never the own one', () => {
  keepInvite('AAA', '/')
  keepInvite('BBB', '/c/3')
  expect(invite(null)).toBe('BBB')
  expect(invite('BBB')).toBeNull()
})

it('pays a seat to the link of its own group only, also after the sign-up', () => {
  keepInvite('AAA', '/g/7')
  forgetInvite()
  expect(viaOf('7', 'ME')).toBe('AAA')
  expect(viaOf('8', 'ME')).toBeNull()
  expect(viaOf('7', 'AAA')).toBeNull()
  forgetVia()
  expect(viaOf('7', 'ME')).toBeNull()
})

it('falls back to a kept link that led elsewhere', () => {
  keepInvite('AAA', '/')
  expect(viaOf('7', 'ME')).toBe('AAA')
})

it('takes no code that could not be one', () => {
  for (const code of [undefined, null, '', 'a b', '<x>', 'x'.repeat(65), ['AAA']]) keepInvite(code, '/g/7')
  expect(invite(null)).toBeNull()
})
