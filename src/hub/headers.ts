/** Headers of every answer. */
export const commonHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), midi=()',
} as const

const policy = (directives: Readonly<Record<string, readonly string[]>>): string =>
  Object.entries(directives).map(([name, values]) => [name, ...values].join(' ')).join('; ')

/**
 * What the app may load and run: its own files, and connections to this hub under each of its origins.
 * WebRTC is not covered by it. Svelte and the service worker's registration use the two Trusted Types policies.
 */
export const appPolicy = (origins: readonly string[]): string =>
  policy({
    'default-src': ["'none'"],
    'script-src': ["'self'", "'wasm-unsafe-eval'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'blob:', 'data:'],
    'font-src': ["'self'"],
    'connect-src': ["'self'", ...origins, ...origins.map((origin) => origin.replace(/^http/, 'ws'))],
    'worker-src': ["'self'"],
    'manifest-src': ["'self'"],
    'frame-ancestors': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'require-trusted-types-for': ["'script'"],
    'trusted-types': ['svelte-trusted-html', 'millpond'],
  })

/** The page on plain HTTP has one style sheet and no script. */
export const trustPolicy = policy({ 'default-src': ["'none'"], 'style-src': ["'self'"], 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"], 'form-action': ["'none'"] })

/** Files with a hash in their name never change; everything else is asked for again. */
export const cacheControl = (urlPath: string): string => (urlPath.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache')
