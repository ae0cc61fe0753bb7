import { mount, unmount } from 'svelte'
import { NodeError, StoreError, type Node, type NodeStatus, type StoreErrorCode, type Stored, type SwarmId } from '../../src/index.ts'
import App from '../../src/app/App.svelte'
import { showCrash } from '../../src/app/guard/crash-screen.ts'
import { texts as de } from '../../src/app/i18n/de.ts?compiled'
import { texts as en } from '../../src/app/i18n/en.ts?compiled'
import { Words } from '../../src/app/i18n/words.svelte.ts'
import { publishSample } from '../../src/app/sample/sample.ts'
import { liveClock } from '../../src/app/state/clock.ts'
import { Install } from '../../src/app/state/install.svelte.ts'
import { Opening } from '../../src/app/state/opening.svelte.ts'
import { Places } from '../../src/app/state/place.svelte.ts'
import { readChoices } from '../../src/app/state/choices.ts'
import { Settings } from '../../src/app/state/settings.svelte.ts'
import type { Update } from '../../src/app/state/updates.svelte.ts'
import { keptNowhere } from '../../src/app/state/unsaved.ts'
import type { Unfit } from '../../src/app/state/support.ts'
import '../../src/app/styles/tokens.css'
import '../../src/app/styles/base.css'
import '../../src/app/styles/crash.css'
import { amongSix, cleared, clockOff, cutOff, keptApart, nearlyFull, withHistories, withMore, withNotices } from './peers.ts'
import { openMemoryNode, stageNode, type Stage } from './staged-node.ts'

const STATUS: Readonly<Record<string, (real: NodeStatus) => NodeStatus>> = {
  six: amongSix, cut: cutOff, apart: keptApart, back: (real) => (isThere ? withMore(amongSix(real), heard) : cutOff(real)), full: nearlyFull, clock: clockOff, notices: withNotices, histories: withHistories, alone: (real) => real,
}
/** In the scene where the others come back: whether they are, and how many of their entries came since. */
let isThere = false
let heard = 0
export const comeBack = (entries: number): void => {
  isThere = true
  heard = entries
}

const UNFIT: Readonly<Record<string, Unfit>> = { insecure: { type: 'insecure' }, old: { type: 'old', missing: ['RTCPeerConnection', 'Web Locks'] } }

const TEXTS = { en, de } as const

/** How a disk refuses to be opened. */
const DISKS: Readonly<Record<string, StoreErrorCode>> = { blocked: 'STORE-BLOCKED', stuck: 'STORE-STUCK', newer: 'STORE-NEWER' }

const fullDisk: Stage = { publish: () => Promise.reject(new StoreError('STORE-QUOTA', 'the disk is full')) }

const stagedUpdate = (scene: string): Update => {
  const fault = scene === 'unkept' ? 'APP-NOT-KEPT' : scene === 'unfetched' ? 'UPDATE-CUT' : scene === 'roomless' ? 'UPDATE-ROOM' : scene === 'crashed' ? 'UPDATE-CRASHED' : undefined
  const warnings = scene === 'updateWarned' ? (['code', 'here', 'elsewhere'] as const) : undefined
  return { ready: scene === 'update' || scene === 'updateWarned', fault, warnings, ask: () => undefined, take: () => undefined, later: () => undefined, finishFirst: () => undefined }
}

/** What a scene shows before a person touches anything: `scene`, `status`, `data=none`, `lang`, `theme`. */
export interface Scene {
  /** Resolves with the node, real but for what is staged, once one is open. */
  readonly node: Promise<Node>
  readonly close: () => Promise<void>
}

/** Shows the app in a state; `stage` replaces parts of its node. */
export const showScene = (target: HTMLElement, asked: URLSearchParams, stage: Stage = {}): Scene => {
  const scene = asked.get('scene') ?? ''
  const language = asked.get('lang') === 'de' ? 'de' : 'en'
  const words = new Words(language, TEXTS[language])
  localStorage.clear()
  const settings = new Settings(localStorage, document.documentElement, words, { ...readChoices(localStorage, [language]), theme: asked.get('theme') === 'dark' ? 'dark' : 'light' })
  const opened = Promise.withResolvers<Node>()
  if (scene === 'crash' || scene === 'crashFirst') {
    const done = () => Promise.resolve()
    const takeAway = showCrash(target, { language, said: 'Uncaught TypeError: t.places is not a function', ways: { again: done, back: scene === 'crash' ? done : undefined, save: async () => 'crash.saved' } })
    return { node: opened.promise, close: async () => takeAway() }
  }
  const open = async (name = 'TM4 Turning & Milling - Machine 4'): Promise<Node> => {
    if (scene in DISKS) throw new StoreError(DISKS[scene] ?? 'STORE-FAILED', 'staged')
    if (scene === 'opening') return new Promise<never>(() => undefined)
    const node = await openMemoryNode(name)
    stage.keep?.(node)
    if (asked.get('data') !== 'none') await publishSample(node)
    const staged = stageNode(node, { status: STATUS[asked.get('status') ?? 'six'] ?? amongSix, ...(scene === 'fail' ? fullDisk : {}), ...stage })
    opened.resolve(staged)
    return staged
  }
  const join = () => Promise.reject(new NodeError('INVITATION-INVALID', 'not an invitation'))
  const swarm = '00112233445566778899aabbccddeeff' as SwarmId
  const find = async (): Promise<Stored> => {
    if (scene === 'first') return { type: 'new' }
    return scene === 'cleared' ? { type: 'cleared', swarm, mark: cleared(swarm) } : { type: 'here', swarm }
  }
  const places = new Places(window)
  const app = mount(App, {
    target,
    props: {
      words, settings, places, install: new Install(window), clock: liveClock(1000), addressForOthers: () => Promise.resolve('https://10.77.0.254:8443/'),
      opening: scene in UNFIT ? undefined : new Opening({ find, open, begin: open, join }, { after: (delayMs, again) => void (delayMs < 5_000 && again()), reload: () => false }),
      leave: { leave: () => Promise.resolve(), wipe: () => Promise.reject(new StoreError('STORE-FAILED', 'not deleted')) }, save: () => undefined, kept: keptNowhere,
      onstarted: () => undefined,
      archiveStored: async function* () { yield '{}\n' }, reload: () => undefined,
      update: stagedUpdate(scene), unfit: UNFIT[scene],
    },
  })
  return {
    node: opened.promise,
    close: async () => {
      places.close()
      await unmount(app)
    },
  }
}
