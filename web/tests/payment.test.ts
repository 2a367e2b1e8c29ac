import { expect, it } from 'vitest'
import { paymentIn } from '../src/payment'

it('finds the payment whose order the payer comes back from', () => {
  expect(paymentIn('4711-3-98207f5304')).toBe('4711-3')
  expect(paymentIn('4711-3')).toBe('4711-3')
})

it('leaves it to the server to refuse what is no payment', () => {
  for (const other of ['', '4711', '4711-3-98207F5304', '4711-3-98207f53041', 'x-4711-3-98207f5304']) expect(paymentIn(other)).toBe(other)
  for (const none of [undefined, null, ['4711-3']]) expect(paymentIn(none)).toBeNull()
})
