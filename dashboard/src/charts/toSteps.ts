import type { MetricAnswer } from '../api/client'

export interface Step {
  name: 'p50' | 'p75' | 'p90' | 'p95'
  share: number
  /** Seconds within which that share is done. */
  value: number
}

/** How long it takes until how many are done; null without rows. */
export function toSteps(answer: MetricAnswer): Step[] | null {
  const stats = answer.stats
  if (!stats || answer.n === 0) return null
  return ([['p50', 0.5], ['p75', 0.75], ['p90', 0.9], ['p95', 0.95]] as const).map(([name, share]) => ({ name, share, value: stats[name] }))
}
