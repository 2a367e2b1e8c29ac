//! SHA-256 and HMAC, twice: WebCrypto where the page is a secure context, else our own.
//!
//! Why our own as well: WebCrypto is missing on plain http, which is how a shop on a home network is
//! reached, and a draw must be checkable there too. A test holds both to the same bytes.

import { concat } from './bytes'

/** What the draw needs of a hash library. */
export interface Hasher {
  readonly name: 'webcrypto' | 'own'
  sha256(data: Uint8Array): Promise<Uint8Array>
  /** HMAC-SHA256 of many messages under one key. */
  hmac(key: Uint8Array, messages: readonly Uint8Array[]): Promise<Uint8Array[]>
}

const K = new Uint32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])

const BLOCK = 64

/** SHA-256 (FIPS 180-4) of a whole message. */
export function sha256(data: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / BLOCK) * BLOCK)
  padded.set(data)
  padded[data.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(data.length / 0x2000_0000))
  view.setUint32(padded.length - 4, (data.length << 3) >>> 0)
  const state = new Uint32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ])
  const w = new Uint32Array(64)
  for (let at = 0; at < padded.length; at += BLOCK) compress(state, w, view, at)
  const out = new Uint8Array(32)
  const outView = new DataView(out.buffer)
  state.forEach((word, i) => outView.setUint32(i * 4, word))
  return out
}

function compress(state: Uint32Array, w: Uint32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(at + i * 4)
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15] as number
    const y = w[i - 2] as number
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)
    w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    number, number, number, number, number, number, number, number,
  ]
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[i] as number) + (w[i] as number)) | 0
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  ;[a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] = ((state[i] as number) + word) | 0
  })
}

function rotate(x: number, by: number): number {
  return (x >>> by) | (x << (32 - by))
}

/** HMAC-SHA256 (RFC 2104). */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK)
  block.set(BLOCK < key.length ? sha256(key) : key)
  const inner = block.map((byte) => byte ^ 0x36)
  const outer = block.map((byte) => byte ^ 0x5c)
  return sha256(concat(outer, sha256(concat(inner, message))))
}

export const ownHasher: Hasher = {
  name: 'own',
  async sha256(data) {
    return sha256(data)
  },
  async hmac(key, messages) {
    return messages.map((message) => hmacSha256(key, message))
  },
}

export function webCryptoHasher(subtle: SubtleCrypto): Hasher {
  return {
    name: 'webcrypto',
    async sha256(data) {
      return new Uint8Array(await subtle.digest('SHA-256', owned(data)))
    },
    async hmac(key, messages) {
      const algorithm = { name: 'HMAC', hash: 'SHA-256' }
      const imported = await subtle.importKey('raw', owned(key), algorithm, false, ['sign'])
      const tags = messages.map((message) => subtle.sign('HMAC', imported, owned(message)))
      return (await Promise.all(tags)).map((tag) => new Uint8Array(tag))
    },
  }
}

/** WebCrypto where the browser offers it, else our own. */
export function bestHasher(): Hasher {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined
  return subtle ? webCryptoHasher(subtle) : ownHasher
}

/** A copy on a plain ArrayBuffer, which is what WebCrypto's types ask for. */
function owned(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data)
}
