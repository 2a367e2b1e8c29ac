//! Downloads the exact files of a draw and checks them.

import { api } from '../api'
import { ApiError } from '../http'
import type { DrawFile, DrawInfo } from '../types'
import { ascii } from './bytes'
import { type DrawFiles, type DrawReport, checkDraw } from './check'
import { bestHasher } from './hash'

export interface CheckedDraw {
  info: DrawInfo
  files: DrawFiles
  /** Null where there is nothing to compute: no open file, or a group that was never drawn. */
  report: DrawReport | null
}

/** `drawn`: whether anything is drawn in such a campaign; where not there is no file to ask for. */
export async function loadDraw(group: string, campaign: string, drawn: boolean): Promise<CheckedDraw> {
  const info = await api.draw(group)
  const [open, seats, freeze, result] = await Promise.all(
    (['open', 'seats', 'freeze', 'result'] as const).map((file) => (drawn && info.hashes[file] !== null ? fileOrNull(group, file) : null)),
  )
  const voided = info.state === 'void' ? await fileOrNull(group, 'void') : null
  const published = await orNull(api.published(campaign))
  const files: Omit<DrawFiles, 'open'> & { open: Uint8Array | null } = {
    open: open ?? null,
    seats: seats ?? null,
    freeze: freeze ?? null,
    result: result ?? null,
    published,
    beacon: await beaconOf(info),
    void: voided,
  }
  if (files.open === null) return { info, files: { ...files, open: new Uint8Array() }, report: null }
  const whole = files as DrawFiles
  return { info, files: whole, report: await checkDraw(whole, claimsOf(info), bestHasher()) }
}

function claimsOf(info: DrawInfo): Parameters<typeof checkDraw>[1] {
  return {
    round: info.round === null ? null : BigInt(info.round),
    // What was found after a void decides nothing.
    signature: info.state === 'void' ? null : (info.beacon?.signature ?? null),
    hashes: info.hashes,
    seed: info.seed,
    winners: info.winners,
    mine: info.mine === null ? null : { indexes: info.mine.indexes, memberId: info.mine.member_id, salt: info.mine.salt, tag: info.mine.tag },
  }
}

async function beaconOf(info: DrawInfo): Promise<Uint8Array | null> {
  if (info.source !== 'local') return null
  const text = info.beacon?.beacon_file
  if (text) return ascii(text)
  return orNull(api.beaconFile())
}

async function fileOrNull(group: string, file: DrawFile): Promise<Uint8Array | null> {
  return orNull(api.drawFile(group, file))
}

/** Null for a file that does not exist yet; any other error is one. */
async function orNull(reading: Promise<Uint8Array>): Promise<Uint8Array | null> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null
    throw error
  }
}
