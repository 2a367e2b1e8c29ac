//! Why something is done, asked before it is done: whoever reads the list of decisions must know (rules 11).

import { NInput, useDialog } from 'naive-ui'
import { h, ref } from 'vue'
import { useI18n } from 'vue-i18n'

/** As many characters as fit into the server's 400 bytes, whatever they are. */
const MOST_CHARS = 100

/** Asks; answers with the reason, or with nothing where the operator has changed his mind. */
export function useReason() {
  const dialog = useDialog()
  const { t } = useI18n()
  return (title: string, text: string) => new Promise<string | null>((resolve) => {
    const reason = ref('')
    const why = () => reason.value.trim()
    dialog.warning({
      title,
      content: () => h('div', [
        h('p', text),
        h(NInput, { 'value': reason.value, 'onUpdate:value': (value: string) => { reason.value = value }, 'maxlength': MOST_CHARS, 'placeholder': t('console.reason') }),
      ]),
      positiveText: t('app.confirm'),
      negativeText: t('app.back'),
      // Without a reason the dialog stays.
      onPositiveClick: () => (why() === '' ? false : resolve(why())),
      onAfterLeave: () => resolve(null),
    })
  })
}
