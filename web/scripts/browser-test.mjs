// The browser walk against a platform of its own: starts the demonstration on free ports with an empty data directory,
// walks through it, then has its books audited.
//
// node scripts/browser-test.mjs [PROGRAM] [DIRECTORY FOR PICTURES]
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const target = process.env.CARGO_TARGET_DIR ?? resolve(here, '../../target')
const [program = join(target, 'debug/potluck'), pictures] = process.argv.slice(2)
const data = mkdtempSync(join(tmpdir(), 'potluck-browser-'))
const STARTED_WITHIN_MS = 60_000

/** A port that nobody listens on just now. */
const freePort = () =>
  new Promise((done) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })

const [port, sandboxPort] = [await freePort(), await freePort()]
const base = `http://127.0.0.1:${port}`
const serve = ['serve', '--demo', '--data', data, '--listen', `127.0.0.1:${port}`, '--sandbox-listen', `127.0.0.1:${sandboxPort}`]
const platform = spawn(program, serve, { stdio: ['ignore', 'pipe', 'inherit'] })
const ended = new Promise((done) => platform.once('exit', done))

/** The operator's password, printed when the shop is open. */
const password = await new Promise((done, failed) => {
  let text = ''
  const late = setTimeout(() => failed(new Error('the platform did not open in time')), STARTED_WITHIN_MS)
  platform.once('error', failed)
  platform.stdout.on('data', (chunk) => {
    text += chunk
    const found = /name (\S+) {3}password (\S+)/.exec(text)
    if (found && text.includes('Stop with Ctrl-C')) {
      clearTimeout(late)
      done(`${found[1]}:${found[2]}`)
    }
  })
})

let failed = 1
try {
  const environment = { ...process.env, POTLUCK_OPERATOR: password }
  const walk = spawn(process.execPath, [join(here, 'walk.mjs'), base, ...(pictures ? [pictures] : [])], { stdio: 'inherit', env: environment })
  failed = await new Promise((done) => walk.once('exit', (code) => done(code ?? 1)))
} finally {
  platform.kill('SIGTERM')
  await ended
}
const audit = spawnSync(program, ['audit', '--data', data], { encoding: 'utf8' })
console.log(audit.stdout.trim().split('\n').at(-1), audit.stderr)
rmSync(data, { recursive: true, force: true })
process.exit(failed === 0 && audit.status === 0 ? 0 : 1)
