import type { Node } from '../../../src/index.ts'
import { tags } from '../../../src/index.ts'
import { floorNode } from './floor.ts'
import { openRaw, putRaw } from './raw.ts'

/** One clock for all pages of this machine. */
const now = (): number => performance.timeOrigin + performance.now()

const heard = new Map<number, number>()

const eventOf = (id: number) => ({ tags: ['latency'], event: { id, text: '.'.repeat(120) } })

const isNumbered = (payload: unknown): payload is { readonly id: number } => typeof payload === 'object' && payload !== null && 'id' in payload

/** Notes when each event was given to a subscriber here. */
export const listen = (): void => {
  const node: Node = floorNode()
  node.subscribe({ where: tags('latency') }, {
    events: (events) => {
      for (const { payload } of events) if (isNumbered(payload)) heard.set(payload.id, now())
    },
    timeTravel: () => undefined,
    failed: (error) => console.error(error),
  })
}

/** @returns when the events from `first` on were given; waits until all were */
export const heardFrom = async (first: number, count: number): Promise<readonly number[]> => {
  for (;;) {
    const times = Array.from({ length: count }, (_, at) => heard.get(first + at))
    if (times.every((time) => time !== undefined)) return times
    await new Promise((later) => setTimeout(later, 10))
  }
}

/** Publishes one after the other. @returns when each was begun */
export const publishTimed = async (first: number, count: number): Promise<readonly number[]> => {
  const times: number[] = []
  for (let at = 0; at < count; at++) {
    times.push(now())
    await floorNode().publish([eventOf(first + at)])
    await new Promise((later) => setTimeout(later, 15))
  }
  return times
}

/** Milliseconds of strict puts of the same bytes. */
export const putTimed = async (first: number, count: number): Promise<readonly number[]> => {
  const raw = await openRaw('raw')
  const times: number[] = []
  for (let at = 0; at < count; at++) {
    const begun = now()
    await putRaw(raw, first + at, [new TextEncoder().encode(JSON.stringify(eventOf(first + at)))])
    times.push(now() - begun)
    await new Promise((later) => setTimeout(later, 15))
  }
  raw.close()
  return times
}

let connection: RTCPeerConnection | undefined
let channel: RTCDataChannel | undefined

const gathered = async (made: RTCPeerConnection): Promise<string> => {
  if (made.iceGatheringState !== 'complete') await new Promise<void>((done) => made.addEventListener('icegatheringstatechange', () => made.iceGatheringState === 'complete' && done()))
  return JSON.stringify(made.localDescription)
}

const parse = (text: string): RTCSessionDescriptionInit => JSON.parse(text) as RTCSessionDescriptionInit

export const rawOffer = async (): Promise<string> => {
  connection = new RTCPeerConnection()
  channel = connection.createDataChannel('raw')
  await connection.setLocalDescription()
  return gathered(connection)
}

/** Sends back what comes. */
export const rawAnswer = async (offer: string): Promise<string> => {
  const made = (connection = new RTCPeerConnection())
  made.addEventListener('datachannel', ({ channel: echo }) => echo.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => echo.send(data)))
  await made.setRemoteDescription(parse(offer))
  await made.setLocalDescription()
  return gathered(made)
}

export const rawAccept = async (answer: string): Promise<void> => {
  const opened = channel
  await connection?.setRemoteDescription(parse(answer))
  if (opened?.readyState !== 'open') await new Promise((done) => opened?.addEventListener('open', done))
}

/** Milliseconds of round trips of so many bytes as an event has. */
export const roundTrips = async (count: number): Promise<readonly number[]> => {
  const times: number[] = []
  for (let at = 0; at < count; at++) {
    const begun = now()
    await new Promise((done) => {
      channel?.addEventListener('message', done, { once: true })
      channel?.send(new Uint8Array(500))
    })
    times.push(now() - begun)
    await new Promise((later) => setTimeout(later, 15))
  }
  return times
}

/** From now on no new connection of this page comes about: it finds no address that another could reach. */
export const stayApart = (): void => {
  const Real = RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super({ ...configuration, iceTransportPolicy: 'relay' })
    }
  }
}
