import { expect, test } from 'vitest'
import { parseSwarmId } from '../../src/core/ids.ts'
test('a swarm id has 32 digits', () => { expect(parseSwarmId('a')).toBeUndefined(); expect(indexedDB).toBeDefined() })
