// What changed most between two windows, pure. Nodes are compared with themselves, never with each other or by people.
import type { Definitions, Tree, TreeNode, Value } from './api/client'
import { changeText, type ChangeText, type Compared } from './format/change'
import type { Unit } from './format/value'

export type Sure = 'clear' | 'likely' | 'chance'

export interface Changed {
  node: TreeNode
  metric: string
  now: Value & { value: number }
  then: Value & { value: number }
  change: ChangeText
  sure: Sure
  /** How many times the change is what chance alone commonly gives: standard errors. */
  size: number
}

export interface Changes {
  most: Changed[]
  /** How many changes were looked at: among many, some are large by chance. */
  compared: number
}

/** With this many standard errors one of some 200 comparisons is still hardly chance (0.05 % each way). */
const CLEAR = 3.5
const LIKELY = 2.5
/** Smaller ones are not news. */
const LEAST = 1.5
/** Standard deviation of the logarithm of durations: between a fifth and five times the median for most. */
const LOG_SPREAD = 1.5

/** The `most` largest changes of products, one a product, in the direction they went. */
export function changes(now: Tree, before: Tree, definitions: Definitions, beforeName: string, most = 5): Changes {
  const then = new Map(before.nodes.map((node) => [node.node, node]))
  const better = new Map(definitions.metrics.map((metric) => [metric.id as string, metric.better]))
  const found: Changed[] = []
  let compared = 0
  for (const node of now.nodes.filter((each) => each.level === 'product')) {
    const old = then.get(node.node)
    if (!old) continue
    for (const [metric, value] of Object.entries(node.metrics)) {
      const was = old.metrics[metric]
      if (!has(value) || !has(was)) continue
      // A share or a median of one or two rows is an anecdote; how many rows there are is what a frequency tells.
      if (value.unit !== '1/day' && Math.min(value.n, was.n) < 3) continue
      compared += 1
      const size = errors(value.unit, value, was, deployments(node), deployments(old))
      if (size < LEAST) continue
      const change = changeText(compare(value, was, better.get(metric) ?? 'neither'), beforeName)
      if (!change || change.way === 'same') continue
      found.push({ node, metric, now: value, then: was, change, sure: sureness(size, change.care), size })
    }
  }
  const order: Sure[] = ['clear', 'likely', 'chance']
  found.sort((a, b) => order.indexOf(a.sure) - order.indexOf(b.sure) || b.size - a.size || a.node.node.localeCompare(b.node.node))
  const seen = new Set<string>()
  const one = found.filter((each) => !seen.has(each.node.node) && seen.add(each.node.node))
  return { most: one.slice(0, most), compared }
}

const has = (value: Value | undefined): value is Value & { value: number } => typeof value?.value === 'number'
const deployments = (node: TreeNode) => node.metrics['deployment_frequency']?.n ?? Number.POSITIVE_INFINITY

function sureness(size: number, few: boolean): Sure {
  if (few) return 'chance'
  return size >= CLEAR ? 'clear' : size >= LIKELY ? 'likely' : 'chance'
}

function compare(now: Value, then: Value, better: Compared['better']): Compared {
  const [value, was] = [now.value ?? 0, then.value ?? 0]
  const change = now.unit === 'ratio' ? value - was : was === 0 ? null : (value - was) / was
  return { value, unit: now.unit, better, n: now.n, previous: { value: was, n: then.n, change } }
}

/**
 * A difference in standard errors. Counts as Poisson by their square roots; shares by the pooled share; durations by
 * their logarithms with a spread taken as known, and with no more rows than deployments, because changes that travel
 * together are not independent. A rule of thumb to sort and to warn by, not a test.
 */
export function errors(unit: Unit, now: { value: number; n: number }, then: { value: number; n: number }, deployedNow: number, deployedThen: number): number {
  switch (unit) {
    case '1/day':
      return Math.SQRT2 * Math.abs(Math.sqrt(now.n) - Math.sqrt(then.n))
    case 'ratio': {
      const pooled = (now.value * now.n + then.value * then.n) / (now.n + then.n)
      const error = Math.sqrt(pooled * (1 - pooled) * (1 / now.n + 1 / then.n))
      return error > 0 ? Math.abs(now.value - then.value) / error : 0
    }
    default: {
      if (now.value <= 0 || then.value <= 0) return 0
      const rows = 1 / Math.min(now.n, deployedNow) + 1 / Math.min(then.n, deployedThen)
      return Math.abs(Math.log(now.value / then.value)) / (LOG_SPREAD * Math.sqrt(rows))
    }
  }
}
