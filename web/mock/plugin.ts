//! Answers /api/v1 from a made-up shop while developing. Never part of a build.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import type * as T from '../src/types'
import * as world from './world'

const ME = '1001'
const codes: T.DemoCode[] = []
let capital = 50_000

class Problem extends Error {
  constructor(readonly status: number, readonly code: string, detail = code) { super(detail) }
}

export function mock(): Plugin {
  return {
    name: 'potluck-mock',
    apply: 'serve',
    async configureServer(server) {
      await world.seed(ME)
      server.middlewares.use(serve)
    },
    async configurePreviewServer(server) {
      await world.seed(ME)
      server.middlewares.use(serve)
    },
  }
}

/** What a built page must live with: nothing from elsewhere, no inline script. Naive UI writes style elements. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

function serve(request: IncomingMessage, response: ServerResponse, next: () => void) {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (process.env.POTLUCK_MOCK === 'csp') response.setHeader('Content-Security-Policy', POLICY)
  if (url.pathname.startsWith('/mock-pay/')) void payPage(url, response)
  else if (url.pathname.startsWith('/api/v1')) void answer(request, response, url)
  else next()
}

async function payPage(url: URL, response: ServerResponse) {
  const id = url.pathname.split('/')[2]!
  if (url.searchParams.has('paid')) {
    await world.pay(id)
    response.writeHead(302, { Location: `/pay/return?payment=${id}` }).end()
    return
  }
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(`<meta name=viewport content="width=device-width"><h1>沙箱付款</h1><p>${id}</p><a href="?paid=1">付款 / Pay</a>`)
}

async function answer(request: IncomingMessage, response: ServerResponse, url: URL) {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {}
    const path = url.pathname.slice('/api/v1'.length)
    if (request.method === 'POST' && !request.headers['idempotency-key']) throw new Problem(400, 'idempotency_key_missing')
    if (path.endsWith('/events')) {
      events(path.split('/')[2]!, request, response)
      return
    }
    const result = await route(request.method ?? 'GET', path, url.searchParams, body, request, response)
    if (typeof result === 'string') response.writeHead(200, { 'Content-Type': 'text/plain' }).end(result)
    else response.writeHead(result === undefined ? 204 : 200, { 'Content-Type': 'application/json' }).end(result === undefined ? '' : JSON.stringify(result))
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(500, 'fault', String(error))
    response.writeHead(problem.status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify({ type: 'about:blank', title: problem.code, status: problem.status, code: problem.code, detail: problem.message }))
  }
}

function events(id: string, request: IncomingMessage, response: ServerResponse) {
  const group = world.groupOf(id)
  if (!group) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  const send = () => {
    const { state, paid, held } = world.card(group)
    response.write(`event: group\ndata: ${JSON.stringify({ seq: '1', state, paid, held })}\n\n`)
  }
  send()
  request.on('close', world.listen(id, send))
}

const page = <I>(items: I[]) => ({ items, next: null })
const cookie = (request: IncomingMessage, name: string) => request.headers.cookie?.includes(`${name}=1`) ?? false

async function route(method: string, path: string, query: URLSearchParams, body: any, request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const who = cookie(request, 'mock_member') ? ME : null
  const mine = () => { if (who === null) throw new Problem(401, 'not_signed_in'); return who }
  const operator = () => { if (!cookie(request, 'mock_operator')) throw new Problem(401, 'not_signed_in'); return true }
  const [, noun, id, sub, file] = path.split('/')
  const found = <X>(value: X | undefined, code: string): X => { if (value === undefined) throw new Problem(404, code); return value }
  const group = () => found(world.groupOf(id!), 'group_unknown')
  const me = (): T.Member => ({ id: ME, invite_code: world.members[ME]!.code, phone_masked: '138****8000', name: null, demo: true, inviter: null, vip: 1,
    wallet: { available: world.balance(ME, 'available'), vesting: world.balance(ME, 'vesting'), in_groups: world.balance(ME, 'in_groups'), coins: world.balance(ME, 'coins') } })
  const started = (seat: ReturnType<typeof world.reserve>, g: world.MockGroup) => ({ id: seat.payment, pay_url: `${request.headers.origin ?? ''}/mock-pay/${seat.payment}`, pay_by: world.iso(seat.payBy), amount: world.card(g).price })

  switch (`${method} /${noun}${id === undefined ? '' : '/:'}${sub === undefined ? '' : `/${sub}`}`) {
    case 'GET /platform': return { name: 'Potluck', version: '0.1.0', demo: true, log_origin: 'shop.example/log1', source: 'local', profile_note: null, languages: ['zh', 'en'] }
    case 'POST /sign-in/:': codes.unshift({ phone: body.phone, code: String(100000 + Math.floor(Math.random() * 900000)), at: world.iso(Date.now()) }); return {}
    case 'POST /sign-in': if (body.code === '000000') throw new Problem(422, 'code_wrong'); response.setHeader('Set-Cookie', 'mock_member=1; Path=/'); return { member: me() }
    case 'POST /sign-out': response.setHeader('Set-Cookie', 'mock_member=0; Path=/; Max-Age=0'); return undefined
    case 'GET /demo/:': return page(codes.filter((code) => code.phone === query.get('phone')))
    case 'GET /me': mine(); return me()
    case 'GET /me/:': {
      mine()
      if (id === 'orders') return page(world.orders.filter((order) => order.member === ME))
      return page(world.groups.flatMap((g) => g.seats.filter((seat) => seat.member === ME).map((seat) => ({ group: world.card(g), seat: { payment: seat.payment, state: seat.state, seat_no: seat.no, pay_by: world.iso(seat.payBy), paid_at: seat.paidAt && world.iso(seat.paidAt) },
        outcome: ['won', 'lost', 'refunded'].includes(seat.state) ? seat.state : null, reason: seat.state === 'refunded' ? 'not_full' : null }))).reverse())
    }
    case 'GET /me/:/lines': return page((world.linesOf.get(mine()) ?? []).filter((line) => line.account === query.get('account')))
    case 'GET /campaigns': return page(world.campaigns.map(world.campaignCard))
    case 'GET /campaigns/:': return world.campaignPage(found(world.campaignOf(id!), 'campaign_unknown'))
    case 'GET /campaigns/:/published': return found(world.campaignOf(id!), 'campaign_unknown').text
    case 'GET /campaigns/:/groups': return page(world.groups.filter((g) => g.campaign === id && (!query.get('state') || g.state === query.get('state'))).map(world.card))
    case 'POST /campaigns/:': return check(body)
    case 'POST /campaigns': { operator(); const made = world.publish(body); return { id: made.id, hash: made.hash, seq: '9' } }
    case 'POST /campaigns/:/groups': { const g = world.openGroup(id!, mine()); return { group: g.id, payment: started(world.reserve(g, ME), g), seq: '9' } }
    case 'GET /groups/:': return world.view(group(), who)
    case 'POST /groups/:/seats': { const g = group(); if (g.state !== 'open') throw new Problem(409, 'group_not_open'); return { payment: started(world.reserve(g, mine()), g), seq: '9' } }
    case 'POST /groups/:/leave': world.leave(group(), mine()); return { seq: '9' }
    case 'POST /groups/:/cancel': operator(); group().state = 'cancelled'; return { seq: '9' }
    case 'GET /payments/:': {
      const g = found(world.groups.find((one) => one.seats.some((seat) => seat.payment === id)), 'payment_unknown')
      const seat = g.seats.find((one) => one.payment === id)!
      return { id, state: seat.state === 'reserved' ? 'waiting' : 'paid', amount: world.card(g).price, pay_url: `/mock-pay/${id}`, pay_by: world.iso(seat.payBy), group: g.id, reason: null }
    }
    case 'GET /groups/:/draw': {
      if (file === undefined) return world.drawInfo(group(), who)
      const text = group().draw[file as T.DrawFile]
      if (text === null) throw new Problem(404, 'draw_file_absent')
      return text
    }
    case 'POST /orders/:/receive': found(world.orders.find((order) => order.id === id), 'order_unknown').state = 'received'; return { seq: '9' }
    case 'POST /orders/:/ship': Object.assign(found(world.orders.find((order) => order.id === id), 'order_unknown'), { state: 'shipped', ...body }); return { seq: '9' }
    case 'POST /operator/:': if (id === 'sign-out') { response.setHeader('Set-Cookie', 'mock_operator=0; Path=/; Max-Age=0'); return undefined } if (body.password === 'wrong') throw new Problem(401, 'credentials_wrong'); response.setHeader('Set-Cookie', 'mock_operator=1; Path=/'); return { name: body.name }
    case 'GET /operator/:': operator(); return { name: 'operator' }
    case 'GET /console/:': operator(); if (id === 'orders') return page(world.orders); return page(world.groups.filter((g) => !query.get('state') || g.state === query.get('state')).map(world.card).reverse())
    case 'POST /capital': capital += Number(body.amount); return { seq: '9' }
    case 'GET /books': operator(); return books()
    case 'GET /ledger': operator(); return page([{ id: '1', seq: '3', at: world.iso(Date.now()), account: 'channel', holder: null, asset: 'CNY', debit: '100.00', credit: '0.00', event: 'payment_accepted' }, { id: '2', seq: '3', at: world.iso(Date.now()), account: 'escrow', holder: '101', asset: 'CNY', debit: '0.00', credit: '100.00', event: 'payment_accepted' }])
    default: throw new Problem(404, 'not_found')
  }
}

function check(file: T.CampaignFile): T.CheckAnswer {
  if (!file.name?.zh) return { ok: false, solvency: null, problem: { code: 'campaign_invalid', detail: 'name.zh must not be empty', field: 'name.zh' }, shortfall: null }
  const solvency = world.solvency(file)
  if (!solvency.platform_worst.startsWith('-')) return { ok: true, solvency, problem: null, shortfall: null }
  return { ok: false, solvency, problem: { code: 'campaign_not_solvent', detail: `short by ${solvency.platform_worst.slice(1)}` },
    shortfall: { term: 'rewards', program: 'consolation', by: solvency.platform_worst.slice(1), nearest: { winners: (file.group.winners ?? 1) + 1, price: String(Number(file.group.price) + 100) + '.00', consolation: '1.00' } } }
}

function books(): T.Books {
  const row = (account: string, debit: string, credit: string, asset = 'CNY') => ({ account, asset, debit, credit })
  return { trial_balance: [row('channel', `${capital}.00`, '0.00'), row('escrow', '0.00', '6500.00'), row('available', '0.00', '120.00'), row('vesting', '0.00', '2.60'), row('suppliers', '0.00', '180.00'), row('refunds-due', '0.00', '400.00'), row('capital', '0.00', `${capital - 7200}.00`), row('sales', '0.00', '400.00'), row('cost-of-goods', '180.00', '0.00'), row('rewards', '222.60', '0.00'), row('coins-issued', '72.00', '0.00', 'COIN'), row('coins', '0.00', '72.00', 'COIN')],
    totals: { CNY: '0.00', COIN: '0.00' }, held: `${capital}.00`, owed: [{ kind: 'escrow', amount: '6500.00' }, { kind: 'refunds-due', amount: '400.00' }, { kind: 'suppliers', amount: '180.00' }, { kind: 'available', amount: '120.00' }, { kind: 'vesting', amount: '2.60' }], own: `${capital - 7203}.40`, coins_outstanding: '72.00', in_flight_refunds: '400.00', alarm: false }
}
