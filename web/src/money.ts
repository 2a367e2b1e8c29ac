//! Money in the client: strings of yuan from the server, whole fen as BigInt where maths is needed.
//! No floating point anywhere near an amount (rules 2.1).

/** Fen of "12.00", "-3.5" or "7"; null for anything else, so that a field can say so. */
export function parseFen(text: string): bigint | null {
  const match = /^(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?$/.exec(text.trim())
  if (match === null) return null
  const [, sign, yuan, part] = match as unknown as [string, string, string, string | undefined]
  const fen = BigInt(yuan) * 100n + BigInt((part ?? '').padEnd(2, '0'))
  return sign === '-' ? -fen : fen
}

export function fenText(fen: bigint): string {
  const size = fen < 0n ? -fen : fen
  return `${fen < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')}`
}

/** "1234.50" as "1,234.50"; with a true minus sign. */
export function grouped(text: string): string {
  const fen = parseFen(text)
  if (fen === null) return text
  const [yuan, part] = fenText(fen < 0n ? -fen : fen).split('.') as [string, string]
  return `${fen < 0n ? '−' : ''}${yuan.replace(/\B(?=([0-9]{3})+$)/g, ',')}.${part}`
}

/** "¥1,234.50". */
export function yuan(text: string): string {
  const plain = grouped(text)
  return plain.startsWith('−') ? `−¥${plain.slice(1)}` : `¥${plain}`
}

/** "+¥5.00" or "−¥5.00" for a line of a history; coins without the sign of money. */
export function signed(text: string, coins: boolean): string {
  const plain = coins ? grouped(text) : yuan(text)
  return isPositive(text) ? `+${plain}` : plain
}

/** "¥99" for a whole amount on a label, else with its fen. */
export function shortYuan(text: string): string {
  return yuan(text).replace(/\.00$/, '')
}

export function isZero(text: string | null | undefined): boolean {
  return text === null || text === undefined || parseFen(text) === 0n
}

export function isPositive(text: string): boolean {
  return 0n < (parseFen(text) ?? 0n)
}

export function isNegative(text: string): boolean {
  return (parseFen(text) ?? 0n) < 0n
}

export function sum(amounts: readonly string[]): string {
  return fenText(amounts.reduce((total, amount) => total + (parseFen(amount) ?? 0n), 0n))
}
