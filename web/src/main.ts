import 'vant/es/style/base.css'
import './styles.css'
import { createApp } from 'vue'
import App from './App.vue'
import { i18n, preferredLocale, useLocale } from './i18n'
import { router } from './router'

async function start(): Promise<void> {
  await useLocale(preferredLocale())
  const app = createApp(App).use(i18n).use(router)
  // The first page decides whether the shop or the console stands around it.
  await router.isReady()
  app.mount('#app')
}

void start()
