import { describe, expect, it } from 'vitest'
import vector from '../src/draw/vectors/fixed-3-of-10-one.json'
import { ascii } from '../src/draw/bytes'
import { parseBeacon, parseFreeze, parseOpen, parseResult, parseSeats, parseVoid, reserved, roundFor } from '../src/draw/files'

const latin = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))

describe('what holds for every file', () => {
  const rows: [string, string, RegExp][] = [
    ['empty', '', /the file is empty/],
    ['no LF at the end', vector.open.slice(0, -1), /does not end with LF/],
    ['an empty line at the end', `${vector.open}\n`, /line 15: empty line/],
    ['an empty line inside', vector.open.replace('\ncircle', '\n\ncircle'), /line 4: empty line/],
    ['carriage returns', vector.open.replace(/\n/g, '\r\n'), /carriage return/],
    ['a byte order mark', `\u00ef\u00bb\u00bf${vector.open}`, /line 1: byte 0xef/],
    ['two spaces', vector.open.replace('seats 10', 'seats  10'), /two spaces/],
    ['a space at the end', vector.open.replace('leader in', 'leader in '), /space at the end/],
    ['a space at the beginning', vector.open.replace('leader', ' leader'), /space at the beginning/],
    ['a tab', vector.open.replace('leader in', 'leader\tin'), /0x09/],
    ['a byte above ASCII', vector.open.replace('draw.example', 'dräw.example'), /0xe4/],
    ['another version', vector.open.replace('v1', 'v2'), /header must be/],
    ['a key out of order', vector.open.replace('leader in\nrotation off', 'rotation off\nleader in'), /expected "leader"/],
    ['a key twice', vector.open.replace('leader in\n', 'leader in\nleader in\n'), /expected "rotation"/],
    ['a key missing', vector.open.replace('leader in\n', ''), /expected "leader"/],
    ['a line too many', `${vector.open}more 1\n`, /expected the end/],
    ['a file that is too long', vector.open + 'x'.repeat(70_000), /longer than/],
  ]
  it.each(rows)('refuses %s', (_, text, reason) => expect(() => parseOpen(latin(text))).toThrow(reason))
})

describe('open', () => {
  const rows: [string, string, RegExp][] = [
    ['seats 10 10', 'seats 0 10', /1 <= min/],
    ['seats 10 10', 'seats 10 10001', /max <= 10000/],
    ['seats 10 10', 'seats 11 10', /min <= max/],
    ['seats 10 10', 'seats 010 10', /leading zero/],
    ['seats 10 10', 'seats +10 10', /not a decimal/],
    ['seats 10 10', 'seats 10', /expected 2 fields/],
    ['mode fixed 3', 'mode fixed 0', /winners must be/],
    ['mode fixed 3', 'mode fixed 10001', /winners must be/],
    ['mode fixed 3', 'mode chance 2 1 0 1', /num <= den/],
    ['mode fixed 3', 'mode chance 0 0 0 1', /1 <= den/],
    ['mode fixed 3', 'mode chance 1 4294967296 0 1', /above 4294967295/],
    ['mode fixed 3', 'mode chance 1 2 2 1', /kmin <= kmax/],
    ['mode fixed 3', 'mode chance 1 2 0 0', /1 <= kmax/],
    ['mode fixed 3', 'mode all', /expected fixed/],
    ['leader in', 'leader maybe', /expected in or out/],
    ['rotation off', 'rotation on', /rotation: on needs/],
    ['group g-one0', 'group G-one0', /no ident/],
    ['group g-one0', 'group -', /no ident/],
    ['log draw.example/log1', 'log a+b', /no origin/],
    ['source drand-quicknet', `source local ${'A'.repeat(64)}`, /lower-case hex/],
    ['source drand-quicknet', 'source moon', /expected drand-quicknet/],
    ['delay 60', 'delay 29', /30..2592000/],
    ['delay 60', 'delay 2592001', /30..2592000/],
    ['timeout 604800 void', 'timeout 3599 void', /3600..31536000/],
    ['timeout 604800 void', 'timeout 9223372036854775808 void', /above 2\^63-1/],
    ['timeout 604800 void', 'timeout 604800 retry', /expected void or commit/],
    ['chain -', 'chain x', /expected 3 fields/],
  ]
  it.each(rows)('%s → %s', (from, to, reason) => expect(() => parseOpen(ascii(vector.open.replace(from, to)))).toThrow(reason))

  it('knows the reserved syntax and does not support it', () => {
    const read = (from: string, to: string) => reserved(parseOpen(ascii(vector.open.replace(from, to))))
    expect(read('chain -', `chain ${'0'.repeat(64)} 5 1`)).toBe('chain')
    expect(read('source drand-quicknet', 'source commit')).toBe('source commit')
    expect(read('604800 void', '604800 commit')).toBe('timeout commit')
    expect(read('chain -', 'chain -')).toBeNull()
  })
  it('allows a short delay with a local source only', () => {
    const local = vector.open.replace('drand-quicknet', `local ${'0'.repeat(64)}`)
    expect(parseOpen(ascii(local.replace('delay 60', 'delay 3'))).delay).toBe(3n)
    expect(() => parseOpen(ascii(local.replace('delay 60', 'delay 2')))).toThrow(/3..2592000/)
  })
})

describe('the other files', () => {
  const tag = 'a'.repeat(64)
  const seats = (lines: string) => () => parseSeats(ascii(`potluck-draw/v1/seats\n${lines}`))
  it('seats', () => {
    expect(seats('')).toThrow(/no seat/)
    expect(seats(`1 ${tag} L 0 -\n`)).toThrow(/expected 0, found 1/)
    expect(seats(`0 ${tag} X 0 -\n`)).toThrow(/expected L or M/)
    expect(seats(`0 ${tag} L 0 x\n`)).toThrow(/last field/)
    expect(seats(`0 ${tag} L 4294967296 -\n`)).toThrow(/above 4294967295/)
    expect(seats(`0 ${tag} L 0 -\n1 ${tag} L 1 -\n`)).toThrow(/first seat/)
    expect(seats(`0 ${tag.toUpperCase()} L 0 -\n`)).toThrow(/lower-case hex/)
  })
  it('freeze', () => {
    expect(() => parseFreeze(ascii(vector.freeze.replace('chainpos -', 'chainpos 1')))).toThrow(/chainpos/)
    expect(() => parseFreeze(ascii(vector.freeze.replace('prev -', 'prev 00')))).toThrow(/64 lower-case/)
  })
  it('result', () => {
    const result = (to: string) => () => parseResult(ascii(vector.expect.result.replace('winners 3 6 8 1', to)))
    expect(result('winners 2 6 8 1')).toThrow(/2 announced, 3 listed/)
    expect(result('winners 3 6 8 8')).toThrow(/seat 8 twice/)
    expect(result('winners 1 10000')).toThrow(/no seat/)
    expect(result('winners 0')()).toMatchObject({ winners: [] })
  })
  it('beacon and void', () => {
    const beacon = (period: string) => ascii(`potluck-draw/v1/beacon\nkey ${'0'.repeat(192)}\ngenesis 5\nperiod ${period}\n`)
    expect(parseBeacon(beacon('3'))).toMatchObject({ genesis: 5n, period: 3n })
    expect(() => parseBeacon(beacon('0'))).toThrow(/at least 1/)
    expect(parseVoid(ascii(`potluck-draw/v1/void\nof ${tag}\nreason timeout\nat 9\n`)).reason).toBe('timeout')
    expect(() => parseVoid(ascii(`potluck-draw/v1/void\nof ${tag}\nreason bored\nat 9\n`))).toThrow(/expected not_full/)
  })
})

describe('round rule: the first round whose time is at least frozen_at + delay', () => {
  const rows: [bigint, bigint, bigint | null][] = [
    [100n, 0n, 1n],
    [101n, 0n, 2n],
    [103n, 0n, 2n],
    [104n, 0n, 3n],
    [98n, 0n, 1n],
    [97n, 0n, null],
    [97n, 3n, 1n],
  ]
  it.each(rows)('frozen at %s, delay %s: round %s', (frozenAt, delay, round) => {
    expect(roundFor(frozenAt, delay, { genesis: 100n, period: 3n })).toBe(round)
  })
})
