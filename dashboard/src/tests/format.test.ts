import { describe, expect, it } from 'vitest'
import { changeText, type Compared } from '../format/change'
import { ago, bucketName } from '../format/time'
import { format, type Unit } from '../format/value'

/** Ordinary spaces, to read by. */
const plain = (text: string | undefined) => text?.replaceAll(/[\u00a0\u202f]/g, ' ')
const say = (value: number | null, unit: Unit) => plain(format(value, unit))

describe('values as people say them', () => {
  it.each([
    [0.6, '4.2 / week'],
    [3.4 / 7, '3.4 / week'],
    [1, '1.0 / day'],
    [12.34, '12.3 / day'],
    [148.4, '148 / day'],
    [1 / 7, '1.0 / week'],
    [1 / 10, '3.0 / month'],
    [1 / 365, '1.0 / year'],
    [0, '0 / week'],
    [1234, '1 234 / day'],
  ])('%d a day', (value, said) => expect(say(value, '1/day')).toBe(said))

  it.each([
    [0, '0 s'],
    [41, '41 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [2460, '41 min'],
    [3599, '1 h'],
    [18_000, '5 h'],
    [46_800, '13 h'],
    [12_000, '3 h 20 min'],
    [86_399, '1 d'],
    [187_200, '2 d 4 h'],
    [99.9 * 86_400, '99 d 22 h'],
    [150.2 * 86_400, '150 d'],
    [-90, '-2 min'],
  ])('%d seconds', (value, said) => expect(say(value, 's')).toBe(said))

  it.each([
    [0.071, '7.1 %'],
    [4 / 6, '66.7 %'],
    [0, '0 %'],
    [1, '100 %'],
    [0.0001, '< 0.1 %'],
  ])('a ratio of %d', (value, said) => expect(say(value, 'ratio')).toBe(said))

  it('says nothing for nothing', () => expect(say(null, 's')).toBe('–'))
  it('counts things', () => expect(say(2.345, '1')).toBe('2.3'))
})

describe('the change in words', () => {
  const metric = (part: Partial<Compared>): Compared => ({ value: 1, unit: 's', better: 'lower', n: 40, ...part })
  const text = (part: Partial<Compared>, now: number | null = 1) => {
    const change = changeText(metric({ value: now, ...part }), 'the 30 days before')
    return change && [change.way, plain(change.text)]
  }
  const was = (change: number | null, value: number | null = 1, n = 40) => ({ previous: { value, n, change } })

  it('tells durations by speed', () => {
    expect(text(was(-0.18))).toEqual(['better', '18 % faster than the 30 days before'])
    expect(text(was(0.5))).toEqual(['worse', '50 % slower than the 30 days before'])
    expect(text(was(1.4))).toEqual(['worse', '2.4 times as long as the 30 days before'])
    expect(text(was(685, 300))).toEqual(['worse', 'up from 5 min in the 30 days before'])
  })

  it('tells frequencies by how often, ratios by points', () => {
    expect(text({ unit: '1/day', better: 'higher', ...was(0.1) })).toEqual(['better', '10 % more often than the 30 days before'])
    expect(text({ unit: '1/day', better: 'higher', ...was(-0.1) })).toEqual(['worse', '10 % less often than the 30 days before'])
    expect(text({ unit: 'ratio', ...was(-0.021) })).toEqual(['better', '2.1 points lower than the 30 days before'])
    expect(text({ unit: 'ratio', better: 'neither', ...was(0.021) })?.[0]).toBe('neutral')
  })

  it('does not make news of nothing', () => {
    expect(text(was(0.001))).toEqual(['same', 'as in the 30 days before'])
    expect(text(was(null, null))).toEqual(['none', 'no value in the 30 days before'])
    expect(text(was(null, 0))).toEqual(['none', 'none in the 30 days before'])
    expect(text({ ...was(null, 0) }, 0)).toEqual(['same', 'as in the 30 days before'])
    expect(text(was(0.5), null)).toBeNull()
  })

  it('warns when either side has few rows', () => {
    expect(changeText(metric({ n: 4, ...was(0.5) }), '')?.care).toBe(true)
    expect(changeText(metric(was(0.5, 1, 4)), '')?.care).toBe(true)
    expect(changeText(metric(was(0.5)), '')?.care).toBe(false)
  })
})

describe('time', () => {
  it('is told from now', () => {
    const now = Date.parse('2026-01-10T12:00:00Z')
    expect([0, 2_000, 119_000, 7_200_000, 200_000_000].map((back) => plain(ago(now - back, now)))).toEqual(['now', '2 s ago', '1 min ago', '2 h ago', '2 d ago'])
    expect(ago(now + 5_000, now)).toBe('now')
  })

  it('names buckets in the zone', () => {
    expect(bucketName('2025-01-31T23:00:00Z', 'day', 'Europe/Paris')).toBe('1 Feb')
    expect(bucketName('2025-01-31T23:00:00Z', 'month', 'UTC')).toBe('Jan 25')
  })
})
