import type { Detect } from './detector.ts'

/** Why the camera does not help. */
export type CameraFault = 'CAMERA-REFUSED' | 'CAMERA-NONE' | 'CAMERA-BUSY' | 'CAMERA-DECODER'

export type ScanState = { readonly type: 'off' } | { readonly type: 'starting' } | { readonly type: 'on' } | { readonly type: 'failed'; readonly fault: CameraFault }

/** So often a picture is looked at; a code is held still longer. */
const everyMs = 125

const FAULTS: Readonly<Record<string, CameraFault>> = {
  NotAllowedError: 'CAMERA-REFUSED', SecurityError: 'CAMERA-REFUSED', NotFoundError: 'CAMERA-NONE', OverconstrainedError: 'CAMERA-NONE', NotReadableError: 'CAMERA-BUSY', AbortError: 'CAMERA-BUSY',
}

/** The camera looking for QR codes. One stream, asked for once by a touch, let go when the page is hidden or the screen is left. */
export class Scan {
  readonly #found: (text: string) => void
  #state = $state.raw<ScanState>({ type: 'off' })
  #stream: MediaStream | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  /** What was read last: the same code is told once while it is held up. */
  #last = ''
  #run = 0

  constructor(found: (text: string) => void) {
    this.#found = found
  }

  get current(): ScanState {
    return this.#state
  }

  readonly start = (video: HTMLVideoElement): void => {
    if (this.#state.type === 'starting' || this.#state.type === 'on') return
    const run = ++this.#run
    this.#last = ''
    this.#state = { type: 'starting' }
    this.#begin(video, run).catch((error: unknown) => {
      if (run === this.#run) this.#fail(error)
    })
  }

  readonly stop = (): void => {
    this.#letGo()
    this.#state = { type: 'off' }
  }

  async #begin(video: HTMLVideoElement, run: number): Promise<void> {
    const stream = await openCamera()
    // Left while the person was asked.
    if (run !== this.#run) return endStream(stream)
    this.#stream = stream
    video.srcObject = stream
    await video.play()
    const detect = await loadDetect().catch((error: unknown) => {
      throw new DecoderError('the decoder could not be loaded', { cause: error })
    })
    if (run !== this.#run) return
    this.#state = { type: 'on' }
    this.#look(video, detect, run)
  }

  #look(video: HTMLVideoElement, detect: Detect, run: number): void {
    this.#timer = setTimeout(() => {
      detect(video).then(
        (texts) => {
          if (run !== this.#run) return
          const text = texts[0]
          if (text !== undefined && text !== this.#last) {
            this.#last = text
            this.#found(text)
          }
          this.#look(video, detect, run)
        },
        (error: unknown) => {
          if (run === this.#run) this.#fail(new DecoderError('a picture could not be read', { cause: error }))
        },
      )
    }, everyMs)
  }

  #fail(error: unknown): void {
    console.error(error)
    this.#letGo()
    this.#state = { type: 'failed', fault: faultOf(error) }
  }

  #letGo(): void {
    this.#run++
    clearTimeout(this.#timer)
    if (this.#stream !== undefined) endStream(this.#stream)
    this.#stream = undefined
  }
}

class DecoderError extends Error {
  override readonly name = 'DecoderError'
}

/** The decoder is large: it is loaded with the first use of the camera. */
const loadDetect = async (): Promise<Detect> => (await import('./detector.ts')).createDetect()

const openCamera = (): Promise<MediaStream> => {
  const devices: MediaDevices | undefined = navigator.mediaDevices
  if (devices === undefined) return Promise.reject(new DOMException('no camera can be asked for', 'NotFoundError'))
  return devices.getUserMedia({ audio: false, video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } } })
}

const endStream = (stream: MediaStream): void => stream.getTracks().forEach((track) => track.stop())

const faultOf = (error: unknown): CameraFault => (error instanceof DecoderError ? 'CAMERA-DECODER' : FAULTS[error instanceof Error || error instanceof DOMException ? error.name : ''] ?? 'CAMERA-BUSY')
