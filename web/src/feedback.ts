//! Short messages and questions, in Vant's form. Loaded with the first one that is needed.

import 'vant/es/overlay/index.css'
import 'vant/es/popup/index.css'
import 'vant/es/loading/index.css'
import 'vant/es/toast/index.css'
import 'vant/es/button/index.css'
import 'vant/es/dialog/index.css'
import { showConfirmDialog } from 'vant/es/dialog'
import { showToast } from 'vant/es/toast'
import { texts } from './i18n'
import { asApiError } from './load'
import { problemText } from './problems'

export function say(message: string): void {
  showToast({ message, wordBreak: 'break-word' })
}

export function sayError(error: unknown): void {
  say(problemText(asApiError(error)))
}

export async function ask(title: string, message: string): Promise<boolean> {
  const { t } = texts
  try {
    await showConfirmDialog({ title, message, confirmButtonText: t('app.confirm'), cancelButtonText: t('app.cancel') })
    return true
  } catch {
    return false
  }
}

/** The phone's own share sheet, else the clipboard, else the reader's own hands. */
export async function share(text: string, url: string): Promise<void> {
  const { t } = texts
  if (typeof navigator.share === 'function') {
    try {
      await navigator.share({ text, url })
      return
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return
    }
  }
  await copy(url, t('group.share_copied'))
}

export async function copy(text: string, done: string): Promise<void> {
  const { t } = texts
  try {
    await navigator.clipboard.writeText(text)
    say(done)
  } catch {
    if (copyBySelection(text)) say(done)
    else say(t('app.copy_failed'))
  }
}

/** The old way, which also works on plain http. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('readonly', '')
  area.className = 'sr'
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}
