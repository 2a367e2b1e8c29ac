import { createRouter, createWebHistory } from 'vue-router'
import { type Part, addPart, restTexts } from './i18n'
import { keepInvite } from './invite'
import CampaignList from './pages/CampaignList.vue'
import { loadMember } from './session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Needs a member; others are sent to sign in and back. */
    member?: true
    /** Shows the bar of main pages. */
    tabs?: true
    /** The operator's console, without the shop around it. */
    console?: true
  }
}

const consoleTexts: Part = async (locale) =>
  locale === 'zh' ? (await import('./console/texts-zh')).consoleZh : (await import('./console/texts-en')).consoleEn
const drawTexts: Part = async (locale) =>
  locale === 'zh' ? (await import('./i18n/draw-zh')).drawZh : (await import('./i18n/draw-en')).drawEn

/** A page together with the texts that the first page does without, and with its own. */
async function withTexts<T>(page: Promise<T>, ...own: Part[]): Promise<T> {
  const [component] = await Promise.all([page, ...[restTexts, ...own].map(addPart)])
  return component
}

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', component: CampaignList, meta: { tabs: true } },
    { path: '/c/:id', component: () => withTexts(import('./pages/CampaignPage.vue')), props: true },
    { path: '/g/:id', component: () => withTexts(import('./pages/GroupPage.vue')), props: true },
    { path: '/g/:id/draw', component: () => withTexts(import('./pages/DrawPage.vue'), drawTexts), props: true },
    { path: '/pay/return', component: () => withTexts(import('./pages/PayReturn.vue')) },
    { path: '/groups', component: () => withTexts(import('./pages/MyGroups.vue')), meta: { tabs: true, member: true } },
    { path: '/wallet', component: () => withTexts(import('./pages/WalletPage.vue')), meta: { tabs: true, member: true } },
    { path: '/orders', component: () => withTexts(import('./pages/OrdersPage.vue')), meta: { member: true } },
    { path: '/me', component: () => withTexts(import('./pages/MePage.vue')), meta: { tabs: true } },
    { path: '/me/notices', component: () => withTexts(import('./pages/NoticesPage.vue')), meta: { member: true } },
    { path: '/me/delivery', component: () => withTexts(import('./pages/DeliveryPage.vue')), meta: { member: true } },
    { path: '/me/region', component: () => withTexts(import('./pages/RegionPage.vue')), meta: { member: true } },
    { path: '/sign-in', component: () => withTexts(import('./pages/SignIn.vue')) },
    { path: '/demo/inbox', component: () => withTexts(import('./pages/DemoInbox.vue')) },
    {
      path: '/console',
      component: () => withTexts(import('./console/ConsoleShell.vue'), consoleTexts),
      meta: { console: true },
      children: [
        { path: '', redirect: '/console/groups' },
        { path: 'groups', component: () => import('./console/GroupsPage.vue') },
        { path: 'campaigns', component: () => import('./console/CampaignsPage.vue') },
        { path: 'campaigns/new', component: () => import('./console/CampaignForm.vue') },
        { path: 'orders', component: () => import('./console/OrdersPage.vue') },
        { path: 'books', component: () => import('./console/BooksPage.vue') },
        { path: 'ledger', component: () => import('./console/LedgerPage.vue') },
      ],
    },
    { path: '/:rest(.*)*', component: () => withTexts(import('./pages/NotFound.vue')) },
  ],
})

router.beforeEach(async (to) => {
  keepInvite(to.query.via, to.path)
  if (!to.meta.member) return true
  try {
    if ((await loadMember()) !== null) return true
  } catch {
    // No answer: let the page itself show what is wrong, with its own retry.
    return true
  }
  return { path: '/sign-in', query: { next: to.fullPath }, replace: true }
})

/** Only paths of our own may follow a sign-in. */
export function safeNext(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}

// After an update the old chunks are gone: load the page anew, once.
router.onError((error, to) => {
  const gone = /dynamically imported module|Importing a module script failed/.test(String(error))
  if (gone && !to.query.reloaded) location.assign(`${to.path}?reloaded=1`)
})
