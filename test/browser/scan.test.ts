import { mount, unmount } from 'svelte'
import { afterEach, describe, expect, test } from 'vitest'
import Qr from '../../src/app/components/Qr.svelte'
import { createShippedDetect } from '../../src/app/scan/detector.ts'
import pairing from '../fixtures/pairing-1.json'

/** One of each kind that the app shows: an invitation link, an offer, an answer with as many addresses as there may be. */
const invitation = `https://10.77.0.254:8443/#join=${'AYWAWCDzKyZ1lDmqSUg3vGBGvvyYHvWbfU9JVQQmcHXXXQ7KVkZ9kFQ2RkQ0Yk1tbE5hWTJRNmxTcW9xQVBsQ2t6RUx5RW1sV1NHVlpqU3dBZ3g4a3hodHRwczovLzEwLjc3LjAuMjU0Ojg0NDM'}`
const KINDS = [['invitation', invitation], ['offer', pairing[0]?.text ?? ''], ['answer', pairing[1]?.text ?? '']] as const

/** How the code lies in the picture, and what the light does to it. */
const VIEWS: readonly (readonly [name: string, view: { readonly degrees: number; readonly squeeze: number; readonly size: number; readonly dim: number; readonly glare: number }])[] = [
  ['straight', { degrees: 0, squeeze: 1, size: 500, dim: 0, glare: 0 }],
  ['small', { degrees: 3, squeeze: 1, size: 260, dim: 0, glare: 0 }],
  ['tilted', { degrees: 27, squeeze: 0.8, size: 480, dim: 0, glare: 0 }],
  ['dimmed', { degrees: 0, squeeze: 1, size: 460, dim: 0.75, glare: 0 }],
  ['tilted, dimmed and lit from the side', { degrees: -18, squeeze: 0.85, size: 460, dim: 0.6, glare: 0.35 }],
]

let shown: Record<string, unknown> | undefined

afterEach(async () => {
  if (shown !== undefined) await unmount(shown)
  shown = undefined
})

/** The code as the screen shows it, as a picture. */
const pictureOf = async (text: string): Promise<HTMLImageElement> => {
  const target = document.body.appendChild(document.createElement('div'))
  shown = mount(Qr, { target, props: { text, label: 'code' } })
  const svg = target.querySelector('svg')
  if (svg === null) throw new Error('no code is shown')
  const copy = svg.cloneNode(true) as SVGSVGElement
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('width', '800')
  copy.setAttribute('height', '800')
  const image = new Image()
  image.src = URL.createObjectURL(new Blob([copy.outerHTML], { type: 'image/svg+xml' }))
  await image.decode()
  return image
}

/** What a tablet's camera of 1280 × 720 would see of it. */
const photograph = (image: HTMLImageElement, { degrees, squeeze, size, dim, glare }: (typeof VIEWS)[number][1]): HTMLCanvasElement => {
  const canvas = document.createElement('canvas')
  canvas.width = 1280
  canvas.height = 720
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('no canvas')
  context.fillStyle = '#888'
  context.fillRect(0, 0, 1280, 720)
  context.save()
  context.translate(640, 360)
  context.rotate((degrees * Math.PI) / 180)
  context.transform(1, 0.06, -0.1, squeeze, 0, 0)
  context.fillStyle = '#fff'
  context.fillRect(-size * 0.6, -size * 0.6, size * 1.2, size * 1.2)
  context.drawImage(image, -size / 2, -size / 2, size, size)
  context.restore()
  context.fillStyle = `rgb(0 0 0 / ${dim})`
  context.fillRect(0, 0, 1280, 720)
  const light = context.createLinearGradient(0, 0, 1280, 0)
  light.addColorStop(0, 'rgb(255 255 255 / 0)')
  light.addColorStop(1, `rgb(255 255 255 / ${glare})`)
  context.fillStyle = light
  context.fillRect(0, 0, 1280, 720)
  return canvas
}

describe.each(KINDS)('the QR code of an %s', (_, text) => {
  test.each(VIEWS)('[A8] is read by the decoder that comes with the app: %s', async (_, view) => {
    const detect = await createShippedDetect()
    expect(await detect(photograph(await pictureOf(text), view))).toEqual([text])
  })
})

test('[A8] in a picture without a code nothing is read', async () => {
  const detect = await createShippedDetect()
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 300
  canvas.getContext('2d')?.fillRect(20, 20, 200, 90)
  expect(await detect(canvas)).toEqual([])
})
