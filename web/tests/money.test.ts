import { describe, expect, it } from 'vitest'
import { fenText, grouped, isNegative, isZero, parseFen, shortYuan, signed, sum, yuan } from '../src/money'

describe('money is read and written to the fen', () => {
  const rows: [string, bigint | null][] = [
    ['12.00', 1200n], ['12', 1200n], ['12.5', 1250n], ['-0.01', -1n], ['0', 0n], [' 7.10 ', 710n], ['999999999999.99', 99999999999999n],
    ['', null], ['12.345', null], ['1e3', null], ['.5', null], ['5.', null], ['--1', null], ['1,000.00', null], ['1234567890123', null], ['abc', null],
  ]
  it.each(rows)('%j → %s fen', (text, fen) => expect(parseFen(text)).toBe(fen))
  it('and back', () => {
    for (const fen of [0n, 1n, -1n, 99n, 100n, -150n, 123456789n]) expect(parseFen(fenText(fen))).toBe(fen)
  })
})

it('keeps amounts that a number would lose', () => {
  expect(yuan('90071992547.93')).toBe('¥90,071,992,547.93')
  expect(sum(['0.10', '0.20'])).toBe('0.30')
  expect(sum(Array.from({ length: 1000 }, () => '0.01'))).toBe('10.00')
})

it('shows money as people write it', () => {
  expect(yuan('1234567.5')).toBe('¥1,234,567.50')
  expect(yuan('-40.00')).toBe('−¥40.00')
  expect(shortYuan('99.00')).toBe('¥99')
  expect(shortYuan('0.60')).toBe('¥0.60')
  expect(shortYuan('1000.00')).toBe('¥1,000')
  expect(signed('5.00', false)).toBe('+¥5.00')
  expect(signed('-5.00', false)).toBe('−¥5.00')
  expect(signed('100.00', true)).toBe('+100.00')
  expect(signed('0.00', false)).toBe('¥0.00')
  expect(grouped('not money')).toBe('not money')
})

it('knows zero and below', () => {
  expect([isZero('0.00'), isZero('0'), isZero(null), isZero('0.01'), isNegative('-0.01'), isNegative('0.00')]).toEqual([true, true, true, false, true, false])
})
