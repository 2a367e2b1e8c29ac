// @vitest-environment node
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('the types are those of openapi.json; `npm run types` makes them anew', () => {
  const root = join(import.meta.dirname, '..')
  const there = mkdtempSync(join(tmpdir(), 'potluck-types-'))
  try {
    execFileSync(process.execPath, ['node_modules/openapi-typescript/bin/cli.js', 'openapi.json', '-o', join(there, 'schema.d.ts')], { cwd: root, stdio: 'pipe' })
    expect(readFileSync(join(root, 'src/schema.d.ts'), 'utf8')).toBe(readFileSync(join(there, 'schema.d.ts'), 'utf8'))
  } finally {
    rmSync(there, { recursive: true })
  }
}, 30_000)
