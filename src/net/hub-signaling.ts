import { bytesToHex, hexToBytes } from '../core/bytes.ts'
import type { SwarmId } from '../core/ids.ts'
import { backoffMs } from '../protocol/backoff.ts'
import { obstacleOf, type Trial } from '../protocol/reach.ts'
import { HubIntroduction } from './hub-introduction.ts'
import type { HubPipe } from './hub-introduction.ts'
import { hasRightTag, hubIdOf, introductionOf } from './introduction-id.ts'
import type { TagOf } from './introduction-id.ts'
import type { Signaling, SignalingHandlers, UnreachedPage } from './signaling.ts'
import { randomOf } from './timers.ts'
import type { Chance, Timers } from './timers.ts'

/** What a hub does for a page: lets it register, tells who is there, opens pipes. The rules of `Signaling` are kept by who uses it. */
export interface HubClient {
  /** Registers `id`. Rejects when that is not confirmed in time. */
  readonly register: (id: string, events: HubEvents) => Promise<HubRegistration>
}

export interface HubEvents {
  readonly incoming: (pipe: HubPipe) => void
  /** The registration is gone. */
  readonly lost: (reason: string) => void
}

export interface HubRegistration {
  /** All ids registered at present. Rejects when there is no answer in time, which is how a lost hub is noticed. */
  readonly list: () => Promise<readonly string[]>
  readonly open: (id: string) => HubPipe
  /** Closes its pipes too. */
  readonly close: () => void
}

export interface HubSignalingOptions {
  readonly client: HubClient
  readonly swarm: SwarmId
  /** 16 random bytes of this page load. */
  readonly introductionId: Uint8Array
  readonly tagOf: TagOf
  readonly timers: Timers & Chance
}

/** Looks who is there so often: whoever is new and has the larger id waits for it. */
const listMs = 4000
/** `look` and the second try of a list that did not come. */
const listSoonMs = 500
const listMissesMax = 2
const registerBackoff = { firstMs: 1000, lastMs: 30_000 }
/** So long the page with the larger id waits for the other one, which looks every 4 s too. */
const turnMs = 6000
/** For a page whose pipe did not open: it may be gone, and the hub not know it for 90 s. */
const pipeBackoff = { firstMs: 4000, lastMs: 60_000 }
const youthMs = 1000
const introductionCountMax = 32
const rememberedCountMax = 1000

/** Meets pages through a hub. @see Signaling */
export class HubSignaling implements Signaling {
  readonly #options: HubSignalingOptions
  readonly #own: string
  readonly #introductions = new Map<string, HubIntroduction>()
  /** Opened by others, whose tag is being looked at: they take nobody's place. */
  readonly #untagged = new Set<HubIntroduction>()
  /** Failures to open a pipe in a row; `mayOpen`: it is time for another try. */
  readonly #failing = new Map<string, { readonly failures: number; readonly mayOpen: boolean }>()
  /** Pages with a smaller id that are wanted and have not opened a pipe; `due`: for `turnMs`. */
  readonly #expected = new Map<string, 'young' | 'due'>()
  readonly #rightTags = new Map<string, boolean>()
  readonly #unreached = new Map<string, UnreachedPage>()
  #handlers: SignalingHandlers | undefined
  #hubId = ''
  /** Raised by whatever makes the registration, or the try to get one, a thing of the past. */
  #epoch = 0
  #registration: HubRegistration | undefined
  #failures = 0
  #unreachableSinceMicros: number | undefined
  #misses = 0
  /** Epoch of the look that is under way. */
  #looking: number | undefined
  #soon = false
  #cancelNext: () => void = () => undefined
  /** Epoch of a try to register that has begun less than `youthMs` ago and is not over: no reason to begin another one. */
  #youngTry: number | undefined
  #closed = false

  constructor(options: HubSignalingOptions) {
    this.#options = options
    this.#own = bytesToHex(options.introductionId)
  }

  start(handlers: SignalingHandlers): void {
    this.#handlers = handlers
    queueMicrotask(() => {
      if (this.#closed) return
      handlers.state({ type: 'connecting' })
      this.#register()
    })
  }

  wake(): void {
    this.#failures = 0
    this.#failing.clear()
    this.#expected.clear()
    // What was registered, or began to be, over a network that is another one now may hang for minutes; pipes that are open show that it is not.
    if (this.#registration !== undefined && this.#introductions.size > 0) this.look()
    else if (this.#youngTry === undefined) this.#register()
  }

  look(): void {
    if (this.#registration !== undefined) this.#lookSoon()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#epoch++
    this.#cancelNext()
    this.#registration?.close()
    this.#registration = undefined
    for (const introduction of [...this.#introductions.values(), ...this.#untagged]) introduction.end('closed')
  }

  #next(delayMs: number, call: () => void): void {
    this.#cancelNext()
    this.#cancelNext = this.#options.timers.after(delayMs, call)
  }

  #register(): void {
    if (this.#closed || this.#handlers === undefined) return
    this.#cancelNext()
    this.#registration?.close()
    this.#registration = undefined
    const epoch = ++this.#epoch
    this.#youngTry = epoch
    const age = () => {
      if (this.#youngTry === epoch) this.#youngTry = undefined
    }
    this.#options.timers.after(youthMs, age)
    this.#tryRegister(epoch)
      .catch((error: unknown) => epoch === this.#epoch && this.#lose(messageOf(error)))
      .finally(age)
  }

  async #tryRegister(epoch: number): Promise<void> {
    const { client, swarm, introductionId, tagOf } = this.#options
    this.#hubId = await hubIdOf(swarm, introductionId, tagOf)
    const registration = await client.register(this.#hubId, {
      incoming: (pipe) => (epoch === this.#epoch ? this.#incoming(pipe) : pipe.close()),
      lost: (reason) => epoch === this.#epoch && this.#lose(reason),
    })
    if (epoch !== this.#epoch) return registration.close()
    this.#registration = registration
    this.#failures = 0
    this.#misses = 0
    this.#unreachableSinceMicros = undefined
    this.#handlers?.state({ type: 'ready' })
    this.#look()
    // Where the network is back for all at once, the others are registering too.
    this.#lookSoon()
  }

  #lose(reason: string): void {
    if (this.#closed) return
    this.#epoch++
    this.#registration?.close()
    this.#registration = undefined
    for (const introduction of [...this.#introductions.values(), ...this.#untagged]) introduction.end('hub lost')
    this.#failures++
    this.#next(backoffMs(registerBackoff, this.#failures, randomOf(this.#options.timers)), () => this.#register())
    this.#unreachableSinceMicros ??= this.#options.timers.nowMicros()
    this.#handlers?.state({ type: 'unreachable', reason, sinceMicros: this.#unreachableSinceMicros })
    // Without a hub nobody knows who is there.
    this.#reached([...this.#unreached.keys()])
  }

  /** Not put off by being asked for again. */
  #lookSoon(): void {
    if (this.#soon) return
    this.#soon = true
    this.#next(listSoonMs, () => this.#look())
  }

  #look(): void {
    this.#soon = false
    if (this.#registration === undefined) return
    const epoch = this.#epoch
    if (this.#looking === epoch) return this.#lookSoon()
    this.#looking = epoch
    this.#next(listMs, () => this.#look())
    this.#tryLook(this.#registration, epoch)
      .catch((error: unknown) => epoch === this.#epoch && this.#miss(messageOf(error)))
      .finally(() => {
        if (this.#looking === epoch) this.#looking = undefined
      })
  }

  #miss(reason: string): void {
    if (++this.#misses >= listMissesMax) return this.#lose(reason)
    this.#lookSoon()
  }

  async #tryLook(registration: HubRegistration, epoch: number): Promise<void> {
    const ids = await registration.list()
    if (epoch !== this.#epoch) return
    this.#misses = 0
    if (!ids.includes(this.#hubId)) return this.#lose('the hub does not know this page any more')
    const listed = new Set(ids.map((id) => introductionOf(id, this.#options.swarm)))
    for (const map of [this.#failing, this.#expected]) for (const peer of map.keys()) if (!listed.has(peer)) map.delete(peer)
    this.#reached([...this.#unreached.keys()].filter((peer) => !listed.has(peer)))
    for (const id of ids) {
      const peer = introductionOf(id, this.#options.swarm)
      if (peer === undefined || peer === this.#own || !this.#mayOpen(peer) || !(await this.#hasRightTag(id))) continue
      if (epoch !== this.#epoch) return
      if (this.#mayOpen(peer) && this.#isMyTurn(peer)) this.#admit(peer, this.#begin(peer, registration.open(id), true, (introduction) => this.#meet(peer, introduction)))
    }
  }

  #mayOpen(peer: string): boolean {
    if (this.#introductions.has(peer) || this.#introductions.size >= introductionCountMax) return false
    return this.#failing.get(peer)?.mayOpen !== false && this.#handlers?.wanted(bytesOf(peer)) === true
  }

  #isMyTurn(peer: string): boolean {
    if (this.#own < peer || this.#expected.get(peer) === 'due') return true
    if (this.#expected.has(peer)) return false
    remember(this.#expected, peer, 'young' as const)
    this.#options.timers.after(turnMs, () => {
      if (!this.#expected.has(peer)) return
      this.#expected.set(peer, 'due')
      this.look()
    })
    return false
  }

  #incoming(pipe: HubPipe): void {
    const peer = introductionOf(pipe.id, this.#options.swarm)
    if (peer === undefined || peer === this.#own || this.#untagged.size >= introductionCountMax) return pipe.close()
    const introduction = this.#begin(peer, pipe, false, () => {
      tagged.then(() => this.#meet(peer, introduction)).catch((error: unknown) => introduction.end(messageOf(error)))
    })
    this.#untagged.add(introduction)
    const tagged = this.#hasRightTag(pipe.id)
      .then((right) => (right ? this.#takeIn(peer, introduction) : introduction.end('wrong tag')))
      .catch((error: unknown) => introduction.end(messageOf(error)))
      .finally(() => this.#untagged.delete(introduction))
  }

  #takeIn(peer: string, introduction: HubIntroduction): void {
    const before = this.#introductions.get(peer)
    const isTooMany = before === undefined && this.#introductions.size >= introductionCountMax
    if (introduction.hasEnded || isTooMany || (before?.opened === true && this.#own < peer)) return introduction.end('not now')
    before?.end('replaced')
    this.#admit(peer, introduction)
  }

  #admit(peer: string, introduction: HubIntroduction): void {
    this.#introductions.set(peer, introduction)
    this.#expected.delete(peer)
  }

  /** Its pipe is started at once; it counts from `#admit` on. */
  #begin(peer: string, pipe: HubPipe, opened: boolean, ready: (introduction: HubIntroduction) => void): HubIntroduction {
    const introduction: HubIntroduction = new HubIntroduction({
      pipe,
      peer: bytesOf(peer),
      opened,
      timers: this.#options.timers,
      ready: () => ready(introduction),
      ended: (failed, trial) => {
        if (this.#introductions.get(peer) === introduction) {
          this.#introductions.delete(peer)
          if (trial !== undefined) this.#notReached(peer, trial)
        }
        if (opened && failed) this.#fail(peer)
      },
    })
    return introduction
  }

  #meet(peer: string, introduction: HubIntroduction): void {
    if (this.#introductions.get(peer) !== introduction) return
    this.#failing.delete(peer)
    this.#reached([peer])
    this.#handlers?.met(introduction)
  }

  #notReached(peer: string, trial: Trial): void {
    const obstacle = obstacleOf(trial)
    if (obstacle === undefined) return this.#reached([peer])
    const sinceMicros = this.#unreached.get(peer)?.sinceMicros ?? this.#options.timers.nowMicros()
    remember(this.#unreached, peer, { peer: bytesOf(peer), obstacle, sinceMicros })
    this.#handlers?.unreached([...this.#unreached.values()])
  }

  /** Or not there any more. */
  #reached(peers: readonly string[]): void {
    if (peers.filter((peer) => this.#unreached.delete(peer)).length > 0) this.#handlers?.unreached([...this.#unreached.values()])
  }

  #fail(peer: string): void {
    const failures = (this.#failing.get(peer)?.failures ?? 0) + 1
    remember(this.#failing, peer, { failures, mayOpen: false })
    this.#options.timers.after(backoffMs(pipeBackoff, failures, randomOf(this.#options.timers)), () => {
      if (this.#failing.get(peer)?.failures === failures) this.#failing.set(peer, { failures, mayOpen: true })
    })
  }

  async #hasRightTag(id: string): Promise<boolean> {
    const known = this.#rightTags.get(id)
    if (known !== undefined) return known
    const right = await hasRightTag(id, this.#options.tagOf)
    remember(this.#rightTags, id, right)
    return right
  }
}

const remember = <V>(map: Map<string, V>, key: string, value: V): void => {
  map.delete(key)
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= rememberedCountMax) break
    map.delete(oldest)
  }
}

const bytesOf = (hex: string): Uint8Array => hexToBytes(hex) ?? new Uint8Array(0)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
