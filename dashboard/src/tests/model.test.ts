import { describe, expect, it } from 'vitest'
import { pause, refresher } from '../api/live'
import { reader } from '../api/sse'
import { inTurn } from '../api/turn'
import type { Tree, TreeNode } from '../api/client'
import { branches, childrenOf, columnPace, find, pathTo, search, sorted } from '../model'

const node = (name: string, parent: string | null, value: number | null, team: string | null = null): TreeNode => {
  const [level = '', rest = ''] = name.split(':')
  return {
    node: name,
    level: level as TreeNode['level'],
    name: rest.split('/').at(-1) ?? '',
    parent,
    team,
    labels: {},
    overall: null,
    metrics: { some: { value, unit: 's', n: 1, coverage: 1, band: null, reason: null } },
  }
}

const tree = {
  nodes: [
    node('group', null, 1),
    node('platform:a', 'group', 3),
    node('platform:b', 'group', null),
    node('platform:c', 'group', 2),
    node('product:shop', 'platform:a', 5, 'red'),
    node('component:shop/cart', 'product:shop', 1),
    node('component:till/cart', 'product:till', 1),
    node('component:shop/pay', 'product:shop', 1),
    node('team:red', null, 1),
  ],
} as unknown as Tree

describe('the tree', () => {
  it('sorts siblings, those without a value last either way', () => {
    const names = (down: boolean) => sorted(childrenOf(tree, 'group'), { column: 'some', down }).map((each) => each.name)
    expect(names(true)).toEqual(['a', 'c', 'b'])
    expect(names(false)).toEqual(['c', 'a', 'b'])
  })

  it('opens branch by branch', () => {
    const rows = branches(tree, childrenOf(tree, 'group'), new Set(['platform:a', 'product:shop']), { column: 'name', down: false })
    expect(rows.map((row) => `${'-'.repeat(row.depth)}${row.node.name} ${row.children}`)).toEqual(['a 1', '-shop 2', '--cart 0', '--pay 0', 'b 0', 'c 0'])
  })

  it('tells a column of frequencies in one pace', () => {
    const often = (name: string, value: number) => {
      const made = node(name, 'group', value)
      return { ...made, metrics: { often: { ...made.metrics['some'], unit: '1/day' } } } as TreeNode
    }
    expect(columnPace([often('product:a', 4), often('product:b', 0.2), often('product:c', 0.03)], 'often')).toBe('week')
    expect(columnPace([often('product:a', 0)], 'often')).toBeUndefined()
    expect(columnPace([node('product:a', 'group', 4)], 'some')).toBeUndefined()
  })

  it('has teams across it', () => {
    expect(childrenOf(tree, 'team:red').map((each) => each.node)).toEqual(['product:shop'])
    expect(pathTo(tree, 'team:red').map((each) => each.node)).toEqual(['group', 'team:red'])
    expect(pathTo(tree, 'component:shop/cart').map((each) => each.name)).toEqual(['', 'a', 'shop', 'cart'])
  })

  it('finds by short names only what is meant', () => {
    expect(find(tree, 'component:pay')?.node).toBe('component:shop/pay')
    expect(find(tree, 'component:cart')).toBeUndefined()
    expect(find(tree, 'component:shop/cart')?.node).toBe('component:shop/cart')
  })

  it('is searched by words', () => {
    expect(search(tree, 'cart').map((each) => each.node)).toEqual(['component:shop/cart', 'component:till/cart'])
    expect(search(tree, 'cart till')[0]?.node).toBe('component:till/cart')
    expect(search(tree, 'nothing')).toEqual([])
    expect(search(tree, 'sh')[0]?.node).toBe('product:shop')
  })
})

describe('the stream', () => {
  it('is cut into messages wherever it breaks', () => {
    const cut = reader()
    expect(cut('event: cha')).toEqual([])
    expect(cut('nge\nid: 4\ndata: {"change":4}\n')).toEqual([])
    expect(cut('\n: keep\n\nevent: x\ndata: 1\n\n')).toEqual([
      { event: 'change', data: '{"change":4}' },
      { event: 'x', data: '1' },
    ])
  })

  it('asks for what is looked at first without waiting for the rest, and for the rest in every second round', async () => {
    const asked: string[] = []
    const kinds = ['metrics', 'tree', 'series', 'before']
    let tellers = 2
    const fresh = refresher({
      invalidateQueries: (filter) => {
        const found = kinds.find((kind) => filter?.predicate?.({ queryKey: [kind] } as never))
        asked.push(found ?? '')
        // Something changes while the tree is asked for, twice.
        if (found === 'tree' && tellers-- > 0) fresh()
        return Promise.resolve()
      },
    })
    fresh()
    await expect.poll(() => asked.length, { timeout: 5_000 }).toBe(10)
    expect(asked.join(' ')).toBe('metrics tree metrics tree series before metrics tree series before')
  })

  it('asks one after the other, also after one that failed', async () => {
    const order: string[] = []
    const ask = (name: string, fails = false) => inTurn(async () => {
      order.push(`${name} begins`)
      await Promise.resolve()
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
    const asked = [ask('a'), ask('b', true), ask('c')]
    expect((await Promise.allSettled(asked)).map((each) => each.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it('asks a slow server less often', () => {
    expect([pause(10), pause(1_000), pause(60_000)]).toEqual([250, 2_000, 10_000])
  })
})
