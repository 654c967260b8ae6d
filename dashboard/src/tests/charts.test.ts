import { describe, expect, it } from 'vitest'
import type { Answer, Point } from '../api/client'
import { logTicks, option, tooltip, type Tokens } from '../charts/option'
import { sparkline } from '../charts/toSparkline'
import { scaleOf, spreadLabels, toChartData, toCsv, toTable } from '../charts/toChartData'

const day = (number: number, value: number | null, n = 9): Point => ({
  from: `2025-01-0${number}T00:00:00Z`,
  to: `2025-01-0${number + 1}T00:00:00Z`,
  value,
  n,
})

const answer = (unit: '1/day' | 's', series: Point[]): Answer =>
  ({ metrics: { some: { unit, series } } }) as unknown as Answer

const NOW = Date.parse('2025-01-03T12:00:00Z')
const named = (name: string, points: Point[], unit: '1/day' | 's' = 's') => ({ name, answer: answer(unit, points) })

describe('answers to lines', () => {
  const data = toChartData(
    [named('a', [day(1, 60), day(2, null, 0), day(3, 120, 2)]), named('b, c', [day(1, 30), day(2, 45)])],
    'some',
    'day',
    'UTC',
    NOW,
  )

  it('keeps gaps, marks few rows, and knows a bucket that is not over', () => {
    expect(data?.lines[0]?.dots.map((dot) => [dot.value, dot.few])).toEqual([[60, false], [null, false], [120, true]])
    expect(data?.lines[1]?.dots.map((dot) => dot.value)).toEqual([30, 45, null])
    expect([data?.unfinished, data?.buckets]).toEqual([true, ['1 Jan', '2 Jan', '3 Jan']])
    expect(toChartData([named('a', [day(1, 60)])], 'some', 'day', 'UTC', NOW)?.unfinished).toBe(false)
  })

  it('is nothing when there is nothing', () => {
    expect(toChartData([], 'some', 'day', 'UTC', NOW)).toBeNull()
    expect(toChartData([named('a', [day(1, null, 0)])], 'some', 'day', 'UTC', NOW)).toBeNull()
    expect(toChartData([named('a', [day(1, 1)])], 'other', 'day', 'UTC', NOW)).toBeNull()
  })

  it('tells all values of a frequency in one pace', () => {
    const slow = toChartData([named('a', [day(1, 0.02), day(2, 0.3)], '1/day')], 'some', 'day', 'UTC', NOW)
    expect(slow?.pace).toBe('week')
  })

  it('has a table and a file behind it', () => {
    if (!data) throw new Error('no data')
    expect(toTable(data).rows.map((row) => [row.name, ...row.cells.map((cell) => cell.value)])).toEqual([
      ['1 Jan 2025', 60, 30],
      ['2 Jan 2025', null, 45],
      ['3 Jan 2025', 120, null],
    ])
    expect(toCsv(data).split('\r\n').slice(0, 3)).toEqual([
      'from,to,a (seconds),a (n),"b, c (seconds)","b, c (n)"',
      '2025-01-01T00:00:00Z,2025-01-02T00:00:00Z,60,9,30,9',
      '2025-01-02T00:00:00Z,2025-01-03T00:00:00Z,,0,45,9',
    ])
  })

  it('does not let names of data become formulas or markup', () => {
    const bad = toChartData([named('=1+1', [day(1, 1)]), named('<img src=x>', [day(1, 1)])], 'some', 'day', 'UTC', NOW)
    if (!bad) throw new Error('no data')
    expect(toCsv(bad)).toContain('"=1+1 (seconds)"')
    expect(tooltip(bad, 0, { series: ['red'], ghost: 'grey' })).toContain('&#60;img src=x&#62;')
    expect(tooltip(bad, 7, { series: [], ghost: '' })).toBe('')
  })

  it('has a line at every label of an axis that multiplies', () => {
    const tokens: Tokens = { ink: '', ink2: '', line: '#ddd', card: '#fff', ghost: '', series: ['#00f'], font: '' }
    const wide = toChartData([named('a', [day(1, 60), day(2, 90_000)])], 'some', 'day', 'UTC', NOW)
    if (!wide) throw new Error('no data')
    const drawn = option(wide, tokens, true, true) as unknown as { series: { data: unknown[]; silent?: boolean }[]; yAxis: { axisLabel: { customValues: number[] } } }
    expect(drawn.series.filter((each) => each.silent).map((each) => each.data[0])).toEqual(drawn.yAxis.axisLabel.customValues)
  })

  it('never draws a line through a gap, and starts at zero', () => {
    const tokens: Tokens = { ink: '', ink2: '', line: '', card: '#fff', ghost: '', series: ['#00f'], font: '' }
    if (!data) throw new Error('no data')
    const drawn = option(data, tokens, false, true) as unknown as { series: { connectNulls: boolean; data: { itemStyle: object }[] }[]; yAxis: { min: number } }
    expect(drawn.series.every((line) => !line.connectNulls)).toBe(true)
    expect(drawn.yAxis.min).toBe(0)
    expect(drawn.series[0]?.data[2]?.itemStyle).toMatchObject({ color: '#fff', borderColor: '#00f' })
  })
})

describe('axes', () => {
  it('step in units of people', () => {
    expect(scaleOf(9 * 3600, 's')).toEqual({ by: 3600, step: 2, top: 10 })
    expect(scaleOf(40 * 3600, 's')).toEqual({ by: 3600, step: 12, top: 48 })
    expect(scaleOf(10 * 86_400, 's')).toEqual({ by: 86_400, step: 2.5, top: 10 })
    expect(scaleOf(0.23, 'ratio')).toMatchObject({ by: 0.01, step: 10, top: 30 })
    expect(scaleOf(0, '1')).toMatchObject({ top: 1, step: 1 })
    expect(scaleOf(0.9, '1/day', 'week').top).toBeGreaterThanOrEqual(6.3)
  })
})

describe('axes that multiply', () => {
  it('stand at round times around the values', () => {
    expect(logTicks([7_200, 200_000])).toEqual([3_600, 21_600, 86_400, 604_800])
    expect(logTicks([0, 60])).toEqual([60, 600])
    expect(logTicks([1e9]).length).toBeGreaterThan(0)
  })
})

describe('labels at the ends of lines', () => {
  it('move apart and stay within', () => {
    expect(spreadLabels([10, 12, 100], 16, 200)).toEqual([10, 26, 100])
    expect(spreadLabels([199, 198, 197], 16, 200)).toEqual([200, 184, 168])
    expect(spreadLabels([], 16, 200)).toEqual([])
  })
})

describe('sparklines', () => {
  it('break at gaps and keep what stands alone', () => {
    const spark = sparkline([day(1, 2), day(2, 4), day(3, null, 0), day(4, 3, 1)], [day(1, 8), day(2, 8)], 100, 20)
    expect(spark?.line.match(/M/g)).toHaveLength(2)
    expect(spark?.alone).toHaveLength(1)
    expect(spark?.last?.few).toBe(true)
    expect(spark?.ghost.startsWith('M')).toBe(true)
  })

  it('need two values', () => {
    expect(sparkline([day(1, 2)], [], 100, 20)).toBeNull()
    expect(sparkline([day(1, 0), day(2, 0)], [], 100, 20)?.line).not.toContain('NaN')
  })
})
