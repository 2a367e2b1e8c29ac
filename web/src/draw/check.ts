//! Recomputes a draw from its exact files, in the browser (draw 9, steps 1, 2, 6 and 8).
//!
//! What needs more than SHA-256, the beacon's signature and the log's proofs, is not checked here and the
//! report says so: a program that cannot check the beacon never says VALID.

import { sameBytes, toHex } from './bytes'
import {
  type Freeze,
  type Open,
  type ResultFile,
  type Seat,
  type Timing,
  QUICKNET,
  hexBytes,
  parseBeacon,
  parseFreeze,
  parseOpen,
  parseResult,
  parseSeats,
  reserved,
  resultBytes,
  roundFor,
  roundTime,
} from './files'
import type { Hasher } from './hash'
import { memberTag, orderOf, scoresOf, seedOf, winnerCount } from './select'

/** The exact bytes as downloaded; null where the file does not exist yet. */
export interface DrawFiles {
  open: Uint8Array
  seats: Uint8Array | null
  freeze: Uint8Array | null
  result: Uint8Array | null
  /** The campaign file as published. */
  published: Uint8Array | null
  /** The `beacon` file of a local source. */
  beacon: Uint8Array | null
  /** Why there is no draw. */
  void?: Uint8Array | null
}

/** What the server says beside the files; every line of it is compared with what we compute. */
export interface DrawClaims {
  round: bigint | null
  signature: string | null
  hashes: { open: string | null; seats: string | null; freeze: string | null }
  seed: string | null
  winners: readonly number[] | null
  mine: { indexes: readonly number[]; memberId: string; salt: string; tag: string } | null
}

export type StepId =
  | 'open' | 'terms' | 'seats' | 'freeze' | 'round' | 'beacon' | 'seed' | 'winners' | 'result' | 'mine' | 'rotation' | 'log'

/** ok, bad, not possible in this page, or not yet possible. */
export type StepState = 'ok' | 'bad' | 'not-checked' | 'waiting'

export interface Compared {
  /** A key of the page's texts. */
  what: string
  ours: string
  theirs: string
}

export interface Step {
  id: StepId
  state: StepState
  compared: Compared[]
  /** Why it failed, from the parser or from us. */
  error: string | null
}

export interface RankedSeat {
  index: number
  tag: string
  leader: boolean
  tier: number
  score: string
  /** Place in the pool from 1; null where the seat is outside it. */
  place: number | null
  won: boolean
}

export interface DrawReport {
  steps: Step[]
  verdict: 'agrees' | 'differs' | 'waiting'
  hasher: Hasher['name']
  open: Open | null
  freeze: Freeze | null
  seats: Seat[] | null
  /** Unix seconds of the round. */
  roundTime: bigint | null
  beaconValue: string | null
  seed: string | null
  winners: number[] | null
  ranked: RankedSeat[]
}

/** Walks through the steps; each goes on as far as the files before it could be read. */
export async function checkDraw(files: DrawFiles, claims: DrawClaims, hasher: Hasher): Promise<DrawReport> {
  const check = new DrawCheck(files, claims, hasher)
  await check.rules()
  await check.list()
  await check.sealed()
  await check.beacon()
  await check.drawn()
  await check.mine()
  return check.report()
}

class DrawCheck {
  private readonly steps: Step[] = []
  private open: Open | null = null
  private seats: Seat[] | null = null
  private freeze: Freeze | null = null
  private result: ResultFile | null = null
  private timing: Timing | null = null
  private openHash = ''
  private seatsHash = ''
  private freezeHash = ''
  private signature: string | null = null
  private beaconValue: string | null = null
  private seed: string | null = null
  private winners: number[] | null = null
  private ranked: RankedSeat[] = []

  constructor(
    private readonly files: DrawFiles,
    private readonly claims: DrawClaims,
    private readonly hasher: Hasher,
  ) {}

  async rules(): Promise<void> {
    this.openHash = await this.hash(this.files.open)
    await this.step('open', async (compare) => {
      this.open = parseOpen(this.files.open)
      const syntax = reserved(this.open)
      if (syntax !== null) throw new Error(`not supported: ${syntax}`)
      compare('hash_open', this.openHash, this.claims.hashes.open)
    })
    const published = this.files.published
    if (published === null) {
      this.add('terms', 'not-checked')
      return
    }
    await this.step('terms', async (compare) => {
      const named = this.open?.group.split('-').slice(1).join('-')
      compare('terms_in_group', (await this.hash(published)).slice(0, 32), named ?? '')
    })
  }

  async list(): Promise<void> {
    const bytes = this.files.seats
    if (bytes === null) {
      this.add('seats', 'waiting')
      return
    }
    this.seatsHash = await this.hash(bytes)
    await this.step('seats', async (compare) => {
      const seats = parseSeats(bytes)
      compare('hash_seats', this.seatsHash, this.claims.hashes.seats)
      if (this.open !== null) {
        const { min, max } = this.open.seats
        if (seats.length < min || max < seats.length) {
          throw new Error(`${seats.length} seats, the rules allow ${min} to ${max}`)
        }
        const tiered = seats.findIndex((seat) => seat.tier !== 0)
        if (this.open.rotation === 'off' && tiered !== -1) throw new Error(`seat ${tiered} has a tier, but rotation is off`)
      }
      this.seats = seats
    })
  }

  async sealed(): Promise<void> {
    const bytes = this.files.freeze
    if (bytes === null) {
      this.add('freeze', 'waiting')
      this.add('round', 'waiting')
      return
    }
    this.freezeHash = await this.hash(bytes)
    await this.step('freeze', async (compare) => {
      const freeze = parseFreeze(bytes)
      compare('hash_freeze', this.freezeHash, this.claims.hashes.freeze)
      compare('freeze_open', this.openHash, freeze.open)
      compare('freeze_seats', this.seatsHash, freeze.seats)
      if (freeze.prev !== null && this.open?.circle === null) {
        throw new Error('the freeze names a previous draw, but the group has no circle')
      }
      this.freeze = freeze
    })
    await this.step('round', async (compare) => {
      if (this.open === null || this.freeze === null) throw new Error('open or freeze could not be read')
      this.timing = await this.timingOf(this.open, compare)
      const round = roundFor(this.freeze.frozenAt, this.open.delay, this.timing)
      compare('round_rule', String(round), String(this.freeze.round))
      if (this.claims.round !== null) compare('round_shown', String(round), String(this.claims.round))
    })
  }

  async beacon(): Promise<void> {
    if (this.files.result !== null) {
      try {
        this.result = parseResult(this.files.result)
      } catch {
        // The step "result" reports it.
      }
    }
    this.signature = this.claims.signature ?? this.result?.signature ?? null
    if (this.signature === null) {
      this.add('beacon', 'waiting')
      return
    }
    try {
      this.beaconValue = await this.hash(hexBytes(this.signature, 48))
      this.add('beacon', 'not-checked')
    } catch (error) {
      this.add('beacon', 'bad', messageOf(error))
    }
  }

  async drawn(): Promise<void> {
    if (this.beaconValue === null || this.files.freeze === null || this.files.seats === null) {
      for (const id of ['seed', 'winners', 'result'] as const) this.add(id, 'waiting')
      return
    }
    const value = this.beaconValue
    await this.step('seed', async (compare) => {
      const seed = await seedOf(this.hasher, hexBytes(this.freezeHash, 32), hexBytes(value, 32))
      this.seed = toHex(seed)
      compare('seed', this.seed, this.claims.seed ?? this.result?.seed ?? null)
    })
    await this.step('winners', async (compare) => {
      if (this.open === null || this.seats === null || this.seed === null) throw new Error('open or seats could not be read')
      const scores = await scoresOf(this.hasher, hexBytes(this.seed, 32), this.seats.length)
      const order = orderOf(this.open, this.seats, scores)
      this.winners = order.slice(0, winnerCount(this.open.mode, order, scores))
      this.ranked = rank(this.seats, scores, order, this.winners)
      const theirs = this.claims.winners ?? this.result?.winners
      compare('winners', this.winners.join(' '), theirs?.join(' ') ?? null)
    })
    await this.rebuilt()
    if (this.open?.rotation === 'on') this.add('rotation', 'not-checked')
  }

  /** The result file made again, which must be the published one byte for byte. */
  private async rebuilt(): Promise<void> {
    const published = this.files.result
    if (published === null) {
      this.add('result', 'waiting')
      return
    }
    await this.step('result', async (compare) => {
      const theirs = parseResult(published)
      const { open, signature, seed, winners } = this
      if (open === null || signature === null || seed === null || winners === null) throw new Error('nothing to compare with')
      const source = open.source.kind === 'local' ? 'local' : 'drand-quicknet'
      const ours = resultBytes({ freeze: this.freezeHash, source, signature, seed, winners })
      compare('result_freeze', this.freezeHash, theirs.freeze)
      compare('result_bytes', await this.hash(ours), await this.hash(published))
      if (!sameBytes(ours, published)) throw new Error('the rebuilt result differs from the published one')
    })
  }

  async mine(): Promise<void> {
    const mine = this.claims.mine
    if (mine !== null) {
      if (this.seats === null) {
        this.add('mine', 'waiting')
      } else {
        const seats = this.seats
        await this.step('mine', async (compare) => {
          const tag = toHex(await memberTag(this.hasher, hexBytes(mine.salt, 32), mine.memberId))
          compare('my_tag', tag, mine.tag)
          for (const index of mine.indexes) compare(`my_seat ${index}`, tag, seats[index]?.tag ?? null)
          const standing = seats.flatMap((seat, index) => (seat.tag === tag ? [index] : []))
          compare('my_seats', standing.join(' '), [...mine.indexes].sort((a, b) => a - b).join(' '))
        })
      }
    }
    this.add('log', 'not-checked')
  }

  report(): DrawReport {
    const failed = this.steps.some((step) => step.state === 'bad')
    const waiting = this.steps.some((step) => step.state === 'waiting')
    const timed = this.timing !== null && this.freeze !== null
    return {
      steps: this.steps,
      verdict: failed ? 'differs' : waiting ? 'waiting' : 'agrees',
      hasher: this.hasher.name,
      open: this.open,
      freeze: this.freeze,
      seats: this.seats,
      roundTime: timed ? roundTime((this.freeze as Freeze).round, this.timing as Timing) : null,
      beaconValue: this.beaconValue,
      seed: this.seed,
      winners: this.winners,
      ranked: this.ranked,
    }
  }

  private async timingOf(open: Open, compare: Compare): Promise<Timing> {
    if (open.source.kind !== 'local') return QUICKNET
    if (this.files.beacon === null) throw new Error('the beacon file is missing')
    compare('hash_beacon', await this.hash(this.files.beacon), open.source.beacon)
    return parseBeacon(this.files.beacon)
  }

  private async hash(bytes: Uint8Array): Promise<string> {
    return toHex(await this.hasher.sha256(bytes))
  }

  private add(id: StepId, state: StepState, error: string | null = null): void {
    this.steps.push({ id, state, compared: [], error })
  }

  /** Runs one step: good unless something throws or two compared values differ. A null is nothing to compare. */
  private async step(id: StepId, run: (compare: Compare) => Promise<void>): Promise<void> {
    const compared: Compared[] = []
    let error: string | null = null
    try {
      await run((what, ours, theirs) => {
        if (theirs !== null) compared.push({ what, ours, theirs })
      })
    } catch (thrown) {
      error = messageOf(thrown)
    }
    const equal = compared.every(({ ours, theirs }) => ours === theirs)
    this.steps.push({ id, state: error === null && equal ? 'ok' : 'bad', compared, error })
  }
}

type Compare = (what: string, ours: string, theirs: string | null) => void

/** All seats, the pool first in winning order, then those outside it in seat order. */
function rank(seats: readonly Seat[], scores: readonly Uint8Array[], order: readonly number[], winners: readonly number[]): RankedSeat[] {
  const place = new Map(order.map((index, at) => [index, at + 1]))
  const won = new Set(winners)
  const outside = seats.map((_, index) => index).filter((index) => !place.has(index))
  return [...order, ...outside].map((index) => ({
    ...(seats[index] as Seat),
    index,
    score: toHex(scores[index] as Uint8Array),
    place: place.get(index) ?? null,
    won: won.has(index),
  }))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
