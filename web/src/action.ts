//! A button's write: one at a time, errors shown, and one idempotency key until it has succeeded.

import { type Ref, ref } from 'vue'
import { ApiError, newKey } from './http'

/**
 * `run(key)` with the same key until it succeeds or is refused: a second press after a lost answer repeats the same wish.
 */
export function useAction<A extends unknown[]>(
  act: (key: string, ...args: A) => Promise<void>,
  failed: (error: unknown) => void,
): { busy: Ref<boolean>; run: (...args: A) => Promise<void> } {
  const busy = ref(false)
  let key: string | null = null
  let wish = ''
  async function run(...args: A): Promise<void> {
    if (busy.value) return
    busy.value = true
    const asked = JSON.stringify(args)
    if (asked !== wish) key = null
    wish = asked
    key ??= newKey()
    try {
      await act(key, ...args)
      key = null
    } catch (error) {
      // Refused is an answer; only silence or a fault leaves the outcome unknown.
      if (error instanceof ApiError && 400 <= error.status && error.status < 500) key = null
      failed(error)
    } finally {
      busy.value = false
    }
  }
  return { busy, run }
}
