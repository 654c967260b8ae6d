// Questions to the tree, pure.
import type { Level, Tree, TreeNode } from './api/client'
import { paceOf, type Pace } from './format/value'
import { words } from './words'

export interface Branch {
  node: TreeNode
  depth: number
  children: number
}

/** Nodes right below another. A team's are the products it owns. */
export function childrenOf(tree: Tree, node: string): TreeNode[] {
  if (node.startsWith('team:')) {
    const team = node.slice('team:'.length)
    return tree.nodes.filter((each) => each.level === 'product' && each.team === team)
  }
  return tree.nodes.filter((each) => each.parent === node)
}

/** The way down to a node, the group first. */
export function pathTo(tree: Tree, node: string): TreeNode[] {
  const byName = new Map(tree.nodes.map((each) => [each.node, each]))
  const path: TreeNode[] = []
  for (let here = byName.get(node); here && path.length < 10; here = here.parent ? byName.get(here.parent) : undefined) {
    path.unshift(here)
  }
  const top = byName.get('group')
  return top && path[0] && path[0] !== top ? [top, ...path] : path
}

/** A node by its full name, or by a shorter one that fits one node only. */
export function find(tree: Tree, name: string): TreeNode | undefined {
  const exact = tree.nodes.find((node) => node.node === name)
  if (exact) return exact
  const [level = '', rest = ''] = name.split(/:(.*)/s)
  const fitting = tree.nodes.filter((node) => node.level === level && node.node.endsWith(`/${rest}`))
  return fitting.length === 1 ? fitting[0] : undefined
}

/** The pace in which most of a column reads well: numbers below each other are compared, so they share it. */
export function columnPace(nodes: TreeNode[], metric: string): Pace | undefined {
  const values = nodes.flatMap((node) => (node.metrics[metric]?.unit === '1/day' ? (node.metrics[metric].value ?? []) : []))
  const middle = values.filter((value) => value > 0).toSorted((a, b) => a - b)
  return middle.length > 0 ? paceOf(middle[Math.floor(middle.length / 2)] ?? 0) : undefined
}

export type SortBy = { column: string; down: boolean }

/** Rows of the table: open branches in depth-first order, siblings sorted; those without a value last. */
export function branches(tree: Tree, roots: TreeNode[], open: ReadonlySet<string>, sort: SortBy): Branch[] {
  const rows: Branch[] = []
  const visit = (nodes: TreeNode[], depth: number) => {
    for (const node of sorted(nodes, sort)) {
      const below = childrenOf(tree, node.node)
      rows.push({ node, depth, children: below.length })
      if (open.has(node.node)) visit(below, depth + 1)
    }
  }
  visit(roots, 0)
  return rows
}

export function sorted(nodes: TreeNode[], { column, down }: SortBy): TreeNode[] {
  const sign = down ? -1 : 1
  const name = (a: TreeNode, b: TreeNode) => a.name.localeCompare(b.name)
  if (column === 'name') return nodes.toSorted((a, b) => sign * name(a, b))
  return nodes.toSorted((a, b) => {
    const [left, right] = [a.metrics[column]?.value ?? null, b.metrics[column]?.value ?? null]
    if (left === null || right === null) return left === right ? name(a, b) : left === null ? 1 : -1
    return sign * (left - right) || name(a, b)
  })
}

/** Nodes whose name or path holds every word that was typed; better fits first. */
export function search(tree: Tree, text: string, most = 12): TreeNode[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return tree.nodes.filter((node) => node.level === 'platform' || node.level === 'product').slice(0, most)
  const score = (node: TreeNode) => {
    const name = node.name.toLowerCase()
    const whole = `${node.node.toLowerCase()} ${words.level[node.level]}`
    if (!wanted.every((word) => whole.includes(word))) return -1
    const word = wanted[0] ?? ''
    return (name === word ? 8 : name.startsWith(word) ? 4 : name.includes(word) ? 2 : 0) + (7 - ORDER.indexOf(node.level)) / 8
  }
  return tree.nodes
    .map((node) => ({ node, score: score(node) }))
    .filter((each) => each.score >= 0)
    .toSorted((a, b) => b.score - a.score || a.node.node.localeCompare(b.node.node))
    .slice(0, most)
    .map((each) => each.node)
}

const ORDER: Level[] = ['group', 'platform', 'domain', 'product', 'team', 'component', 'instance']

export function nameOf(node: Pick<TreeNode, 'level' | 'name'>): string {
  return node.level === 'group' ? words.bar.group : node.name
}

/** Those with most rows, in the order they have. */
export function mostRows(nodes: TreeNode[], metric: string, most: number): TreeNode[] {
  const rows = (index: number) => nodes[index]?.metrics[metric]?.n ?? 0
  const chosen = nodes.map((_, index) => index).toSorted((a, b) => rows(b) - rows(a)).slice(0, most)
  return chosen.toSorted((a, b) => a - b).flatMap((index) => nodes[index] ?? [])
}

/** The five headline metrics of a definition: those the tree answers with, in the order people know. */
export function headline(tree: Tree): string[] {
  const known = Object.keys(tree.nodes[0]?.metrics ?? {})
  const order = ['deployment_frequency', 'lead_time', 'change_failure_rate', 'failed_deployment_recovery_time', 'time_to_restore', 'rework_rate']
  return order.filter((metric) => known.includes(metric))
}

export function rowsOf(metric: string): string {
  return words.rows[metric] ?? words.rowsElse
}
