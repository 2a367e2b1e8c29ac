//! One pattern for every page that reads something: loading, there, or an error with a way to try again.

import { type Ref, onScopeDispose, ref, shallowRef } from 'vue'
import { ApiError } from './http'
import type { Page } from './types'

export interface Loaded<T> {
  data: Ref<T | null>
  error: Ref<ApiError | null>
  busy: Ref<boolean>
  reload: () => Promise<void>
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError(0, 'fault', error instanceof Error ? error.message : String(error))
}

/** Loads at once; a reload keeps the old data on screen, and only the newest answer counts. */
export function useLoad<T>(read: () => Promise<T>): Loaded<T> {
  const data = shallowRef<T | null>(null)
  const error = ref<ApiError | null>(null) as Ref<ApiError | null>
  const busy = ref(false)
  let newest = 0
  onScopeDispose(() => {
    newest = -1
  })
  async function reload(): Promise<void> {
    if (newest < 0) return
    newest += 1
    const mine = newest
    busy.value = true
    try {
      const answer = await read()
      if (mine !== newest) return
      data.value = answer
      error.value = null
    } catch (thrown) {
      if (mine === newest) error.value = asApiError(thrown)
    } finally {
      if (mine === newest) busy.value = false
    }
  }
  void reload()
  return { data, error, busy, reload }
}

export interface LoadedList<T> {
  items: Ref<T[]>
  error: Ref<ApiError | null>
  busy: Ref<boolean>
  /** Whether the first page has come. */
  ready: Ref<boolean>
  more: Ref<boolean>
  loadMore: () => Promise<void>
  reload: () => Promise<void>
}

/** A list with a cursor. */
export function useList<T>(read: (cursor: string | null) => Promise<Page<T>>): LoadedList<T> {
  const items = shallowRef<T[]>([])
  const error = ref<ApiError | null>(null) as Ref<ApiError | null>
  const busy = ref(false)
  const ready = ref(false)
  const more = ref(false)
  let next: string | null = null
  let newest = 0
  async function load(first: boolean): Promise<void> {
    newest += 1
    const mine = newest
    busy.value = true
    try {
      const page = await read(first ? null : next)
      if (mine !== newest) return
      items.value = first ? page.items : [...items.value, ...page.items]
      next = page.next ?? null
      more.value = next !== null
      error.value = null
      ready.value = true
    } catch (thrown) {
      if (mine === newest) error.value = asApiError(thrown)
    } finally {
      if (mine === newest) busy.value = false
    }
  }
  void load(true)
  return { items, error, busy, ready, more, loadMore: () => load(false), reload: () => load(true) }
}
