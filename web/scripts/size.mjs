// What a member loads for the first page: index.html, its scripts and styles and one language. Fails above the budget,
// and if anything built would be fetched from elsewhere.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const BUDGET_SCRIPT_KB = 90
const dist = new URL('../dist/', import.meta.url).pathname
const read = (file) => readFileSync(join(dist, file))
const kb = (bytes) => bytes / 1000

const scripts = new Set()
const styles = new Set()
function follow(file) {
  if (scripts.has(file)) return
  scripts.add(file)
  const text = read(file).toString()
  for (const [, name] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) follow(`assets/${name}`)
}
const html = read('index.html').toString()
for (const [, file] of html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)) follow(file)
for (const [, file] of html.matchAll(/href="\/(assets\/[^"]+\.css)"/g)) styles.add(file)
const language = readdirSync(join(dist, 'assets')).find((file) => /^zh-.*\.js$/.test(file))
follow(`assets/${language}`)

const zipped = (files) => [...files].reduce((all, file) => all + gzipSync(read(file)).length, 0)
for (const file of [...scripts].sort()) console.log(`${kb(gzipSync(read(file)).length).toFixed(1).padStart(7)} kB  ${file}`)
const script = kb(zipped(scripts))
console.log(`first page: ${script.toFixed(1)} kB of script, ${kb(zipped(styles)).toFixed(1)} kB of style, gzip; budget ${BUDGET_SCRIPT_KB} kB of script`)

// Naive UI and the fonts of Vant know outside addresses; none may stand where a browser follows it.
const outside = readdirSync(join(dist, 'assets')).filter((file) => /url\(\s*["']?(https?:)?\/\//.test(read(`assets/${file}`).toString()))
if (0 < outside.length) console.error(`loads from elsewhere: ${outside.join(', ')}`)
process.exit(BUDGET_SCRIPT_KB < script || 0 < outside.length ? 1 : 0)
