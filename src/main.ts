import { mount } from 'svelte'
import App from './app/App.svelte'
import { loadTexts, Words } from './app/i18n/words.svelte.ts'
import { saveFile } from './app/state/archive-file.ts'
import { liveClock } from './app/state/clock.ts'
import { Install } from './app/state/install.svelte.ts'
import { Opening, type Floors, type Recovery } from './app/state/opening.svelte.ts'
import type { Leave } from './app/state/leaving.svelte.ts'
import { reloadOnce } from './app/state/reload-once.ts'
import { invitationIn, Places } from './app/state/place.svelte.ts'
import { readChoices } from './app/state/choices.ts'
import { Settings } from './app/state/settings.svelte.ts'
import { unfitFor } from './app/state/support.ts'
import { Updates } from './app/state/updates.svelte.ts'
import { thisWindow } from './app/this-window.ts'
import { keepApp } from './app/update.ts'
import { createWindowUses } from './app/window-uses.ts'
import { archiveOf, findStored, leaveSwarm, openNode, storedSwarm, wipeProfile, type Node, type OpenOptions } from './index.ts'
import './app/styles/tokens.css'
import './app/styles/base.css'
import './app/styles/crash.css'

declare global {
  /** The open node, for the browser console. */
  var millpond: Node | undefined
}

/** What the hub that served this page says of itself. */
const askHub = async (): Promise<unknown> => {
  const answer = await fetch('/config.json')
  return answer.ok ? answer.json() : undefined
}

const textsOf = (config: unknown, name: 'hubs' | 'stun'): readonly string[] => {
  const list = (config as Partial<Record<typeof name, unknown>> | undefined)?.[name]
  return Array.isArray(list) ? list.filter((text: unknown) => typeof text === 'string') : []
}

const updates = new Updates({ keep: keepApp, uses: createWindowUses(navigator.locks), window: thisWindow() })

/** The hub that served this page introduces; it is not waited for. */
const openFloor = async (options: OpenOptions): Promise<Node> => {
  const node = await openNode({ ...options, hubs: [location.origin], stunUrls: async () => textsOf(await askHub(), 'stun'), appId: 'millpond', software: 'millpond' })
  globalThis.millpond = node
  updates.follow(node)
  // An invitation is secret: it does not stay in the address.
  if (location.hash.startsWith('#join=')) history.replaceState(null, '', location.pathname)
  return node
}

const floors: Floors = {
  find: findStored,
  open: () => openFloor({}),
  begin: (name) => openFloor({ found: true, name }),
  join: (invitation, name) => openFloor({ invitation, name }),
}

/** Where other tablets find the app: where this one found it, and from the hub's own computer one of its addresses on the network. */
const addressForOthers = async (): Promise<string> => {
  if (!['localhost', '127.0.0.1', '[::1]'].includes(location.hostname)) return `${location.origin}/`
  // With the hub off the link is still good as a code: a tablet that has the app looks only at what stands behind #.
  const config = await askHub().catch((error: unknown) => console.info('the hub is off', error))
  return `${textsOf(config, 'hubs')[0] ?? location.origin}/`
}

const choices = readChoices(localStorage, navigator.languages)
const words = new Words(choices.language, await loadTexts(choices.language))
const settings = new Settings(localStorage, document.documentElement, words, choices)
const install = new Install(window, () => void globalThis.millpond?.persist().catch(reportError))
const unfit = unfitFor(window)
const reload = (): void => location.reload()
const recovery: Recovery = {
  after: (delayMs, call) => void setTimeout(call, delayMs),
  reload: () => reloadOnce({ kept: sessionStorage, nowMs: Date.now, isVisible: () => document.visibilityState === 'visible', reload }),
}
const leave: Leave = {
  leave: async () => {
    const swarm = globalThis.millpond?.swarm ?? storedSwarm()
    if (swarm !== undefined) await leaveSwarm(swarm)
  },
  wipe: wipeProfile,
}
/** Nothing where no floor is known. */
async function* archiveStored(): AsyncGenerator<string> {
  const swarm = globalThis.millpond?.swarm ?? storedSwarm()
  if (swarm !== undefined) yield* archiveOf(swarm)
}
const target = document.getElementById('app')
if (target === null) throw new Error('the page has no element #app')

mount(App, {
  target,
  props: {
    // The guard in the page hears it.
    leave, archiveStored, reload, onstarted: () => void dispatchEvent(new Event('millpond-started')), save: saveFile(document), kept: sessionStorage,
    words, settings, install, unfit, update: updates, addressForOthers, clock: liveClock(1000), places: new Places(window),
    opening: unfit === undefined ? new Opening(floors, recovery, invitationIn(location.hash) !== undefined) : undefined,
  },
})
if (import.meta.env.PROD && unfit === undefined) updates.start()
