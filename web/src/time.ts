//! A shared clock for countdowns, and times as people say them.

import { type Ref, onScopeDispose, ref, watch } from 'vue'

const now = ref(Date.now())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** The time in ms, ticking once a second while somebody looks. */
export function useNow(): Readonly<Ref<number>> {
  users += 1
  now.value = Date.now()
  timer ??= setInterval(() => {
    now.value = Date.now()
  }, 1000)
  onScopeDispose(() => {
    users -= 1
    if (users === 0) {
      clearInterval(timer)
      timer = undefined
    }
  })
  return now
}

/** Looks again every so many ms as long as there is something to wait for. */
export function useAgain(waits: Readonly<Ref<boolean>>, look: () => Promise<void>, everyMs = 10_000): void {
  let again: ReturnType<typeof setInterval> | undefined
  const stop = () => clearInterval(again)
  watch(waits, (wanted) => {
    stop()
    if (wanted) again = setInterval(() => void look(), everyMs)
  }, { immediate: true })
  onScopeDispose(stop)
}

/** Whole seconds until `time`, at least 0. */
export function secondsUntil(time: string, nowMs: number): number {
  return Math.max(0, Math.ceil((Date.parse(time) - nowMs) / 1000))
}

/** "1:02:03", "04:59", with days in front where there are any ("2d 03:00:00"). */
export function clock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const front = days === 0 ? '' : `${days}d `
  if (days === 0 && hours === 0) return `${two(minutes)}:${two(seconds % 60)}`
  return `${front}${two(hours)}:${two(minutes)}:${two(seconds % 60)}`
}

/** The two largest units of a duration, for `t('duration.day', n)` and its like. */
export function durationParts(seconds: number): { unit: 'day' | 'hour' | 'minute' | 'second'; count: number }[] {
  const units = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]] as const
  const parts: { unit: 'day' | 'hour' | 'minute' | 'second'; count: number }[] = []
  let rest = seconds
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size)
    rest %= size
    if (0 < count) parts.push({ unit, count })
  }
  return parts.slice(0, 2)
}

export function dateTime(time: string | number, locale: string): string {
  const date = typeof time === 'number' ? new Date(time * 1000) : new Date(time)
  if (Number.isNaN(date.getTime())) return String(time)
  return new Intl.DateTimeFormat(locale === 'zh' ? 'zh-CN' : 'en-GB', {
    month: locale === 'zh' ? 'numeric' : 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  }).format(date)
}
