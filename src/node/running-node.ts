import type { Meta, TaggedEvent } from '../core/event.ts'
import type { NodeId, StreamId, SwarmId } from '../core/ids.ts'
import type { EventKey } from '../core/event-key.ts'
import { includesAll, type OffsetMap } from '../core/offset-map.ts'
import { StoreError } from '../store/errors.ts'
import { createAppendLock, type AppendLock } from '../tab/append-lock.ts'
import { createAwake, type Awake } from '../tab/awake.ts'
import { createChanges, type Change, type Changes } from '../tab/changes.ts'
import { createConnections, type Connections } from './connections.ts'
import type { NodeDevices, NodeOptions } from './devices.ts'
import { every } from './environment.ts'
import type { ArchiveParts } from './archive-import.ts'
import { createFillers, type Fillers } from './fillers.ts'
import { Held } from './held.ts'
import type { IdentityLoss, LostIdentity, Self } from './identity.ts'
import { createLayers, type Layers } from './layers.ts'
import { createLead, type Lead } from './lead.ts'
import { createMarkKeeper, type MarkKeeper } from './marks.ts'
import { createMending, type Mending } from './mending.ts'
import { createNetworkStatus, type NetworkStatus } from './network-status.ts'
import { NodeError, type AqlOptions, type AqlSubscriber, type Channel, type LateEvents, type Local, type Node, type NodeStatus, type Order, type Pairing, type Query, type Subscriber } from './node.ts'
import { laterArchives, laterParts, type LaterParts } from './later.ts'
import type { OpenPages } from './open-pages.ts'
import { checkOwnStream, isSetBack } from './own-check.ts'
import type { PeerBook } from './peer-book.ts'
import { createPairings, type Pairings, type PairingTools } from './pairing.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import { createReader, type Reader } from './reader.ts'
import type { Reserve } from './reserve.ts'
import { createRoom, type Room } from './room.ts'
import { loadSettings, loadSwarm, saveHubs, saveName, saveSwarm, type Settings } from './settings.ts'
import { createStatusBoard, presentOf, type StatusBoard } from './status.ts'
import { changesIn, scopeOf } from './scope.ts'
import { createScrub, scrubEveryMs, type Scrub } from './scrub.ts'
import { createSubscriptions, type Subscriptions } from './subscriptions.ts'

const compareEveryMs = 2_000

/** What was read or written before the node could begin. */
export interface Opened {
  readonly self: Self
  /** The identity stored could not be used: `self` is another. */
  readonly lost: LostIdentity | undefined
  readonly pages: OpenPages
  readonly book: PeerBook
  readonly reserve: Reserve
}

/** The parts of a node, and what each tells the others. What it does in the background is supervised: an error becomes a notice. */
export class RunningNode implements Node {
  readonly #devices: NodeDevices
  readonly #options: NodeOptions & Settings
  readonly #self: Self
  readonly #lost: LostIdentity | undefined
  readonly #pages: OpenPages
  readonly #board: StatusBoard
  readonly #awake: Awake
  readonly #lock: AppendLock
  readonly #reader: Reader
  readonly #publisher: Publisher
  readonly #subscriptions: Subscriptions
  readonly #held: Held
  readonly #changes: Changes
  readonly #network: NetworkStatus
  readonly #lead: Lead
  readonly #mending: Mending
  readonly #connections: Connections | undefined
  readonly #pairings: Pairings
  readonly #layers: Layers
  readonly #room: Room | undefined
  readonly #scrub: Scrub
  readonly #fillers: Fillers
  readonly #parts: LaterParts
  readonly #archives: Pick<Node, 'archive' | 'takeArchive'>
  readonly #marks: MarkKeeper | undefined
  #stops: (() => void)[] = []
  #closing: Promise<void> | undefined
  /** Its disk is no longer this program's to write on. */
  #ended = false

  constructor(devices: NodeDevices, options: NodeOptions & Settings, { self, lost, pages, book, reserve }: Opened) {
    const { store, crypto, environment } = devices
    const scope = options.scope ?? scopeOf(options.swarm.id)
    const supervise = (doing: string, work: Promise<unknown>) => this.#supervise(doing, work)
    this.#devices = devices
    this.#options = options
    this.#self = self
    this.#lost = lost
    this.#pages = pages
    this.#board = createStatusBoard(environment, { nodeId: self.nodeId(), name: options.name })
    this.#awake = createAwake(environment)
    this.#lock = createAppendLock(environment, `${scope}/append`)
    this.#reader = createReader({ store, crypto }, { own: self.ids, unreadable: (error) => this.#mending.fill(error) })
    this.#publisher = createPublisher(
      { store, crypto, environment, lock: this.#lock },
      {
        swarm: options.swarm.id,
        self,
        stored: (state) => {
          this.#stored()
          this.#held.published(state)
        },
        failed: (error) => this.#failed('storing an entry', error),
        note: this.#board.note,
        identityLost: (shown, reason) => this.#mending.replaceIdentity(shown, reason),
        identityStale: () => this.#mending.look(),
      },
    )
    this.#subscriptions = createSubscriptions(this.#reader, { isBehind: () => this.#isBehind(), after: environment.after })
    this.#changes = createChanges(environment, changesIn(scope), (change) => this.#hear(change))
    this.#network = createNetworkStatus(
      { environment, board: this.#board, book, ownIds: self.ids, leads: () => this.#lead.leads(), supervise },
      `${scope}/status`,
    )
    this.#lead = createLead(
      { environment, connections: () => this.#connections, pages, book, board: this.#board, network: this.#network, raiseTerm: () => store.incrementMeta('term'), supervise },
      `${scope}/leader`,
    )
    this.#held = new Held({
      store, crypto, self, board: this.#board, changes: this.#changes, supervise,
      replication: () => this.#connections?.running()?.replication,
      grown: () => this.#subscriptions.grown(),
      reconnect: () => this.#lead.restart('lowered'),
      lookAtIdentity: () => this.#mending.look(),
    })
    this.#mending = createMending({
      store, crypto, environment, self, swarm: options.swarm.id, board: this.#board, supervise,
      changed: () => this.#changes.post({ type: 'identity' }),
      lowering: (stream) => this.#held.replicated(stream),
      compare: () => this.#held.compare(),
      restart: (reason, between) => this.#lead.restart(reason, between),
    })
    this.#pairings = createPairings({
      tools: () => this.#pairingTools(), swarm: options.swarm.id, environment,
      leads: () => this.#lead.leads(),
      add: (transport) => {
        const replication = this.#connections?.running()?.replication
        replication?.add(transport)
        return replication !== undefined
      },
    })
    this.#layers = createLayers(store.local, (channel, peer, bytes) => this.#connections?.running()?.replication.sendLayer(channel, peer, bytes) ?? false)
    this.#room = this.#createRoom(reserve)
    this.#scrub = createScrub({ store, crypto }, {
      unreadable: (error) => this.#mending.fill(error),
      summarised: (stream, earliest) => this.#summarised(stream, earliest),
    })
    this.#fillers = createFillers(store, (nodeId, bytes) =>
      this.#board.note('STORE-FILLED', nodeId, `the entries of this tablet take ${bytes} bytes, more than a quarter of what this disk has room for`))
    const archives: ArchiveParts = {
      store, crypto, environment, swarm: options.swarm, nodeId: () => this.nodeId, status: this.status, note: this.#board.note, ...(this.#room && { room: this.#room }),
      restored: (shown) => this.#mending.replaceIdentity(shown, 'restored'),
      compare: this.#held.compare,
    }
    this.#archives = laterArchives(async () => (await import('./archive-import.ts')).createArchives(archives))
    this.#parts = devices.parts ?? laterParts
    this.#marks = devices.marks && createMarkKeeper(devices.marks, environment, options.swarm.id, { status: this.status, supervise })
    this.#connections = this.#createConnections()
  }

  /** Looks at the disk once, then lets everything begin. */
  async begin(): Promise<void> {
    const { store, crypto, environment } = this.#devices
    const loss = (await checkOwnStream(store, crypto, this.#self)) ?? (await this.#setBack())
    if (loss !== undefined) await this.#mending.replaceIdentity(this.nodeId, loss)
    if (this.#lost !== undefined) {
      this.#changes.post({ type: 'identity' })
      this.#mending.identityChanged(this.#lost.shown, 'damaged')
    }
    await this.#held.compare()
    this.#stops = [
      store.onLost((error) => {
        this.#failed('the connection to the disk', error)
        if (!(error instanceof StoreError && error.code === 'STORE-STUCK')) this.#supervise('reading the disk again', this.#lookAgain())
      }),
      environment.page.listen((change) => {
        if (change === 'hidden' || change === 'offline' || environment.page.state() === 'frozen') return
        this.#supervise('comparing with the disk', this.#held.compareAll())
        this.#lead.wake()
      }),
      every(environment.after, compareEveryMs, () => {
        if (this.#lead.leads() || environment.page.state() === 'visible') this.#supervise('comparing with the disk', this.#held.compareAll())
      }),
      every(environment.after, scrubEveryMs, () => {
        if (!this.#lead.leads()) return
        this.#supervise('checking what is stored', this.#scrub.step())
        this.#supervise('looking who fills the disk', this.#fillers.look(this.status().storage.quotaBytes, this.#self.ids()))
      }),
    ]
    this.#room?.begin()
    this.#marks?.begin()
    this.#lead.begin()
  }

  /** What was noted outside of the database says that this disk is an older one: the stream goes on elsewhere. */
  async #setBack(): Promise<IdentityLoss | undefined> {
    const mark = await this.#devices.marks?.read(this.swarm).catch((error: unknown) => this.#failed('looking what was noted of this node', error))
    return mark !== undefined && (await isSetBack(this.#devices.store, this.#self, mark)) ? 'restored' : undefined
  }

  get nodeId(): NodeId {
    return this.#self.nodeId()
  }

  get swarm(): SwarmId {
    return this.#options.swarm.id
  }

  // Functions, not methods: who uses a node may pass them on.

  readonly publish = (events: readonly TaggedEvent[], options?: { readonly appId?: string }): Promise<readonly Meta[]> =>
    this.#publisher.publish(events, options?.appId ?? this.#options.appId ?? '')

  readonly query = (query: Query, order: Order = 'ascending') => this.#reader.query(query, order)

  readonly aql = (text: string, options: AqlOptions = {}) =>
    this.#parts.aql.runAql({ reader: this.#reader, nowMicros: this.#devices.environment.nowMicros, appId: this.#options.appId ?? '' }, text, options)

  readonly subscribeAql = (text: string, subscriber: AqlSubscriber, options: Omit<AqlOptions, 'order'> = {}): (() => void) =>
    this.#parts.aql.followAql({ subscriptions: this.#subscriptions, nowMicros: this.#devices.environment.nowMicros, appId: this.#options.appId ?? '' }, text, subscriber, options)

  readonly subscribe = (query: Query, subscriber: Subscriber, late?: LateEvents): (() => void) => this.#subscriptions.subscribe(query, subscriber, late)

  readonly present = async (): Promise<OffsetMap> => presentOf(await this.#reader.heads())

  readonly status = (): NodeStatus => this.#board.status()

  readonly observe = (changed: (status: NodeStatus) => void): (() => void) => this.#board.observe(changed)

  readonly invite = async (): Promise<string> => {
    const { founder, random, key } = this.#options.swarm
    return this.#parts.encodeInvitation({ founder, random, swarmKey: key, lamport: await this.#devices.store.clock(), hubs: this.#options.hubs })
  }

  readonly pair = (): Pairing => this.#pairings.pair()

  readonly rename = async (name: string): Promise<void> => {
    await saveName(this.#devices.store, name)
    this.#board.set({ name })
    this.#changes.post({ type: 'renamed' })
  }

  readonly persist = async (): Promise<boolean> => (await this.#room?.persist()) ?? false

  readonly archive: Node['archive'] = (which) => this.#archives.archive(which)

  readonly takeArchive: Node['takeArchive'] = (file) => this.#archives.takeArchive(file)

  readonly local = (layer: string): Local => this.#layers.local(layer)

  readonly channel = (name: string): Channel => this.#layers.channel(name)

  readonly close = (): Promise<void> => {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const stop of this.#stops) stop()
    this.#marks?.close()
    this.#room?.close()
    this.#subscriptions.close()
    await this.#publisher.close()
    await this.#lock.close()
    this.#pairings.close()
    await this.#lead.close()
    try {
      await this.#network.close(!this.#ended)
      if (!this.#ended) await this.#pages.close()
    } finally {
      this.#changes.close()
      this.#awake.close()
      this.#board.close()
      await this.#devices.store.close()
    }
  }

  #createConnections(): Connections | undefined {
    const { network, store, crypto, environment } = this.#devices
    if (network === undefined) return undefined
    return createConnections(
      { store, crypto, environment, network },
      {
        swarm: this.#options.swarm,
        identity: () => this.#self.stored().identity,
        introductionId: this.#pages.introductionId,
        isOwnPage: this.#pages.isOwnPage,
        isSeen: () => this.#lead.isSeen(),
        ...(this.#room && { room: this.#room }),
        supervise: (doing, work) => this.#supervise(doing, work),
        about: () => ({ name: this.status().name, software: this.#options.software ?? 'millpond', hubs: this.#options.hubs }),
      },
      {
        stored: (stream, next) => {
          if (next !== undefined) return this.#held.grew(stream, next)
          this.#held.replicated(stream)
          this.#supervise('reading what was replicated', this.#held.compare())
        },
        connected: (peer) => {
          this.#network.update(peer)
          this.#pairings.connected(peer)
        },
        disconnected: (transport, _, reason) => this.#pairings.disconnected(transport, reason),
        peerChanged: this.#network.update,
        renounced: this.#network.renounced,
        peerState: this.#network.peerState,
        hubState: this.#network.hubState,
        unreached: this.#network.unreached,
        notice: this.#network.notice,
        nodes: this.#network.nodes,
        standbys: this.#network.standbys,
        returnAllowed: this.#network.returnAllowed,
        layerMessage: (channel, peer, bytes) => this.#layers.deliver(channel, peer, bytes),
        identityLost: this.#mending.renounce,
      },
    )
  }

  async #pairingTools(): Promise<PairingTools | undefined> {
    const network = await this.#connections?.network()
    return network?.pairing && { connector: network.pairing, codes: network.parts.codes }
  }

  /** Whether a connected node holds events that are not here yet. */
  #isBehind(): boolean {
    const { peers, present } = this.status()
    return peers.some(({ state, holds }) => state === 'connected' && !includesAll(present, holds))
  }

  /** The disk takes entries: what failed before is over. */
  #stored(): void {
    if (this.status().storeFailure !== undefined) this.#board.set({ storeFailure: undefined })
  }

  /** A hint of another tab. */
  #hear(change: Change): void {
    if (change.type === 'missed') return this.#subscriptions.missed(change.earliest)
    if (change.type === 'left') return this.#failed('this window', new StoreError('STORE-LEFT', 'this tablet has left the swarm, in another window'))
    if (change.type === 'renamed') this.#supervise('reading the new name', loadSettings(this.#devices.store).then(({ name }) => this.#board.set({ name })))
    this.#supervise('comparing with the disk', this.#held.compareAll())
    if (change.type === 'grown' && change.streams.includes(this.#self.stream())) this.#connections?.running()?.replication.published(this.#self.stream())
  }

  /** The connection to the disk is there again. Where everything was deleted, the node goes on as a new one in its swarm. */
  async #lookAgain(): Promise<void> {
    const { store } = this.#devices
    if ((await loadSwarm(store)) === undefined) {
      await this.#mending.replaceIdentity(this.nodeId, 'incomplete')
      await saveSwarm(store, this.#options.swarm)
      await saveName(store, this.status().name)
      await saveHubs(store, this.#options.hubs)
      this.#board.note('STORE-DELETED', undefined, 'what was stored here was deleted, by the browser or by a person; what others hold is fetched again')
    }
    await this.#held.compareAll()
    this.#stored()
  }

  /** Until now queries may have passed over events: whoever follows one reads again, in every tab. */
  #summarised(stream: StreamId, earliest: EventKey): void {
    this.#board.note('SUMMARY-WRONG', stream, 'what says which entries lie where was not what was written; it was made again, and what may have been passed over is shown now')
    this.#subscriptions.missed(earliest)
    this.#changes.post({ type: 'missed', earliest })
  }

  #createRoom(reserve: Reserve): Room | undefined {
    const { storage: device, environment } = this.#devices
    return device && createRoom({
      device, environment, reserve,
      awake: this.#awake.wait,
      storage: () => this.status().storage,
      set: (storage) => this.#board.set({ storage }),
      regained: () => this.#stored(),
      supervise: (doing, work) => this.#supervise(doing, work),
    })
  }

  #supervise(doing: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (this.#closing === undefined) this.#failed(doing, error)
    })
  }

  /** Why stands in the status. */
  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#supervise('ending', this.close())
  }

  #failed(doing: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const isCoded = error instanceof StoreError || error instanceof NodeError
    if (error instanceof StoreError && (error.code === 'STORE-LEFT' || error.code === 'STORE-NEWER')) this.#end()
    if (error instanceof StoreError) this.#board.set({ storeFailure: { code: error.code, message, atMicros: this.#devices.environment.nowMicros() } })
    this.#board.note(isCoded ? error.code : 'NODE-FAILED', undefined, `${doing}: ${message}`)
  }
}
