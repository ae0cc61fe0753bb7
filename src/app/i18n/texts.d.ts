/** A catalogue as the build compiles it: see `texts` in `vite.config.ts`. */
declare module '*.ts?compiled' {
  import type { Texts } from './words.svelte.ts'

  export const texts: Texts
}
