import vue from '@vitejs/plugin-vue'
import { defineConfig, type PluginOption } from 'vite'

/** The server that answers during development; `POTLUCK_MOCK=1` uses the made-up one in mock/ instead. */
const server = process.env.POTLUCK_SERVER ?? 'http://127.0.0.1:8080'

export default defineConfig(async () => {
  const plugins: PluginOption[] = [vue()]
  if (process.env.POTLUCK_MOCK) plugins.push((await import('./mock/plugin')).mock())
  return {
    plugins,
    define: {
      __VUE_I18N_FULL_INSTALL__: 'false',
      __VUE_I18N_LEGACY_API__: 'false',
      __INTLIFY_PROD_DEVTOOLS__: 'false',
      __VUE_OPTIONS_API__: 'false',
    },
    build: { target: 'es2022', assetsInlineLimit: 0 },
    server: { proxy: process.env.POTLUCK_MOCK ? undefined : { '/api': server, '/openapi.json': server } },
  }
})
