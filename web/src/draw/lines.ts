//! Reads the line files strictly (draw 1).
//!
//! Why so strict: a file is named by the hash of its bytes, so two spellings of one meaning would be
//! two files. There is one spelling; everything else is an error that names its line.

import { fromHex } from './bytes'

/** Largest decimal a file may hold, 2^63 - 1. */
export const MAX_DECIMAL = 2n ** 63n - 1n
/** Largest log entry in bytes. */
export const MAX_LOG_ENTRY_BYTES = 65_535

export type FileName = 'open' | 'seats' | 'freeze' | 'result' | 'void' | 'beacon'

/** Why bytes are not the file they should be. */
export class ParseError extends Error {
  constructor(
    readonly file: FileName,
    readonly line: number,
    readonly reason: string,
  ) {
    super(`${file} line ${line}: ${reason}`)
  }
}

export class Lines {
  private readonly lines: string[]
  private at = 0

  constructor(
    readonly file: FileName,
    bytes: Uint8Array,
    maxBytes = MAX_LOG_ENTRY_BYTES,
  ) {
    if (maxBytes < bytes.length) throw new ParseError(file, 1, `longer than ${maxBytes} bytes`)
    this.lines = checkText(file, bytes).split('\n')
    this.lines.pop()
    const header = this.next('the header')
    if (header !== `potluck-draw/v1/${file}`) {
      throw this.error(`header must be "potluck-draw/v1/${file}", found ${shown(header)}`)
    }
  }

  /** The value of the next line, which must begin with `key` and a space. */
  value(key: string): string {
    const line = this.next(`"${key}"`)
    if (!line.startsWith(`${key} `)) {
      throw this.error(`expected "${key}", found ${shown(line.split(' ')[0] ?? line)}`)
    }
    return line.slice(key.length + 1)
  }

  /** The next line's value as exactly `count` fields. */
  fields(key: string, count: number): string[] {
    return this.split(key, this.value(key), count)
  }

  split(key: string, value: string, count: number): string[] {
    const fields = value.split(' ')
    if (fields.length !== count) throw this.error(`${key}: expected ${count} fields, found ${fields.length}`)
    return fields
  }

  /** The next whole line, if there is one. */
  raw(): string | undefined {
    const line = this.lines[this.at]
    if (line !== undefined) this.at += 1
    return line
  }

  end(): void {
    const line = this.raw()
    if (line !== undefined) throw this.error(`expected the end of the file, found ${shown(line)}`)
  }

  decimal(key: string, text: string): bigint {
    if (!/^[0-9]+$/.test(text)) throw this.error(`${key}: ${shown(text)} is not a decimal`)
    if (text !== '0' && text.startsWith('0')) throw this.error(`${key}: ${shown(text)} has a leading zero`)
    const number = 19 < text.length ? MAX_DECIMAL + 1n : BigInt(text)
    if (MAX_DECIMAL < number) throw this.error(`${key}: ${shown(text)} is above 2^63-1`)
    return number
  }

  decimal32(key: string, text: string): number {
    const number = this.decimal(key, text)
    if (0xffff_ffffn < number) throw this.error(`${key}: ${shown(text)} is above 4294967295`)
    return Number(number)
  }

  hex(key: string, text: string, bytes: number): string {
    if (fromHex(text, bytes) === null) {
      throw this.error(`${key}: expected ${bytes * 2} lower-case hex digits, found ${shown(text)}`)
    }
    return text
  }

  word<T extends string>(key: string, text: string, words: readonly T[]): T {
    const found = words.find((word) => word === text)
    if (found === undefined) throw this.error(`${key}: expected ${words.join(' or ')}, found ${shown(text)}`)
    return found
  }

  ident(key: string, text: string): string {
    if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(text)) throw this.error(`${key}: ${shown(text)} is no ident`)
    return text
  }

  error(reason: string): ParseError {
    return new ParseError(this.file, this.at, reason)
  }

  private next(expected: string): string {
    const line = this.raw()
    if (line !== undefined) return line
    throw new ParseError(this.file, this.at + 1, `expected ${expected}, found the end of the file`)
  }
}

export function shown(text: string): string {
  return JSON.stringify(60 < text.length ? `${text.slice(0, 60)}...` : text)
}

/** US-ASCII 0x20..0x7e and LF, the last line ended, no empty line, single spaces between fields. */
function checkText(file: FileName, bytes: Uint8Array): string {
  let line = 1
  let before = 0x0a
  let text = ''
  for (const byte of bytes) {
    const wrong = wrongByte(before, byte)
    if (wrong !== null) throw new ParseError(file, line, wrong)
    if (byte === 0x0a) line += 1
    text += String.fromCharCode(byte)
    before = byte
  }
  if (bytes.length === 0) throw new ParseError(file, 1, 'the file is empty')
  if (before !== 0x0a) throw new ParseError(file, line, 'the last line does not end with LF')
  return text
}

function wrongByte(before: number, byte: number): string | null {
  if (byte === 0x0d) return 'carriage return'
  if (byte === 0x0a && before === 0x0a) return 'empty line'
  if (byte === 0x20 && before === 0x0a) return 'space at the beginning of the line'
  if (byte === 0x20 && before === 0x20) return 'two spaces in a row'
  if (byte === 0x0a && before === 0x20) return 'space at the end of the line'
  if (byte !== 0x0a && (byte < 0x20 || 0x7e < byte)) {
    return `byte 0x${byte.toString(16).padStart(2, '0')} is not printable ASCII`
  }
  return null
}
