import type { Node } from '../../src/index.ts'
import { comeBack, showScene } from './scene.ts'
import { openMemoryNode } from './staged-node.ts'

declare global {
  /** For the one who takes pictures. */
  var scene: { readonly node: Promise<Node>; readonly comeBack: typeof comeBack; readonly other: () => Promise<Node> }
}

const target = document.getElementById('app')
if (target === null) throw new Error('the page has no element #app')
const shown = showScene(target, new URLSearchParams(location.search))
/** Another tablet of the same floor. */
const other = async (): Promise<Node> => openMemoryNode('RG3 Round Grinding 3', await (await shown.node).invite())
globalThis.scene = { ...shown, comeBack, other }
