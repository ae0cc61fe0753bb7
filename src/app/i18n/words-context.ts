import { createContext } from 'svelte'
import type { Words } from './words.svelte.ts'

/** The words of the app, set once at its root. */
export const [getWords, setWords] = createContext<Words>()
