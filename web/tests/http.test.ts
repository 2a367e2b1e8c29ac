import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError, RETRY_AFTER_MS, get, newKey, post } from '../src/http'

type Answer = () => Promise<Response>
const answers: Answer[] = []
const asked: { url: string; init: RequestInit }[] = []
const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Answer => async () =>
  new Response(JSON.stringify(body), { status, headers })
const silence: Answer = async () => {
  throw new TypeError('network')
}
const headersOf = (at: number) => asked[at]!.init.headers as Record<string, string>

beforeEach(() => {
  vi.useFakeTimers()
  answers.length = 0
  asked.length = 0
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push({ url, init })
    const answer = answers.shift()
    if (answer === undefined) throw new Error('no answer prepared')
    return answer()
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** Lets the waits between tries pass. */
async function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  await vi.runAllTimersAsync()
  return promise
}

describe('a write', () => {
  it('carries a key, and the same one when it is tried again', async () => {
    answers.push(silence, json({ code: 'busy' }, 503), json({ ok: 1 }))
    await settled(post('/x', { a: 1 }))
    const keys = asked.map((_, at) => headersOf(at)['Idempotency-Key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[\x21-\x7e]{1,64}$/)
    expect(asked[0]!.init.body).toBe('{"a":1}')
  })
  it('uses the key it is given, and another for another wish', async () => {
    answers.push(json({}), json({}), json({}))
    await post('/x', {}, { key: 'mine' })
    await post('/x')
    await post('/x')
    expect(headersOf(0)['Idempotency-Key']).toBe('mine')
    expect(headersOf(1)['Idempotency-Key']).not.toBe(headersOf(2)['Idempotency-Key'])
  })
  it('is not repeated after a refusal', async () => {
    answers.push(json({ type: 'about:blank', title: 'Full', status: 409, code: 'group_full', detail: 'every place is taken', group: '7' }, 409))
    await expect(settled(post('/x'))).rejects.toMatchObject({ status: 409, code: 'group_full', detail: 'every place is taken', extra: { group: '7' } })
    expect(asked).toHaveLength(1)
  })
  it('may be answered by nothing', async () => {
    answers.push(async () => new Response(null, { status: 204 }))
    await expect(post('/sign-out')).resolves.toEqual({})
  })
})

describe('a read', () => {
  it('gives up as offline after its tries', async () => {
    for (let i = 0; i <= RETRY_AFTER_MS.length; i += 1) answers.push(silence)
    await expect(settled(get('/x'))).rejects.toMatchObject({ status: 0, code: 'offline' })
    expect(asked).toHaveLength(RETRY_AFTER_MS.length + 1)
  })
  it('tells a proxy page from a problem', async () => {
    answers.push(async () => new Response('<h1>502</h1>', { status: 502 }))
    await expect(settled(get('/x'))).rejects.toBeInstanceOf(ApiError)
    answers.push(async () => new Response('', { status: 404 }))
    await expect(settled(get('/x'))).rejects.toMatchObject({ code: 'not_found' })
  })
  it('asks for what the last write has done until a view has seen it', async () => {
    answers.push(json({ seq: '41' }), json({}, 200, { 'Potluck-Sequence': '40' }), json({}, 200, { 'Potluck-Sequence': '41' }), json({}))
    await post('/x')
    await get('/y', { query: { limit: 5, cursor: null, state: '' } })
    await get('/y')
    await get('/y')
    expect(asked.slice(1).map(({ url }) => url)).toEqual(['/api/v1/y?limit=5&at_least=41', '/api/v1/y?at_least=41', '/api/v1/y'])
  })
})

it('makes keys where randomUUID is missing', () => {
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
  expect(newKey()).toMatch(/^[0-9a-f]{32}$/)
  expect(newKey()).not.toBe(newKey())
})
