// Takes pictures of every page from a running development server, for people to look at.
// node scripts/look.mjs BASE OUT [only]
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

const [base = 'http://127.0.0.1:5173', out = '/tmp/potluck-look', only = ''] = process.argv.slice(2)
mkdirSync(out, { recursive: true })
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args })

const member = {
  list: '/', campaign: '/c/2', group: '/g/G_OPEN', mine: '/g/G_RESERVED', lost: '/g/G_LOST', won: '/g/G_WON', draw: '/g/G_LOST/draw', groups: '/groups',
  wallet: '/wallet', orders: '/orders', me: '/me', missing: '/nope', inbox: '/demo/inbox?phone=13800138000',
}
const console_ = { 'c-groups': '/console/groups', 'c-form': '/console/campaigns/new', 'c-campaigns': '/console/campaigns', 'c-orders': '/console/orders', 'c-books': '/console/books', 'c-ledger': '/console/ledger' }

async function groupIds(page) {
  const { items } = await (await page.request.get(`${base}/api/v1/me/groups?limit=100`)).json()
  const of = (test) => items.find(test)?.group.id ?? items[0]?.group.id
  return {
    G_OPEN: of((mine) => mine.group.state === 'open' && mine.seat.state === 'paid'),
    G_RESERVED: of((mine) => mine.seat.state === 'reserved'),
    G_LOST: of((mine) => mine.outcome === 'lost'),
    G_WON: of((mine) => mine.outcome === 'won'),
  }
}

for (const [locale, width, height] of [['zh-CN', 375, 812], ['en-GB', 375, 812], ['zh-CN', 1440, 900], ['en-GB', 1440, 900]]) {
  const context = await browser.newContext({ locale, viewport: { width, height }, deviceScaleFactor: width < 500 ? 2 : 1 })
  const page = await context.newPage()
  const problems = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(String(error)))
  const shot = async (name, path) => {
    if (only && !name.match(only)) return
    await page.goto(base + path)
    await page.waitForTimeout(900)
    const file = `${out}/${name}-${locale.slice(0, 2)}-${width}.png`
    await page.screenshot({ path: file, fullPage: true })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    console.log(file, wide > 0 ? `OVERFLOW ${wide}px` : '', problems.splice(0).join(' | '))
  }
  await shot('signin', '/sign-in?via=K2001Q7M')
  const post = (path, data) => page.request.post(`${base}/api/v1${path}`, { data, headers: { 'Idempotency-Key': String(Math.random()) } })
  await post('/sign-in', { phone: '13800138000', code: '123456' })
  const ids = await groupIds(page)
  for (const [name, path] of Object.entries(member)) await shot(name, path.replace(/G_[A-Z]+/, (key) => ids[key]))
  await shot('c-signin', '/console')
  await post('/operator/sign-in', { name: 'operator', password: 'demo' })
  for (const [name, path] of Object.entries(console_)) await shot(name, path)
  await context.close()
}
await browser.close()
