import { BarcodeDetector, prepareZXingModule } from 'barcode-detector/ponyfill'
import decoderUrl from 'zxing-wasm/reader/zxing_reader.wasm?url'

/** Gives the texts of the QR codes that are seen in a picture. */
export type Detect = (picture: HTMLVideoElement | HTMLCanvasElement) => Promise<readonly string[]>

interface NativeDetector {
  readonly getSupportedFormats: () => Promise<readonly string[]>
  new (options: { readonly formats: readonly string[] }): { readonly detect: (picture: CanvasImageSource) => Promise<readonly { readonly rawValue: string }[]> }
}

/**
 * The browser's own detector where it reads QR codes, else the one that came with the app and lies on the tablet with it.
 * @throws when neither can be had, as where an old page asks for a file that is gone
 */
export const createDetect = async (): Promise<Detect> => {
  const native = (globalThis as { BarcodeDetector?: NativeDetector }).BarcodeDetector
  if (native !== undefined && (await native.getSupportedFormats()).includes('qr_code')) {
    const detector = new native({ formats: ['qr_code'] })
    return async (picture) => (await detector.detect(picture)).map(({ rawValue }) => rawValue)
  }
  return createShippedDetect()
}

/** The detector that came with the app. Without `locateFile` it would look for its file on the internet. */
export const createShippedDetect = async (): Promise<Detect> => {
  await prepareZXingModule({ overrides: { locateFile: () => decoderUrl }, fireImmediately: true })
  const detector = new BarcodeDetector({ formats: ['qr_code'] })
  return async (picture) => (await detector.detect(picture)).map(({ rawValue }) => rawValue)
}
