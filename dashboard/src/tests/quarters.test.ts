import { describe, expect, it } from 'vitest'
import type { Deployment, ExplainedRow, Incident, MetricAnswer } from '../api/client'
import { apart, histogramCsv, labelled, toHistogram } from '../charts/toHistogram'
import { partsCsv, toParts } from '../charts/toParts'
import { toSteps } from '../charts/toSteps'
import type { Failure } from '../failure'
import { metricOf, troubles, troublesCsv } from '../stability'

const stats = { mean: 180, min: 60, max: 500, p50: 120, p75: 200, p90: 300, p95: 400, p99: 500 }
const answer = (part: object) => ({ value: 120, unit: 's', n: 12, stats, ...part }) as unknown as MetricAnswer
const bin = (from: number, to: number, n: number) => ({ from, to, n })

describe('a histogram', () => {
  const doubling = toHistogram(answer({ distribution: { scale: 'log', bins: [bin(60, 120, 9), bin(120, 240, 0), bin(240, 480, 3)] } }))

  it('draws bins that double as wide as each other, and marks by the logarithm', () => {
    expect(doubling?.bars.map((bar) => [bar.left, bar.right, bar.n])).toEqual([[0, 1 / 3, 9], [1 / 3, 2 / 3, 0], [2 / 3, 1, 3]])
    expect(doubling?.marks.map((mark) => [mark.name, mark.at])).toEqual([
      ['p50', 1 / 3],
      ['mean', (1 + Math.log2(1.5)) / 3],
      ['p95', (2 + Math.log2(400 / 240)) / 3],
    ])
    expect([doubling?.n, doubling?.top]).toEqual([12, 10])
  })

  it('says when values are suspiciously alike', () => {
    expect(doubling?.alike).toEqual({ from: 60, to: 120, n: 9 })
    expect(toHistogram(answer({ distribution: { scale: 'log', bins: [bin(60, 120, 6), bin(120, 240, 6)] } }))?.alike).toBeNull()
    expect(toHistogram(answer({ distribution: { scale: 'log', bins: [bin(60, 120, 5)] } }))?.alike).toBeNull()
  })

  it('takes a first bin from nothing, and counts that are as wide', () => {
    const first = toHistogram(answer({ distribution: { scale: 'log', bins: [bin(0, 0.9375, 1), bin(0.9375, 1.875, 1)] }, stats: { ...stats, p50: 0.46875 } }))
    expect(first?.marks[0]?.at).toBe(0.25)
    const even = toHistogram(answer({ unit: '1', distribution: { scale: 'linear', bins: [bin(0, 2, 1), bin(2, 4, 1)] }, stats: { ...stats, p50: 3 } }))
    expect([even?.marks[0]?.at, even?.ticks.map((tick) => tick.value)]).toEqual([0.75, [0, 2]])
  })

  it('is nothing without values, and a file with them', () => {
    expect(toHistogram(answer({}))).toBeNull()
    expect(toHistogram(undefined)).toBeNull()
    expect(doubling && histogramCsv(doubling)).toBe('from (seconds),below (seconds),n\r\n60,120,9\r\n120,240,0\r\n240,480,3\r\n')
  })

  it('keeps its labels apart and out of the way of lines', () => {
    const mark = (name: 'p50' | 'mean' | 'p95', at: number) => ({ name, value: 1, at })
    expect(labelled([mark('p50', 0.5), mark('mean', 0.6), mark('p95', 0.9)]).map((each) => [each.name, each.row, each.right])).toEqual([['p95', 0, false], ['mean', 1, false], ['p50', 2, false]])
    expect(labelled([mark('p50', 0.1), mark('mean', 0.2), mark('p95', 0.9)]).map((each) => each.name)).toEqual(['p50', 'mean', 'p95'])
    expect(apart([{ at: 0 }, { at: 0.1 }, { at: 0.3 }], 0.2).map((tick) => tick.at)).toEqual([0, 0.3])
  })
})

describe('flow', () => {
  it('says within which time how many are done', () => {
    expect(toSteps(answer({}))?.map((step) => step.value)).toEqual([120, 200, 300, 400])
    expect(toSteps(answer({ stats: undefined }))).toBeNull()
  })
})

describe('what failed', () => {
  const failure: Failure = { signals: ['incident', 'rollback'], window_s: 3600, incident_at: 'started_at', incident_scope: 'narrowest', closed_incidents_only: false, incident_max_age_s: null }
  const deployment = (id: string, part: object) => ({ source: 's', id, component: 'shop/cart', product: 'shop', instance: 'default', production: true, status: 'succeeded', kind: 'code', manual_failed: null, version: id, finished_at: '2025-01-02T00:00:00Z', ...part }) as unknown as Deployment
  const explained = (id: string, value: number) => ({ source: 's', id, item: null, at: '2025-01-01T00:00:00Z', component: 'shop/cart', product: 'shop', instance: 'eu', value }) as unknown as ExplainedRow
  const incident = { source: 's', id: 'i', component: null, product: 'shop', instance: null, severity: 'high', title: '=bad', started_at: '2025-01-03T00:00:00Z', resolved_at: null, cause_source_started_narrowest: 's', cause_id_started_narrowest: 'd1', cause_delay_s_started_narrowest: 60, cause_why_started_narrowest: 'the latest' } as unknown as Incident
  const rows = troubles(
    [explained('d1', 1), explained('d2', 0), explained('d3', 1)],
    [deployment('d1', { incidents_started_narrowest: 1, rollback_delay_s: 60 }), deployment('d4', { status: 'failed' }), deployment('d5', { status: 'failed', production: false })],
    [incident],
    failure,
  )

  it('is what the explanation says, with causes from the evidence, newest first', () => {
    expect(rows.map((row) => [row.kind, row.key, row.where, row.what])).toEqual([
      ['incident', 's/i', 'shop', '=bad'],
      ['attempt', 's/d4', 'cart', 'd4'],
      ['failure', 's/d1', 'cart @eu', 'd1'],
      ['failure', 's/d3', 'cart @eu', 'd3'],
    ])
    expect(rows[0]?.cause).toEqual({ key: 's/d1', name: 'cart d1', why: 'the latest', delay: 60 })
    expect(rows[2]?.signals).toEqual([{ signal: 'incident', delay: null, incident: '=bad' }, { signal: 'rollback', delay: 60, incident: null }])
    expect([rows[0]?.until, rows[3]?.signals]).toEqual([null, []])
  })

  it('has a file without formulas, and leads to explanations', () => {
    expect(troublesCsv(rows).split('\r\n')[1]).toBe('incident,2025-01-03T00:00:00.000Z,,shop,"=bad",high,s/d1,s/i')
    expect(metricOf('incident', undefined)).toBe('time_to_restore')
  })
})

describe('a metric taken apart', () => {
  const part = (name: string, value: number | null, n: number, more: object = {}) => ({ part: name, value, n, unit: 's', excluded: {}, marked: {}, coverage: n > 0 ? 1 : null, reason: null, reason_text: null, doc: '', ...more })
  const split = { by: 'stage', bottleneck: 'review', parts: [part('coding', 60, 9), part('pickup', null, 0, { reason: 'not_reviewed' }), part('review', 3600, 3)] }

  it('draws the parts that have a value and names the one that takes longest', () => {
    expect(toParts(answer({ split }))).toEqual([
      { part: 'coding', value: 60, n: 9, most: false },
      { part: 'review', value: 3600, n: 3, most: true },
    ])
    expect(toParts(answer({}))).toBeNull()
    expect(toParts(answer({ split: { ...split, parts: [part('coding', null, 0)] } }))).toBeNull()
  })

  it('has every part in its file, with why one has no value', () => {
    expect(partsCsv(answer({ split }).split?.parts ?? [], 's')).toBe('part,value (s),n,coverage,reason\r\ncoding,60,9,1,\r\npickup,,0,,not_reviewed\r\nreview,3600,3,1,\r\n')
  })
})
