// Walks through a running demonstration with a browser, as a member and as an operator: signs in by the demo inbox,
// leaves a group that was paid while the channel sends nothing back, joins another, pays in the sandbox, waits for the draw, has it recomputed, and opens every page in both languages.
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

/** Pays what the sandbox asks for, once the way there is open, and answers where the sandbox is; false if it did not open. */
async function pay(page, group) {
  const left = await page.waitForURL((url) => !url.href.startsWith(base), { timeout: 5000 }).then(() => true, () => false)
  if (!left) return false
  const { origin } = new URL(page.url())
  await page.locator('button[type=submit], button').first().click()
  await page.waitForURL(group, { timeout: 20_000 })
  return origin
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
  const order_no = `${group.slice(3)}-0`
  const refunds = (refund) => page.request.post(`${sandbox}/sandbox/faults`, { data: { order_no, faults: refund ? {} : { refund: { kind: 'error_before' } } } })
  check((await refunds(false)).ok(), `refunds of ${order_no} fail`)
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
  check((await refunds(true)).ok(), `refunds of ${order_no} go through again`)
  for (let tries = 0; tries < 300 && (await mine())[0] !== 'refunded'; tries += 1) await page.waitForTimeout(200)
  check((await mine()).every((state) => state === 'refunded'), `the seat of ${group} is refunded`)
  await page.locator('.way-back:not(.due)').waitFor({ timeout: 20_000 }).catch(() => check(false, `the page of ${group} does not notice its refund`))
  await look('back')
  await visit('refunded', '/wallet?account=in_groups', '.lines .list-row')
  const amounts = await page.locator('.lines .list-row b').allTextContents()
  const fen = amounts.map((text) => Number(text.replace('−', '-').replace(/[^0-9-]/g, '')))
  check(fen.length === 2 && fen[0] + fen[1] === 0, `the wallet's history shows payment and refund: ${amounts.join(' ')}`)
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

const MEMBER = [['list', '/', '.offer'], ['groups', '/groups', '.entry'], ['wallet', '/wallet', '.lines'], ['orders', '/orders', 'h1'], ['me', '/me', '.menu'], ['missing', '/nope', '.empty']]
const CONSOLE = [['c-groups', '/console/groups', 'table'], ['c-campaigns', '/console/campaigns', 'table'], ['c-form', '/console/campaigns/new', 'dl'], ['c-orders', '/console/orders', 'table'], ['c-books', '/console/books', 'table'], ['c-ledger', '/console/ledger', 'table']]

const first = await open('zh-CN', 375, 812)
// A new member each time: codes to one phone are limited.
await signIn(first, `138${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}`)
await leaveOnce(first)
const { group, campaign } = await joinAndPay(first)
await drawn(first, group)
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
