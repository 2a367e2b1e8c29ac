import 'vant/es/style/base.css'
import './styles.css'
import { createApp } from 'vue'
import App from './App.vue'
import { i18n, preferredLocale, useLocale } from './i18n'
import { router } from './router'

void useLocale(preferredLocale()).then(() => {
  createApp(App).use(i18n).use(router).mount('#app')
})
