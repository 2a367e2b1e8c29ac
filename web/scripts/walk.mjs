// Walks through a running demonstration with a browser, as a member and as an operator: signs in by the demo inbox,
// leaves a group that was paid while the channel sends nothing back, joins another, pays in the sandbox, waits for the draw, has it recomputed, and opens every page in both languages.
// With an operator it also publishes a campaign in which everyone buys and one with a bonus draw, lives through both, and returns a product.
// Fails on anything a page complains about, on a page wider than the phone, and on a draw that does not agree.
//
// node scripts/walk.mjs BASE [DIRECTORY FOR PICTURES]      POTLUCK_OPERATOR=name:password for the console, too
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

const [base = 'http://127.0.0.1:8080', pictures] = process.argv.slice(2)
const [operator, password] = (process.env.POTLUCK_OPERATOR ?? '').split(/:(.*)/s)
const DRAWN_WITHIN_MS = 90_000
const SCREENS = [['zh-CN', 375, 812], ['en-GB', 375, 812], ['zh-CN', 1440, 900], ['en-GB', 1440, 900]]
const failures = []
const check = (good, what) => {
  if (!good) failures.push(what)
  console.log(good ? 'ok  ' : 'FAIL', what)
}
if (pictures) mkdirSync(pictures, { recursive: true })

const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args })

async function open(locale, width, height) {
  const context = await browser.newContext({ locale, viewport: { width, height }, deviceScaleFactor: width < 500 ? 2 : 1 })
  const page = await context.newPage()
  const complaints = []
  page.on('console', (message) => {
    // "Not signed in" is how a page finds out; 422 is the sign-in's first try with the invite code that is nobody's.
    if (['error', 'warning'].includes(message.type()) && !/401 \(Unauthorized\)|422 \(Unprocessable/.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  const look = async (name) => {
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    const said = complaints.splice(0)
    check(wider <= 0 && said.length === 0, `${name} ${locale} ${width}: ${wider > 0 ? `${wider} px too wide ` : ''}${said.join(' | ')}`)
    if (pictures) await page.screenshot({ path: `${pictures}/${name}-${locale.slice(0, 2)}-${width}.png`, fullPage: true })
  }
  const visit = async (name, path, ready) => {
    await page.goto(base + path)
    await page.locator(ready).first().waitFor({ timeout: 15_000 }).catch(() => check(false, `${name}: ${ready} never appeared`))
    await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => undefined)
    await look(name)
  }
  return { context, page, look, visit }
}

async function signIn({ page, look }, phone) {
  // A link with a code that is nobody's must not keep anybody out.
  await page.goto(`${base}/sign-in?via=NOBODY`)
  await page.fill('input[type=tel]', phone)
  await look('sign-in')
  const sent = page.waitForResponse((answer) => answer.url().endsWith('/sign-in/codes'))
  await page.locator('.with button').click()
  check((await sent).ok(), 'a code is sent')
  await page.locator('a.demo').click()
  await page.locator('.sms a').first().waitFor()
  await look('inbox')
  await page.locator('.sms a').first().click()
  await page.locator('button[type=submit]').click()
  await page.locator('.offer').first().waitFor()
}

/** Pays what the sandbox asks for, once the way there is open, and answers where the sandbox is and what it calls the order; false if it did not open. */
async function pay(page, group) {
  const left = await page.waitForURL((url) => !url.href.startsWith(base), { timeout: 5000 }).then(() => true, () => false)
  if (!left) return false
  const { origin } = new URL(page.url())
  const returned = page.waitForRequest(/\/pay\/return\?/)
  await page.locator('button[type=submit], button').first().click()
  const order_no = new URL((await returned).url()).searchParams.get('payment')
  await page.waitForURL(group, { timeout: 20_000 })
  return { origin, order_no }
}

async function campaigns(page) {
  const { items } = await (await page.request.get(`${base}/api/v1/campaigns`)).json()
  return items.sort((a, b) => a.seats - b.seats)
}

/** The pages of a member whose money is on its way back. */
async function dueEverywhere({ page, visit }, group) {
  const { wallet } = await (await page.request.get(`${base}/api/v1/me`)).json()
  check(wallet.in_groups === '0.00' && wallet.refunds_due !== '0.00', `the money is on its way back: ${JSON.stringify(wallet)}`)
  await visit('due', group, '.way-back.due')
  await visit('due-groups', '/groups', '.entry .due')
  await visit('due-wallet', '/wallet', '.due .list-row')
}

/**
 * Opens a group of the largest campaign, which does not fill while we look, pays, and leaves it again while the channel
 * does not send the money back; then it does.
 */
async function leaveOnce(walk) {
  const { page, context, look, visit } = walk
  const largest = (await campaigns(page)).at(-1)
  await page.goto(`${base}/c/${largest.id}`)
  await page.locator('.bottom-bar .btn-main').click()
  await page.locator('.van-dialog__confirm').click()
  const sandbox = await pay(page, /\/g\/[0-9]+$/)
  check(sandbox, 'a group is opened and paid')
  const group = new URL(page.url()).pathname
  const mine = async () => (await (await page.request.get(`${base}/api/v1/groups${group.slice(2)}`)).json()).mine.map((seat) => seat.state)
  await page.locator('button.leave').waitFor()
  check((await mine()).includes('paid'), `the seat of ${group} is paid`)
  await look('own')
  check(await refunds(page, sandbox, false), `refunds of ${sandbox.order_no} fail`)
  await page.locator('button.leave').click()
  await page.locator('.van-dialog__confirm').click()
  await page.locator('.stage.cancelled').waitFor({ timeout: 15_000 }).catch(() => check(false, `${group} is not cancelled though its leader left`))
  await page.locator('.van-dialog').waitFor({ state: 'hidden' })
  check((await mine()).every((state) => state === 'refund_due'), `the refund of ${group} is due`)
  await look('left')
  for (const [locale, width, height] of SCREENS) {
    const other = await open(locale, width, height)
    await other.context.addCookies((await context.storageState()).cookies)
    await dueEverywhere(other, group)
    await other.context.close()
  }
  check(await refunds(page, sandbox, true), `refunds of ${sandbox.order_no} go through again`)
  for (let tries = 0; tries < 300 && (await mine())[0] !== 'refunded'; tries += 1) await page.waitForTimeout(200)
  check((await mine()).every((state) => state === 'refunded'), `the seat of ${group} is refunded`)
  await page.locator('.way-back:not(.due)').waitFor({ timeout: 20_000 }).catch(() => check(false, `the page of ${group} does not notice its refund`))
  await look('back')
  await visit('refunded', '/wallet?account=in_groups', '.lines .list-row')
  const amounts = await page.locator('.lines .list-row b').allTextContents()
  const fen = amounts.map((text) => Number(text.replace('−', '-').replace(/[^0-9-]/g, '')))
  check(fen.length === 2 && fen[0] + fen[1] === 0, `the wallet's history shows payment and refund: ${amounts.join(' ')}`)
}

/** Has the sandbox send back the money of an order, or fail to; answers whether it will. */
async function refunds(page, { origin, order_no }, works) {
  const answer = await page.request.post(`${origin}/sandbox/faults`, { data: { order_no, faults: works ? {} : { refund: { kind: 'error_before' } } } })
  return answer.ok()
}

/** A group that others can join, as a member sees it: with the bar to join by. */
async function openGroup({ page, look }) {
  for (const { id } of (await campaigns(page)).reverse()) {
    const { items } = await (await page.request.get(`${base}/api/v1/campaigns/${id}/groups?state=open`)).json()
    const free = items.find((one) => 0 < one.paid && one.paid + one.reserved < one.seats)
    if (free === undefined) continue
    await page.goto(`${base}/g/${free.id}`)
    await page.locator('.bottom-bar .btn-main').waitFor({ timeout: 5000 }).catch(() => undefined)
    await look('open')
    if ((await page.locator('.stage.open').count()) === 0) continue
    check((await page.locator('.bottom-bar .btn-main').count()) === 1, `group ${free.id} can be joined`)
    return
  }
  check(false, 'no open group with a free place was found')
}

/** Joins a group of the smallest campaign and pays; answers its address. */
async function joinAndPay({ page, look }) {
  const [smallest] = await campaigns(page)
  await page.goto(`${base}/c/${smallest.id}`)
  await page.locator('.bottom-bar .btn-main').waitFor()
  await look('campaign')
  // The crowd fills groups while we look: try until a place is ours.
  for (let tries = 0; tries < 20; tries += 1) {
    await page.goto(`${base}/c/${smallest.id}`)
    await page.locator('.bottom-bar .btn-main').waitFor()
    const row = page.locator('a.list-row').first()
    if ((await row.count()) === 0) {
      await page.waitForTimeout(1000)
      continue
    }
    await row.click()
    await page.locator('.stage').waitFor()
    const join = page.locator('.bottom-bar .btn-main')
    if ((await join.count()) === 0) continue
    const group = new URL(page.url()).pathname
    await join.click()
    if (!(await pay(page, `${base}${group}`))) continue
    return { group, campaign: smallest.id }
  }
  throw new Error('no place could be had in 20 tries')
}

async function drawn({ page, look, visit }, group) {
  await page.locator('.stage').waitFor()
  await look('group')
  await page.locator('.stage.settled').waitFor({ timeout: DRAWN_WITHIN_MS })
  await look('result')
  await visit('draw', `${group}/draw`, '.verdict')
  const agrees = await page.locator('.verdict.agrees').count()
  check(agrees === 1, `the draw of ${group} agrees when recomputed in the browser`)
}

const phone = () => `138${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`
/** A page looked at again in every language and width, with the same cookies. */
async function everywhere({ context }, pages) {
  const { cookies } = await context.storageState()
  for (const [locale, width, height] of SCREENS) {
    const other = await open(locale, width, height)
    await other.context.addCookies(cookies)
    for (const [name, path, ready] of pages) await other.visit(name, path, ready)
    await other.context.close()
  }
}

async function operate() {
  const walk = await open('en-GB', 1440, 900)
  await walk.page.goto(`${base}/console`)
  await walk.page.locator('input').first().fill(operator)
  await walk.page.locator('input[type=password]').fill(password)
  await walk.page.locator('button[type=submit]').click()
  await walk.page.locator('.shell').waitFor()
  return walk
}

/** Publishes a campaign of two seats by the form, from one of its beginnings; answers its number. */
async function publish({ page, look }, preset, fields, kind) {
  await page.goto(`${base}/console/campaigns/new`)
  await page.locator('.c-head button', { hasText: preset }).click()
  if (kind) {
    await page.locator('.kind .n-base-selection').click()
    await page.locator('.n-base-select-option', { hasText: kind }).last().click()
  }
  for (const [label, value] of Object.entries(fields)) {
    const input = page.locator('.n-form-item', { hasText: label }).first().locator('input:not([type=radio])').first()
    await input.fill(value)
    await input.blur()
  }
  await look(`c-form-${preset.split(' ')[0]}`.toLowerCase())
  // The form asks the server a moment after the last key.
  await page.waitForTimeout(600)
  const ready = await page.locator('.acts button:last-child:enabled').waitFor({ timeout: 15_000 }).then(() => true, () => false)
  check(ready, `“${preset}” can be published: ${ready ? 'yes' : await page.locator('aside').innerText()}`)
  await page.locator('.acts button').last().click()
  const published = page.waitForResponse((answer) => new URL(answer.url()).pathname === '/api/v1/campaigns' && answer.request().method() === 'POST')
  await page.locator('.n-dialog input').fill('Texts and price seen')
  await page.locator('.n-dialog .n-button--warning-type').click()
  const answer = await published
  check(answer.status() === 201, `a campaign is published from “${preset}”: ${answer.status()}`)
  return (await answer.json()).id
}

/** Opens a group of two, has another member fill it, and waits for its end; answers its address and the sandbox's. */
async function fillTwo(leader, other, campaign) {
  await leader.visit('kind-campaign', `/c/${campaign}`, '.hero')
  await leader.page.locator('.bottom-bar .btn-main').click()
  await leader.page.locator('.van-dialog__confirm').waitFor()
  await leader.look('kind-ask')
  await leader.page.locator('.van-dialog__confirm').click()
  const sandbox = await pay(leader.page, /\/g\/[0-9]+$/)
  check(sandbox, `a group of campaign ${campaign} is opened and paid`)
  const group = new URL(leader.page.url()).pathname
  await leader.page.locator('.stage').waitFor()
  await leader.look('kind-open')
  await other.page.goto(base + group)
  // The crowd may have been faster.
  const join = other.page.locator('.bottom-bar .btn-main')
  if (await join.waitFor({ timeout: 5000 }).then(() => true, () => false)) {
    await join.click()
    await pay(other.page, /\/g\/[0-9]+$/)
  }
  await leader.page.locator('.stage.settled').waitFor({ timeout: DRAWN_WITHIN_MS })
  return { group, sandbox }
}

/** Everyone buys: bought, an order, and nothing said of a draw. */
async function everyoneBuys(leader, other, campaign) {
  const { group, sandbox } = await fillTwo(leader, other, campaign)
  check((await leader.page.locator('.stage.bought').count()) === 1, `the seat of ${group} is bought`)
  check((await leader.page.locator('a.how').count()) === 0, `no draw is offered for ${group}`)
  await everywhere(leader, [['everyone-campaign', `/c/${campaign}`, '.hero'], ['everyone-settled', group, '.stage.bought'], ['everyone-draw', `${group}/draw`, '.verdict'], ['everyone-groups', '/groups', '.entry']])
  const { items } = await (await leader.page.request.get(`${base}/api/v1/me/orders`)).json()
  const order = items.find((one) => `/g/${one.group}` === group)
  check(order?.state === 'paid', `there is an order of ${group}: ${order?.state}`)
  return { order: order?.id, group, sandbox }
}

/** A bonus draw: everyone has an order, one of them with the prize, and the draw agrees. */
async function bonusDraw(leader, other, campaign) {
  const { group } = await fillTwo(leader, other, campaign)
  const won = (await leader.page.locator('.stage.won_prize').count()) === 1
  check(won || (await leader.page.locator('.stage.bought').count()) === 1, `the seat of ${group} is bought, with the prize or without`)
  await everywhere(leader, [['bonus-campaign', `/c/${campaign}`, '.hero'], ['bonus-settled', group, '.stage.settled'], ['bonus-draw', `${group}/draw`, '.verdict'], ['bonus-orders', '/orders', '.steps']])
  await leader.visit('bonus-check', `${group}/draw`, '.verdict')
  check((await leader.page.locator('.verdict.agrees').count()) === 1, `the draw of ${group} agrees when recomputed in the browser`)
  const { items } = await (await leader.page.request.get(`${base}/api/v1/me/orders`)).json()
  const order = items.find((one) => `/g/${one.group}` === group)
  check(order !== undefined && (order.prize !== null) === won, `the order of ${group} ${won ? 'comes with' : 'is without'} the prize`)
}

/** The product comes, goes back, and its price with it. */
async function returnIt(leader, desk, { order, group, sandbox }) {
  await desk.visit('c-orders-paid', '/console/orders', 'table')
  const row = (page) => page.locator('tr', { has: page.locator('td:first-child', { hasText: new RegExp(`^${order}$`) }) })
  await row(desk.page).locator('button').click()
  await desk.page.locator('.n-modal input').first().fill('SF')
  await desk.page.locator('.n-modal input').last().fill('SF0001')
  await desk.page.locator('.n-modal button[type=submit]').click()
  await desk.page.locator('.n-modal').waitFor({ state: 'hidden' })
  const act = async (state) => {
    await leader.page.goto(`${base}/orders`)
    const card = leader.page.locator('.card', { has: leader.page.locator(`text=/\\b${order}$/`) })
    await card.locator('.act button').click()
    await leader.page.locator('.van-dialog__confirm').click()
    await card.locator(`[aria-current=step][data-state=${state}]`).waitFor({ timeout: 15_000 }).catch(() => check(false, `order ${order} is not shown as ${state}`))
    await leader.page.locator('.van-dialog').waitFor({ state: 'hidden' })
    await leader.look(`order-${state}`)
  }
  await act('received')
  await act('returning')
  await desk.visit('c-orders-returning', '/console/orders', 'table')
  check(await refunds(leader.page, sandbox, false), 'the channel sends nothing back for now')
  await row(desk.page).locator('button').click()
  await desk.page.locator('.n-dialog input').fill('It arrived whole')
  await desk.page.locator('.n-dialog .n-button--warning-type').click()
  await row(desk.page).filter({ hasText: 'Returned' }).waitFor({ timeout: 15_000 }).catch(() => check(false, `order ${order} is not back`))
  await leader.visit('order-returned', '/orders', '[aria-current=step][data-state=returned]')
  await everywhere(leader, [['returned-wallet', '/wallet', '.due .list-row'], ['returned-group', group, '.way-back.due'], ['returned-groups', '/groups', '.entry .due'], ['returned-orders', '/orders', '.steps']])
  check(await refunds(leader.page, sandbox, true), 'the channel sends money back again')
  const back = async () => {
    const { items } = await (await leader.page.request.get(`${base}/api/v1/me/groups`)).json()
    return items.some((one) => one.seat.payment_state === 'refunded' && one.reason === 'returned')
  }
  for (let tries = 0; tries < 150 && !(await back()); tries += 1) await leader.page.waitForTimeout(200)
  check(await back(), `the price of order ${order} has gone back`)
}

const MEMBER = [['list', '/', '.offer'], ['groups', '/groups', '.entry'], ['wallet', '/wallet', '.lines'], ['orders', '/orders', 'h1'], ['notices', '/me/notices', '.told'], ['me', '/me', '.menu'], ['missing', '/nope', '.empty']]
const CONSOLE = [['c-groups', '/console/groups', 'table'], ['c-campaigns', '/console/campaigns', 'table'], ['c-form', '/console/campaigns/new', 'dl'], ['c-orders', '/console/orders', 'table'], ['c-books', '/console/books', 'table'], ['c-ledger', '/console/ledger', 'table']]

const first = await open('zh-CN', 375, 812)
// A new member each time: codes to one phone are limited.
await signIn(first, phone())
await leaveOnce(first)
const { group, campaign } = await joinAndPay(first)
await drawn(first, group)
if (operator) {
  const other = await open('en-GB', 375, 812)
  await signIn(other, phone())
  const desk = await operate()
  const everyone = await publish(desk, 'Group buy', { 'Seats N': '2', 'Price P': '60.00' })
  await returnIt(first, desk, await everyoneBuys(first, other, everyone))
  const prize = { 'Prize (Chinese)': '手摇磨豆机', 'Prize (English)': 'Hand coffee grinder', 'Cost of a prize': '10.00', 'Seats N': '2' }
  await bonusDraw(first, other, await publish(desk, 'Five seats', prize, '+ prize'))
  await desk.visit('c-orders-prize', '/console/orders', 'table')
  await desk.context.close()
  await other.context.close()
}
const state = await first.context.storageState()
await first.context.close()

for (const [locale, width, height] of SCREENS) {
  const walk = await open(locale, width, height)
  await walk.context.addCookies(state.cookies)
  for (const [name, path, ready] of [...MEMBER, ['campaign', `/c/${campaign}`, '.hero'], ['settled', group, '.stage'], ['draw', `${group}/draw`, '.verdict']]) await walk.visit(name, path, ready)
  await openGroup(walk)
  await walk.visit('c-sign-in', '/console', 'form')
  if (operator) {
    await walk.page.locator('input').first().fill(operator)
    await walk.page.locator('input[type=password]').fill(password)
    await walk.page.locator('button[type=submit]').click()
    await walk.page.locator('.shell').waitFor()
    for (const [name, path, ready] of CONSOLE) await walk.visit(name, path, ready)
  }
  await walk.context.close()
}
await browser.close()
if (0 < failures.length) console.error(`${failures.length} failed:\n${failures.join('\n')}`)
process.exit(failures.length === 0 ? 0 : 1)
