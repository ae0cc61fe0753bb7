import type { Node } from '../../src/index.ts'
import { comeBack, showScene } from './scene.ts'

declare global {
  /** For the one who takes pictures. */
  var scene: { readonly node: Promise<Node>; readonly comeBack: typeof comeBack }
}

const target = document.getElementById('app')
if (target === null) throw new Error('the page has no element #app')
globalThis.scene = { ...showScene(target, new URLSearchParams(location.search)), comeBack }
