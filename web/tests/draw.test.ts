import { describe, expect, it } from 'vitest'
import vector from '../src/draw/vectors/fixed-3-of-10-one.json'
import { ascii, fromHex, toHex } from '../src/draw/bytes'
import { type DrawClaims, type DrawFiles, checkDraw } from '../src/draw/check'
import { parseOpen, parseSeats, resultBytes } from '../src/draw/files'
import { type Hasher, ownHasher, webCryptoHasher } from '../src/draw/hash'
import { orderOf, scoresOf, winnerCount } from '../src/draw/select'

const hashers: Hasher[] = [ownHasher, webCryptoHasher(crypto.subtle)]

const files: DrawFiles = {
  open: ascii(vector.open),
  seats: ascii(vector.seats),
  freeze: ascii(vector.freeze),
  result: ascii(vector.expect.result),
  published: null,
  beacon: null,
}
const claims: DrawClaims = {
  round: 657413n,
  signature: vector.beacon,
  hashes: { open: vector.expect.open_hash, seats: vector.expect.seats_hash, freeze: vector.expect.freeze_hash },
  seed: vector.expect.seed,
  winners: vector.expect.winners,
  mine: null,
}

function stateOf(report: Awaited<ReturnType<typeof checkDraw>>, id: string) {
  return report.steps.find((step) => step.id === id)?.state
}

describe.each(hashers)('the published vector, hashed by $name', (hasher) => {
  it('is recomputed to the byte', async () => {
    const report = await checkDraw(files, claims, hasher)
    expect(report.steps.filter((step) => step.state === 'bad')).toEqual([])
    expect(report.verdict).toBe('agrees')
    expect(report.seed).toBe(vector.expect.seed)
    expect(report.beaconValue).toBe(vector.expect.B)
    expect(report.winners).toEqual(vector.expect.winners)
    const scores = [...report.ranked].sort((a, b) => a.index - b.index).map((seat) => seat.score)
    expect(scores).toEqual(vector.expect.scores)
    expect(report.ranked.filter((seat) => seat.won).map((seat) => seat.index)).toEqual([6, 8, 1])
  })

  it('never claims to have checked beacon or log', async () => {
    const report = await checkDraw(files, claims, hasher)
    expect(stateOf(report, 'beacon')).toBe('not-checked')
    expect(stateOf(report, 'log')).toBe('not-checked')
  })
})

describe('a draw that does not fit is told where', () => {
  const swap = (bytes: Uint8Array, from: string, to: string) =>
    ascii(String.fromCharCode(...bytes).replace(from, to))
  const cases: [string, Partial<DrawFiles>, Partial<DrawClaims>, string][] = [
    ['another winner in the result', { result: swap(files.result!, 'winners 3 6 8 1', 'winners 3 6 8 2') }, {}, 'result'],
    ['another order of winners', { result: swap(files.result!, '6 8 1', '8 6 1') }, {}, 'result'],
    ['another winner from the server', {}, { winners: [6, 8, 2] }, 'winners'],
    ['other rules', { open: swap(files.open, 'mode fixed 3', 'mode fixed 4') }, {}, 'open'],
    ['another list', { seats: swap(files.seats!, '9 ee77', '9 ee78') }, {}, 'seats'],
    ['another round', { freeze: swap(files.freeze!, 'round 657413', 'round 657414') }, {}, 'round'],
    ['another seed', {}, { seed: vector.expect.B }, 'seed'],
    ['other rules with matching server hash', { open: swap(files.open, 'mode fixed 3', 'mode fixed 4') }, { hashes: { ...claims.hashes, open: null } }, 'freeze'],
    ['another prize', { published: ascii('{}') }, {}, 'terms'],
  ]
  it.each(cases)('%s', async (_, changedFiles, changedClaims, step) => {
    const report = await checkDraw({ ...files, ...changedFiles }, { ...claims, ...changedClaims }, ownHasher)
    expect(report.verdict).toBe('differs')
    expect(stateOf(report, step)).toBe('bad')
  })
})

it('waits where there is no beacon value yet, and still holds what is sealed', async () => {
  const report = await checkDraw({ ...files, result: null }, { ...claims, signature: null, seed: null, winners: null }, ownHasher)
  expect(report.verdict).toBe('waiting')
  expect(stateOf(report, 'round')).toBe('ok')
  expect(stateOf(report, 'winners')).toBe('waiting')
  expect(report.roundTime).toBe(1692803367n + 3n * 657412n)
})

it('opens my tag, and only at my seats', async () => {
  const salt = '11'.repeat(32)
  const tag = toHex(await ownHasher.sha256(new Uint8Array([...ascii('potluck-draw/v1/member\n'), ...fromHex(salt, 32)!, ...ascii('42')])))
  const seats = vector.seats.replace(/(?<=\n3 )[0-9a-f]{64}/, tag)
  const mine = { indexes: [3], memberId: '42', salt, tag }
  const at = async (claim: DrawClaims['mine']) =>
    stateOf(await checkDraw({ ...files, seats: ascii(seats) }, { ...claims, mine: claim }, ownHasher), 'mine')
  expect(await at(mine)).toBe('ok')
  expect(await at({ ...mine, memberId: '43' })).toBe('bad')
  expect(await at({ ...mine, indexes: [4] })).toBe('bad')
  expect(await at({ ...mine, indexes: [] })).toBe('bad')
})

describe('selection', () => {
  const seats = (roles: string, tags = 'abcdef') =>
    parseSeats(ascii(`potluck-draw/v1/seats\n${[...roles].map((role, i) => `${i} ${tags[i]!.repeat(64)} ${role} 0 -\n`).join('')}`))
  const open = (changes: Record<string, string>) => {
    let text = vector.open
    for (const [key, value] of Object.entries(changes)) text = text.replace(new RegExp(`\n${key} [^\n]*`), `\n${key} ${value}`)
    return parseOpen(ascii(text))
  }
  const score = (front: number) => new Uint8Array([front, ...new Array(31).fill(0)])
  const scores = [score(10), score(200), score(5), score(5)]

  it('takes the lowest scores, ties by index', () => {
    expect(orderOf(open({}), seats('LMMM'), scores)).toEqual([2, 3, 0, 1])
  })
  it('leaves the leader out where the rules say so', () => {
    expect(orderOf(open({ leader: 'out' }), seats('LMMM'), scores)).toEqual([2, 3, 1])
  })
  it('keeps one seat a member, or any', () => {
    expect(orderOf(open({}), seats('LMMM', 'abca'), scores)).toEqual([2, 3, 1])
    expect(orderOf(open({ permember: 'any' }), seats('LMMM', 'abca'), scores)).toEqual([2, 3, 0, 1])
  })
  it('puts the lower tier before the lower score', () => {
    const tiered = seats('LMMM')
    tiered[2]!.tier = 1
    expect(orderOf(open({}), tiered, scores)).toEqual([3, 0, 1, 2])
  })
  it('counts hits by chance exactly, within bounds', () => {
    const chance = (text: string) => open({ mode: `chance ${text}` }).mode
    const pool = [2, 3, 0, 1]
    //                              5/256 = 19531.25 ppm: seats 2 and 3 miss at 19531 and hit at 19532
    expect(winnerCount(chance('19531 1000000 0 4'), pool, scores)).toBe(0)
    expect(winnerCount(chance('19532 1000000 0 4'), pool, scores)).toBe(2)
    expect(winnerCount(chance('5 256 0 4'), pool, scores)).toBe(0)
    expect(winnerCount(chance('0 1 1 4'), pool, scores)).toBe(1)
    expect(winnerCount(chance('1 1 0 3'), pool, scores)).toBe(3)
    expect(winnerCount(chance('1 1 0 9'), pool, scores)).toBe(4)
  })
  it('gives both hashers the same 10 000 scores', async () => {
    const seed = fromHex(vector.expect.seed, 32)!
    const [own, web] = await Promise.all(hashers.map((hasher) => scoresOf(hasher, seed, 10_000)))
    expect(own!.map(toHex)).toEqual(web!.map(toHex))
  })
})

it('hashes every length around the block like WebCrypto', async () => {
  for (let length = 0; length < 200; length += 1) {
    const data = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255)
    const [own, web] = await Promise.all(hashers.map((hasher) => hasher.sha256(data)))
    expect(toHex(own!)).toBe(toHex(web!))
    const [ownMac, webMac] = await Promise.all(hashers.map((hasher) => hasher.hmac(data.length ? data : new Uint8Array(1), [data])))
    expect(toHex(ownMac![0]!)).toBe(toHex(webMac![0]!))
  }
})

it('writes a result without winners as "winners 0"', () => {
  const bytes = resultBytes({ freeze: 'aa', source: 'local', signature: 'bb', seed: 'cc', winners: [] })
  expect(String.fromCharCode(...bytes)).toContain('\nwinners 0\n')
})
