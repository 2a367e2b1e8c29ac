//! One request to the server: keys, retries, read-your-writes and errors.
//!
//! A write keeps its idempotency key over its retries, so that asking twice never does it twice (rules 2.4).

/** A problem document (RFC 9457), or the network's silence as `offline`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly extra: Record<string, unknown> = {},
  ) {
    super(detail || code)
  }
}

export interface SendOptions {
  query?: Record<string, string | number | boolean | null | undefined>
  body?: unknown
  /** Of a read whose address takes no `at_least`. */
  plain?: boolean
  /** Of a write; made here where absent. Give the same one to repeat the same wish. */
  key?: string
  signal?: AbortSignal
}

/** Waits between tries of a request that met no server or a busy one, in ms. */
export const RETRY_AFTER_MS = [400, 1200]
const BASE = '/api/v1'

let lastWrite: bigint | null = null

/** 128 random bits; `randomUUID` exists in secure contexts only. */
export function newKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export async function get<T>(path: string, options: SendOptions = {}): Promise<T> {
  return (await (await send('GET', path, options)).json()) as T
}

export async function getBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await send('GET', path, { plain: true })).arrayBuffer())
}

export async function post<T = unknown>(path: string, body: unknown = {}, options: SendOptions = {}): Promise<T> {
  const response = await send('POST', path, { key: newKey(), ...options, body })
  const text = await response.text()
  const answer = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  rememberSequence(answer.seq)
  return answer as T
}

async function send(method: 'GET' | 'POST', path: string, options: SendOptions): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    const wait = RETRY_AFTER_MS[attempt]
    let response: Response
    try {
      response = await fetch(url(method, path, options), init(method, options))
    } catch (error) {
      if (options.signal?.aborted) throw error
      if (wait === undefined) throw new ApiError(0, 'offline', '')
      await delay(wait)
      continue
    }
    if (response.ok) {
      caughtUp(response.headers.get('Potluck-Sequence'))
      return response
    }
    if (response.status === 503 && wait !== undefined) {
      await delay(wait)
      continue
    }
    throw await problemOf(response)
  }
}

function init(method: string, options: SendOptions): RequestInit {
  const headers: Record<string, string> = { Accept: 'application/json, text/plain, application/problem+json' }
  if (method !== 'GET') {
    headers['Content-Type'] = 'application/json'
    headers['Idempotency-Key'] = options.key ?? newKey()
  }
  const body = method === 'GET' ? undefined : JSON.stringify(options.body ?? {})
  return { method, headers, body, credentials: 'same-origin', signal: options.signal }
}

function url(method: string, path: string, options: SendOptions): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value))
  }
  if (method === 'GET' && lastWrite !== null && !options.plain) query.set('at_least', String(lastWrite))
  const text = query.toString()
  return BASE + path + (text === '' ? '' : `?${text}`)
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Record<string, unknown>
    const { code, detail, title, type: _type, status: _status, ...extra } = problem
    if (typeof code === 'string') return new ApiError(response.status, code, String(detail ?? title ?? ''), extra)
  } catch {
    // Not a problem document: a proxy in between, or a crash.
  }
  return new ApiError(response.status, response.status === 404 ? 'not_found' : 'fault', '')
}

/** After a write, reads ask for a view that has seen it, until one has. */
function rememberSequence(seq: unknown): void {
  if (typeof seq !== 'string' && typeof seq !== 'number') return
  if (!/^[0-9]+$/.test(String(seq))) return
  const number = BigInt(seq)
  if (lastWrite === null || lastWrite < number) lastWrite = number
}

function caughtUp(sequence: string | null): void {
  if (sequence !== null && /^[0-9]+$/.test(sequence) && lastWrite !== null && lastWrite <= BigInt(sequence)) lastWrite = null
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
