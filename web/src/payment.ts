//! Numbers of payments.

/** The payment that an address names: by its own number, `4711-3`, or by that of its order at the channel,
 *  `4711-3-98207f5304`, with which the channel sends the payer back. */
export function paymentIn(query: unknown): string | null {
  if (typeof query !== 'string') return null
  return /^(\d+-\d+)-[0-9a-f]{10}$/.exec(query)?.[1] ?? query
}
