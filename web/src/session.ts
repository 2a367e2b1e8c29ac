//! Who is signed in, and what the platform calls itself; read once, refreshed on change.

import { reactive } from 'vue'
import { api } from './api'
import { ApiError } from './http'
import type { Member, Platform } from './types'

export const session = reactive<{ member: Member | null; known: boolean; platform: Platform | null; unread: number }>({
  member: null,
  known: false,
  platform: null,
  unread: 0,
})

let pending: Promise<void> | null = null

/** Asks the server who we are; later callers share the first answer until {@link refreshMember}. */
export async function loadMember(): Promise<Member | null> {
  if (!session.known) {
    pending ??= refreshMember().finally(() => {
      pending = null
    })
    await pending
  }
  return session.member
}

export async function refreshMember(): Promise<void> {
  try {
    session.member = await api.me()
    session.known = true
    void countUnread()
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
    session.member = null
    session.known = true
    session.unread = 0
  }
}

/** How many notices wait to be read: a dot, for which nobody has to wait and which may fail. */
async function countUnread(): Promise<void> {
  try {
    session.unread = (await api.notices({ limit: 1 })).unread
  } catch {
    // It is counted again with the next look at the member.
  }
}

export async function loadPlatform(): Promise<void> {
  session.platform ??= await api.platform()
}
