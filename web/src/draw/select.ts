//! Seed, scores and selection: the lowest scores win (draw 6).

import { ascii, be32, compareBytes, concat } from './bytes'
import type { Mode, Open, Seat } from './files'
import type { Hasher } from './hash'

const SCORE_INFO = ascii('potluck-draw/v1/score\n')
const MEMBER_PREFIX = ascii('potluck-draw/v1/member\n')

/** `HKDF-Extract(salt = H(freeze), IKM = B)` (RFC 5869), which is one HMAC. */
export async function seedOf(hasher: Hasher, freezeHash: Uint8Array, beaconValue: Uint8Array): Promise<Uint8Array> {
  return (await hasher.hmac(freezeHash, [beaconValue]))[0] as Uint8Array
}

/** `HKDF-Expand(seed, "potluck-draw/v1/score\n" || be32(i), 32)` for seats 0 to `count - 1`; one block each. */
export async function scoresOf(hasher: Hasher, seed: Uint8Array, count: number): Promise<Uint8Array[]> {
  const messages = Array.from({ length: count }, (_, index) => concat(SCORE_INFO, be32(index), new Uint8Array([1])))
  return hasher.hmac(seed, messages)
}

/** The pool in winning order: by tier, score and index; with `permember one` only the first seat of each tag. */
export function orderOf(open: Open, seats: readonly Seat[], scores: readonly Uint8Array[]): number[] {
  const pool = seats
    .map((seat, index) => ({ seat, index, score: scores[index] as Uint8Array }))
    .filter(({ seat }) => open.leader === 'in' || !seat.leader)
    .sort((a, b) => a.seat.tier - b.seat.tier || compareBytes(a.score, b.score) || a.index - b.index)
  if (open.permember === 'any') return pool.map(({ index }) => index)
  const seen = new Set<string>()
  return pool
    .filter(({ seat }) => {
      const first = !seen.has(seat.tag)
      seen.add(seat.tag)
      return first
    })
    .map(({ index }) => index)
}

/** How many of the pool win, `pool` being {@link orderOf}'s answer. */
export function winnerCount(mode: Mode, pool: readonly number[], scores: readonly Uint8Array[]): number {
  if (mode.kind === 'fixed') return Math.min(mode.winners, pool.length)
  const hits = pool.filter((index) => isHit(scores[index] as Uint8Array, mode.num, mode.den)).length
  return Math.min(Math.max(hits, mode.kmin), mode.kmax, pool.length)
}

/** `be64(score[0..8]) * den < num * 2^64`, in whole numbers. */
function isHit(score: Uint8Array, num: number, den: number): boolean {
  const front = new DataView(score.buffer, score.byteOffset, score.byteLength).getBigUint64(0)
  return front * BigInt(den) < BigInt(num) << 64n
}

/** `H("potluck-draw/v1/member\n" || salt || member_id)`: the pseudonym a member can open (draw 3). */
export async function memberTag(hasher: Hasher, salt: Uint8Array, memberId: string): Promise<Uint8Array> {
  return hasher.sha256(concat(MEMBER_PREFIX, salt, ascii(memberId)))
}
