import { describe, expect, it } from 'vitest'
import { bucketOf, DEFAULTS, formatAddress, parseAddress, type Address } from '../address'

const parse = (text: string) => {
  const url = new URL(text, 'http://here')
  return parseAddress(url.pathname, url.search)
}

describe('the address', () => {
  it('is empty for what everybody sees first', () => {
    expect(formatAddress(DEFAULTS)).toBe('/')
    expect(parse('/')).toEqual({ ...DEFAULTS, definition: undefined, bucket: undefined, explain: undefined })
  })

  it('gives every state back', () => {
    const states: Partial<Address>[] = [
      { node: 'component:shop/cart' },
      { node: 'instance:shop/cart@eu west', window: { last: '365d' }, definition: 'rex' },
      { window: { from: '2025-01-01', to: '2025-01-11' }, zone: 'Europe/Paris', theme: 'dark' },
      { node: 'product:50 % & more?', metric: 'lead_time', explain: 'lead_time', tables: true, log: true, bucket: 'week' },
    ]
    for (const state of states) {
      const address = { ...DEFAULTS, ...state }
      expect(parse(formatAddress(address))).toEqual({ definition: undefined, bucket: undefined, explain: undefined, ...address })
    }
    expect(formatAddress({ ...DEFAULTS, node: 'component:shop/cart' })).toBe('/node/component:shop/cart')
  })

  it('falls back on what it cannot read', () => {
    const address = parse('/?window=3y&zone=Nowhere/At_All&theme=pink&bucket=century')
    expect(address).toMatchObject({ window: { last: '30d' }, zone: 'UTC', theme: 'auto', bucket: undefined })
    expect(parse('/node/%E0%A4%A').node).toBe('%E0%A4%A')
  })

  it('takes a bucket that fits the window', () => {
    const of = (window: Address['window']) => bucketOf({ ...DEFAULTS, window })
    expect([of({ last: '7d' }), of({ last: '30d' }), of({ last: '90d' }), of({ last: '365d' })]).toEqual(['day', 'week', 'week', 'week'])
    expect(of({ from: '2020-01-01', to: '2025-01-01' })).toBe('month')
    expect(of({ from: 'x', to: 'y' })).toBe('week')
  })
})
