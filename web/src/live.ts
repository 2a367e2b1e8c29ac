//! A group as it fills: server-sent events, and polling where they do not come through.

import { onScopeDispose } from 'vue'
import { api } from './api'
import type { GroupEvent } from './types'

const POLL_MS = 4000

/** Calls `changed` on each change, and `tick` every few seconds while there is no stream. */
export function watchGroup(group: string, changed: (event: GroupEvent) => void, tick: () => void): () => void {
  let poll: ReturnType<typeof setInterval> | undefined
  let stream: EventSource | undefined
  const startPolling = () => {
    poll ??= setInterval(tick, POLL_MS)
  }
  const stopPolling = () => {
    clearInterval(poll)
    poll = undefined
  }
  if (typeof EventSource === 'undefined') {
    startPolling()
  } else {
    stream = new EventSource(api.eventsUrl(group))
    stream.addEventListener('open', stopPolling)
    stream.addEventListener('error', startPolling)
    stream.addEventListener('group', (message) => {
      stopPolling()
      try {
        changed(JSON.parse((message as MessageEvent<string>).data) as GroupEvent)
      } catch {
        tick()
      }
    })
  }
  const stop = () => {
    stream?.close()
    stopPolling()
  }
  onScopeDispose(stop)
  return stop
}
