import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { consoleEn } from '../src/console/texts-en'
import { consoleZh } from '../src/console/texts-zh'
import { ApiError } from '../src/http'
import { useLocale } from '../src/i18n'
import { drawEn } from '../src/i18n/draw-en'
import { drawZh } from '../src/i18n/draw-zh'
import { en } from '../src/i18n/en'
import { restEn } from '../src/i18n/rest-en'
import { restZh } from '../src/i18n/rest-zh'
import { zh } from '../src/i18n/zh'
import { problemText, reasonText } from '../src/problems'

function leaves(messages: object, path = ''): [string, string][] {
  return Object.entries(messages).flatMap(([key, value]) =>
    typeof value === 'string' ? [[`${path}${key}`, value] as [string, string]] : leaves(value as object, `${path}${key}.`))
}
const placeholders = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort()

/** Gain without risk, which nobody may promise; and what the platform cannot do yet. */
const BANNED = /稳赚|躺赚|参与即赚|零风险|保本|\bsafe\b|risk[- ]?free|guarantee|提现|withdraw|抵 ?\d* ?元|可以使用|spend|off a(ny)? later bill/i
/** The phrases that deny it, or say under which condition alone. */
const DENIALS = ['网站上暂无提现页面', '只能提现到本人的、已由平台核验的账户', 'only to an account of your own that the platform has verified can it be withdrawn']
/** What has become of a withdrawal that was asked for is no promise. */
const TOLD = /^(problem\.(withdrawal_|payout_account_|member_frozen)|wallet\.why\.(withdraw|clawed_back))/
const promises = (text: string) => BANNED.test(DENIALS.reduce((rest, denial) => rest.replaceAll(new RegExp(denial, 'gi'), ''), text))

it('a promise is found, its denial is none', () => {
  const promised = [
    '稳赚不赔', '躺赚', '参与即赚', '保本', '现金，可提现', '可以提现的钱', '1 币抵 1 元',
    'cash that you can withdraw', 'Withdraw now', 'risk-free', 'Risk free', 'a guaranteed win',
    'takes 1 yuan off a later bill', 'coins to spend', '网站上暂无提现页面，购物币可提现',
  ]
  expect(promised.filter((text) => !promises(text))).toEqual([])
  expect(['网站上暂无提现页面'].filter(promises)).toEqual([])
})

describe.each([['first page', zh, en], ['other pages', restZh, restEn], ['draw', drawZh, drawEn], ['console', consoleZh, consoleEn]] as const)('texts of the %s', (_, chinese, english) => {
  const zhLeaves = new Map(leaves(chinese))
  const enLeaves = new Map(leaves(english))
  it('have the same keys in both languages', () => {
    expect([...enLeaves.keys()].sort()).toEqual([...zhLeaves.keys()].sort())
  })
  it('say something, with the same values in them', () => {
    for (const [key, text] of zhLeaves) {
      expect(text, key).not.toBe('')
      expect(placeholders(enLeaves.get(key)!), key).toEqual(placeholders(text))
    }
  })
  it('never promise what one may not promise, nor what is not built', () => {
    expect([...zhLeaves, ...enLeaves].filter(([key, text]) => !TOLD.test(key) && promises(text))).toEqual([])
  })
})

/** All source files of a crate. */
function sources(crate: string): string[] {
  const root = join(import.meta.dirname, `../../crates/${crate}/src`)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.rs'))
  return files.map((file) => readFileSync(join(root, file), 'utf8'))
}

const problems = { ...zh.problem, ...restZh.problem }

it('have a sentence for every refusal', () => {
  // Every enum of refusals has one function that names all of its codes.
  const functions = sources('domain').flatMap((source) => [...source.matchAll(/pub fn code\(&self\) -> &'static str \{([\s\S]*?)\n {4}\}\n/g)].map((match) => match[1]!))
  expect(functions.length).toBeGreaterThan(6)
  const codes = functions.flatMap((body) => [...body.matchAll(/"([a-z_]+)"/g)].map((match) => match[1]!))
  expect(codes.length).toBeGreaterThan(100)
  expect(codes.filter((code) => !(code in problems))).toEqual([])
})

it('have a sentence for every problem of the server', () => {
  // Problems, items of gateways' batches, names of what is unknown, and codes that have a name of their own.
  const made = /(?:bad_request|unauthorized|not_found|conflict|unprocessable|Problem::new|refused|const (?:UNKNOWN|CODE|LOST): &(?:'static )?str =)\(?\s*(?:StatusCode::\w+,\s*)?"([a-z_]+)"/g
  const codes = sources('server').flatMap((source) => [...source.matchAll(made)].map((match) => match[1]!))
  expect(codes).toContain('member_not_served')
  expect(codes).toContain('seed_real_channel')
  expect(codes).toContain('group_unknown')
  expect(codes.length).toBeGreaterThan(20)
  expect([...new Set(codes)].filter((code) => !(code in problems))).toEqual([])
})

it('name every reason for which money comes back', () => {
  const named = /(?:Bounce|Closing|RefundReason)::\w+ => "([a-z_]+)"/g
  const reasons = [...sources('domain'), ...sources('views')].flatMap((source) => [...source.matchAll(named)].map((match) => match[1]!))
  expect(reasons).toContain('money_limit')
  expect(reasons).toContain('bill_reversed')
  expect(reasons.filter((reason) => !(reason in restZh.reason))).toEqual([])
})

it('show an unknown code by what the server says, else plainly', async () => {
  await useLocale('en')
  expect(problemText(new ApiError(409, 'group_full', 'x'))).toBe(restEn.problem.group_full)
  expect(problemText(new ApiError(409, 'something_new', 'The moon is full'))).toBe('The moon is full')
  expect(problemText(new ApiError(500, 'something_new', ''))).toBe(en.problem.fault)
  expect(problemText(new ApiError(422, 'campaign_invalid', 'group.seats must be between 2 and 10000'))).toContain('group.seats must be')
  expect(reasonText('leader_gone')).toBe(restEn.reason.leader_gone)
  expect(reasonText('because')).toBe('because')
  await useLocale('zh')
  expect(problemText(new ApiError(0, 'offline', ''))).toBe(zh.problem.offline)
})
