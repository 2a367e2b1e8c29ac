import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { consoleZh } from '../src/console/texts-zh'
import { drawZh } from '../src/i18n/draw-zh'
import { restZh } from '../src/i18n/rest-zh'
import { zh } from '../src/i18n/zh'

function keys(messages: object, path = ''): string[] {
  return Object.entries(messages).flatMap(([key, value]) => (typeof value === 'string' ? [path + key] : keys(value as object, `${path}${key}.`)))
}
const root = join(import.meta.dirname, '../src')
const isText = /(^|[\\/])(i18n[\\/]((draw-|rest-)?(zh|en))|texts-(zh|en)|schema\.d)\.ts$/
const source = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|vue)$/.test(file) && !isText.test(file))
  .map((file) => readFileSync(join(root, file), 'utf8')).join('\n')

/** Keys made of a word of the server or of the program, "group_state.${group.state}": each hole is one word of the key. */
const computed = [...new Set([...source.matchAll(/`([a-z_]+\.[a-z_.]*\$\{[^}`]+\}[a-z_.]*)`/g)].map((match) => match[1]!))]
  .map((made) => new RegExp(`^${made.replaceAll('.', '\\.').replace(/\$\{[^}]+\}/g, '[\\w-]+')}$`))

it('every text is shown somewhere', () => {
  const shown = (key: string) => source.includes(`'${key}'`) || source.includes(`"${key}"`) || computed.some((made) => made.test(key))
  expect(computed.length).toBeGreaterThan(20)
  expect([...keys(zh), ...keys(restZh), ...keys(drawZh), ...keys(consoleZh)].filter((key) => !shown(key))).toEqual([])
})
