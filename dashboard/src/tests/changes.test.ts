import { describe, expect, it } from 'vitest'
import type { Definitions, Tree, Value } from '../api/client'
import { changes, errors } from '../changes'

const value = (unit: Value['unit'], number: number | null, n: number): Value => ({ value: number, unit, n, coverage: 1, band: null, reason: null })
const node = (name: string, level: string, metrics: Record<string, Value>) => ({ node: name, level, name: name.split(':')[1] ?? '', parent: null, team: null, labels: {}, overall: null, metrics })
const tree = (...nodes: object[]) => ({ nodes }) as unknown as Tree
const product = (name: string, perDay: number, lead: number | null, failed: number, n = 60) =>
  node(`product:${name}`, 'product', {
    deployment_frequency: value('1/day', perDay, Math.round(perDay * 30)),
    lead_time: value('s', lead, lead === null ? 0 : n),
    change_failure_rate: value('ratio', failed, n),
  })
const definitions = {
  metrics: [
    { id: 'deployment_frequency', better: 'higher' },
    { id: 'lead_time', better: 'lower' },
    { id: 'change_failure_rate', better: 'lower' },
  ],
} as unknown as Definitions

describe('what changed most', () => {
  const now = tree(product('a', 2, 7200, 0.05), product('b', 2, 7200, 0.3), product('c', 2, null, 0), node('team:x', 'team', product('x', 9, 1, 0).metrics))
  const before = tree(product('a', 2, 72_000, 0.05), product('b', 2.1, 7000, 0.05), product('c', 2, 60, 0), node('team:x', 'team', product('x', 1, 9e6, 1).metrics))
  const found = changes(now, before, definitions, 'the 30 days before')

  it('is told of products, by how large it is beside chance, better and worse by direction', () => {
    expect(found.most.map((each) => [each.node.name, each.metric, each.change.way, each.sure])).toEqual([
      ['a', 'lead_time', 'better', 'clear'],
      ['b', 'change_failure_rate', 'worse', 'clear'],
    ])
  })

  it('says how much was looked at, and never ranks teams', () => {
    expect(found.compared).toBe(8)
    expect(found.most.some((each) => each.node.level === 'team')).toBe(false)
  })

  it('says of few rows that they may be chance', () => {
    const few = changes(tree(product('a', 2, 60, 0, 4)), tree(product('a', 2, 60_000, 0, 90)), definitions, '')
    expect(few.most.map((each) => each.sure)).toEqual(['chance'])
    expect(changes(now, now, definitions, '').most).toEqual([])
  })
})

describe('standard errors', () => {
  it('grow with the rows', () => {
    expect(errors('1/day', { value: 1, n: 100 }, { value: 0.64, n: 64 }, 0, 0)).toBeCloseTo(2 * Math.SQRT2)
    expect(errors('ratio', { value: 0, n: 10 }, { value: 0, n: 10 }, 10, 10)).toBe(0)
    expect(errors('ratio', { value: 0.5, n: 100 }, { value: 0.25, n: 100 }, 100, 100)).toBeCloseTo(3.65, 2)
  })

  it('take changes that travel together as one', () => {
    const size = (deployed: number) => errors('s', { value: 100, n: 500 }, { value: 200, n: 500 }, deployed, deployed)
    expect(size(2)).toBeLessThan(size(50))
    expect(size(500)).toBe(size(9000))
  })
})
