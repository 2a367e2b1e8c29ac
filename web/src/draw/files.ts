//! The files of a draw, read into what they say (draw 2, 3, 4, 5 and 8).

import { ascii, fromHex } from './bytes'
import { Lines, MAX_DECIMAL, ParseError, shown } from './lines'

/** Most seats of a group and most winners. */
export const MAX_SEATS = 10_000
const MAX_SEATS_BYTES = 1 << 20

export type Mode =
  | { kind: 'fixed'; winners: number }
  | { kind: 'chance'; num: number; den: number; kmin: number; kmax: number }

export type Source = { kind: 'drand-quicknet' } | { kind: 'commit' } | { kind: 'local'; beacon: string }

/** Rules of one draw, in the order of the file's lines. */
export interface Open {
  log: string
  group: string
  circle: string | null
  seats: { min: number; max: number }
  mode: Mode
  leader: 'in' | 'out'
  rotation: 'on' | 'off'
  permember: 'one' | 'any'
  outcome: 'win' | 'pay'
  source: Source
  delay: bigint
  timeout: { seconds: bigint; then: 'void' | 'commit' }
  chain: { tip: string; length: bigint; maxMissing: bigint } | null
}

export interface Seat {
  tag: string
  leader: boolean
  tier: number
}

export interface Freeze {
  open: string
  prev: string | null
  frozenAt: bigint
  seats: string
  round: bigint
}

export interface ResultFile {
  freeze: string
  source: 'drand-quicknet' | 'local'
  signature: string
  seed: string
  winners: number[]
}

export interface BeaconFile {
  key: string
  genesis: bigint
  period: bigint
}

export interface VoidFile {
  of: string
  reason: 'not_full' | 'cancelled' | 'timeout' | 'missing'
  at: bigint
}

export function parseOpen(bytes: Uint8Array): Open {
  const lines = new Lines('open', bytes)
  const log = lines.value('log')
  if (!/^[\x21-\x2a\x2c-\x7e]{1,128}$/.test(log)) throw lines.error(`log: ${shown(log)} is no origin`)
  const group = lines.ident('group', lines.value('group'))
  const circleText = lines.value('circle')
  const circle = circleText === '-' ? null : lines.ident('circle', circleText)
  const [min, max] = lines.fields('seats', 2).map((text) => lines.decimal32('seats', text)) as [number, number]
  if (min < 1 || max < min || MAX_SEATS < max) throw lines.error('seats: must be 1 <= min <= max <= 10000')
  const mode = parseMode(lines)
  const leader = lines.word('leader', lines.value('leader'), ['in', 'out'] as const)
  const rotation = lines.word('rotation', lines.value('rotation'), ['on', 'off'] as const)
  const rotationError = lines.error('rotation: on needs mode fixed, a circle and permember one')
  const permember = lines.word('permember', lines.value('permember'), ['one', 'any'] as const)
  if (rotation === 'on' && (mode.kind !== 'fixed' || circle === null || permember !== 'one')) throw rotationError
  const outcome = lines.word('outcome', lines.value('outcome'), ['win', 'pay'] as const)
  const source = parseSource(lines)
  const delay = lines.decimal('delay', lines.value('delay'))
  const least = source.kind === 'local' ? 3n : 30n
  if (delay < least || 2_592_000n < delay) throw lines.error(`delay: must be ${least}..2592000 seconds`)
  const [seconds, then] = lines.fields('timeout', 2) as [string, string]
  const timeout = {
    seconds: lines.decimal('timeout', seconds),
    then: lines.word('timeout', then, ['void', 'commit'] as const),
  }
  if (timeout.seconds < 3_600n || 31_536_000n < timeout.seconds) {
    throw lines.error('timeout: must be 3600..31536000 seconds')
  }
  const chain = parseChain(lines)
  lines.end()
  return { log, group, circle, seats: { min, max }, mode, leader, rotation, permember, outcome, source, delay, timeout, chain }
}

function parseMode(lines: Lines): Mode {
  const value = lines.value('mode')
  if (value.startsWith('fixed ')) {
    const winners = lines.decimal32('mode', lines.split('mode', value, 2)[1] as string)
    if (winners < 1 || MAX_SEATS < winners) throw lines.error('mode: winners must be 1..10000')
    return { kind: 'fixed', winners }
  }
  if (!value.startsWith('chance ')) {
    throw lines.error(`mode: expected fixed <W> or chance <num> <den> <kmin> <kmax>, found ${shown(value)}`)
  }
  const numbers = lines.split('mode', value, 5).slice(1).map((text) => lines.decimal32('mode', text))
  const [num, den, kmin, kmax] = numbers as [number, number, number, number]
  if (den < 1 || den < num) throw lines.error('mode: must be 0 <= num <= den, 1 <= den')
  if (kmax < 1 || kmax < kmin || MAX_SEATS < kmax) throw lines.error('mode: must be kmin <= kmax, 1 <= kmax <= 10000')
  return { kind: 'chance', num, den, kmin, kmax }
}

function parseSource(lines: Lines): Source {
  const value = lines.value('source')
  if (value === 'drand-quicknet' || value === 'commit') return { kind: value }
  if (value.startsWith('local ')) return { kind: 'local', beacon: lines.hex('source', value.slice(6), 32) }
  throw lines.error(`source: expected drand-quicknet, commit or local <hash>, found ${shown(value)}`)
}

function parseChain(lines: Lines): Open['chain'] {
  const value = lines.value('chain')
  if (value === '-') return null
  const [tip, length, maxMissing] = lines.split('chain', value, 3) as [string, string, string]
  return {
    tip: lines.hex('chain', tip, 32),
    length: lines.decimal('chain', length),
    maxMissing: lines.decimal('chain', maxMissing),
  }
}

/** The reserved syntax this file uses, if any: such a group is never opened in v1 (draw 10). */
export function reserved(open: Open): string | null {
  if (open.source.kind === 'commit') return 'source commit'
  if (open.timeout.then === 'commit') return 'timeout commit'
  return open.chain === null ? null : 'chain'
}

export function parseSeats(bytes: Uint8Array): Seat[] {
  const lines = new Lines('seats', bytes, MAX_SEATS_BYTES)
  const seats: Seat[] = []
  const tiers = new Map<string, number>()
  for (let line = lines.raw(); line !== undefined; line = lines.raw()) {
    const [index, tag, role, tier, dash] = lines.split('seat', line, 5) as [string, string, string, string, string]
    if (lines.decimal('index', index) !== BigInt(seats.length)) {
      throw lines.error(`index: expected ${seats.length}, found ${index}`)
    }
    if (MAX_SEATS <= seats.length) throw lines.error('more than 10000 seats')
    const seat: Seat = {
      tag: lines.hex('member_tag', tag, 32),
      leader: lines.word('role', role, ['L', 'M'] as const) === 'L',
      tier: lines.decimal32('tier', tier),
    }
    if (dash !== '-') throw lines.error(`last field: expected -, found ${shown(dash)}`)
    const first = tiers.get(seat.tag) ?? seat.tier
    if (first !== seat.tier) throw lines.error(`tier: ${seat.tier}, but ${first} in this tag's first seat`)
    tiers.set(seat.tag, first)
    seats.push(seat)
  }
  if (seats.length === 0) throw new ParseError('seats', 2, 'there is no seat')
  return seats
}

export function parseFreeze(bytes: Uint8Array): Freeze {
  const lines = new Lines('freeze', bytes)
  const open = lines.hex('open', lines.value('open'), 32)
  const prevText = lines.value('prev')
  const prev = prevText === '-' ? null : lines.hex('prev', prevText, 32)
  const frozenAt = lines.decimal('frozen_at', lines.value('frozen_at'))
  const seats = lines.hex('seats', lines.value('seats'), 32)
  const round = lines.decimal('round', lines.value('round'))
  const chainpos = lines.value('chainpos')
  if (chainpos !== '-') throw lines.error(`chainpos: expected -, found ${shown(chainpos)}`)
  lines.end()
  return { open, prev, frozenAt, seats, round }
}

export function parseResult(bytes: Uint8Array): ResultFile {
  const lines = new Lines('result', bytes)
  const freeze = lines.hex('freeze', lines.value('freeze'), 32)
  const [kind, signature] = lines.fields('source', 2) as [string, string]
  const source = lines.word('source', kind, ['drand-quicknet', 'local'] as const)
  lines.hex('source', signature, 48)
  const seed = lines.hex('seed', lines.value('seed'), 32)
  const [count, ...indexes] = lines.value('winners').split(' ') as [string, ...string[]]
  const announced = lines.decimal32('winners', count)
  const winners = new Set<number>()
  for (const text of indexes) {
    const index = lines.decimal32('winners', text)
    if (MAX_SEATS <= index) throw lines.error(`winners: no seat ${shown(text)}`)
    if (winners.has(index)) throw lines.error(`winners: seat ${index} twice`)
    winners.add(index)
  }
  if (announced !== winners.size) throw lines.error(`winners: ${announced} announced, ${winners.size} listed`)
  lines.end()
  return { freeze, source, signature, seed, winners: [...winners] }
}

/** The bytes of a result file: the one receipt that a freeze and its beacon value allow (draw 8). */
export function resultBytes(result: ResultFile): Uint8Array {
  const winners = [result.winners.length, ...result.winners].join(' ')
  return ascii(
    `potluck-draw/v1/result\nfreeze ${result.freeze}\nsource ${result.source} ${result.signature}\n` +
      `seed ${result.seed}\nwinners ${winners}\n`,
  )
}

export function parseBeacon(bytes: Uint8Array): BeaconFile {
  const lines = new Lines('beacon', bytes)
  const key = lines.hex('key', lines.value('key'), 96)
  const genesis = lines.decimal('genesis', lines.value('genesis'))
  const period = lines.decimal('period', lines.value('period'))
  if (period < 1n) throw lines.error('period: must be at least 1')
  lines.end()
  return { key, genesis, period }
}

export function parseVoid(bytes: Uint8Array): VoidFile {
  const lines = new Lines('void', bytes)
  const of = lines.hex('of', lines.value('of'), 32)
  const reasons = ['not_full', 'cancelled', 'timeout', 'missing'] as const
  const reason = lines.word('reason', lines.value('reason'), reasons)
  const at = lines.decimal('at', lines.value('at'))
  lines.end()
  return { of, reason, at }
}

/** When the rounds of a beacon are published: round R at `genesis + period * (R - 1)`. */
export interface Timing {
  genesis: bigint
  period: bigint
}

export const QUICKNET: Timing = { genesis: 1_692_803_367n, period: 3n }

/** The first round whose time is at least `frozenAt + delay` (draw 4); null if there is none. */
export function roundFor(frozenAt: bigint, delay: bigint, timing: Timing): bigint | null {
  const waited = frozenAt + delay + timing.period - 1n - timing.genesis
  if (waited < 0n) return null
  const round = waited / timing.period + 1n
  return MAX_DECIMAL < round ? null : round
}

export function roundTime(round: bigint, timing: Timing): bigint {
  return timing.genesis + timing.period * (round - 1n)
}

export function hexBytes(text: string, length: number): Uint8Array {
  const bytes = fromHex(text, length)
  if (bytes === null) throw new RangeError(`expected ${length * 2} lower-case hex digits`)
  return bytes
}
