import { writeFileSync } from 'node:fs'
import { encode } from 'uqr'

const WIDTH = 1280
const HEIGHT = 720
/** Modules of white that a code needs around it. */
const QUIET = 4

/** Two frames of what a camera sees of a code on another tablet: turned, squeezed, in poor light, with noise. For `--use-file-for-fake-video-capture`. */
export const filmCode = (file: string, text: string, { degrees = 11, size = 430, light = 0.45 } = {}): void => {
  const code = encode(text, { border: QUIET, boostEcc: true })
  const turn = (degrees * Math.PI) / 180
  const luma = new Uint8Array(WIDTH * HEIGHT)
  let noise = 1
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [across, down] = [x - WIDTH / 2, (y - HEIGHT / 2) / 0.86]
      const column = Math.floor(((across * Math.cos(turn) + down * Math.sin(turn)) / size + 0.5) * code.size)
      const row = Math.floor(((down * Math.cos(turn) - across * Math.sin(turn)) / size + 0.5) * code.size)
      const inside = column >= 0 && row >= 0 && column < code.size && row < code.size
      const bright = inside ? (code.data[row]?.[column] === true ? 30 : 230) : 110
      noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0
      luma[y * WIDTH + x] = 16 + Math.round(bright * light + (noise >>> 28))
    }
  }
  const grey = new Uint8Array((WIDTH * HEIGHT) / 2).fill(128)
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, grey])
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`), frame, frame]))
}
