import { useState } from 'react'
import type { Definitions, Tree, TreeNode, Value } from '../api/client'
import { format, type Pace } from '../format/value'
import { branches, childrenOf, columnPace, headline, nameOf, type SortBy } from '../model'
import { follow, usePlace } from '../useAddress'
import { docOf, titleOf, words } from '../words'
import { BandMark } from './BandMark'
import { Card } from './Card'
import { Choice } from './Choice'
import { Empty } from './Empty'
import { reasonOf } from './reason'
import classes from './TreeTable.module.css'

interface Props {
  tree: Tree
  definitions: Definitions | undefined
  stale: boolean
}

export function TreeTable({ tree, definitions, stale }: Props) {
  const { address, to } = usePlace()
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [sort, setSort] = useState<SortBy>({ column: 'name', down: false })
  const [by, setBy] = useState<'platform' | 'team'>('platform')
  const teams = address.node === 'group' ? tree.nodes.filter((node) => node.level === 'team') : []
  const roots = by === 'team' && teams.length > 0 ? teams : childrenOf(tree, address.node)
  const metrics = headline(tree)
  const rows = branches(tree, roots, open, sort)
  const shown = rows.map((row) => row.node)
  const level = roots[0]?.level ?? 'product'
  if (roots.length === 0 && address.node !== 'group') return null

  const press = (column: string) =>
    setSort((known) => (known.column === column ? { column, down: !known.down } : { column, down: column !== 'name' }))
  const toggle = (node: string) =>
    setOpen((known) => {
      const next = new Set(known)
      if (!next.delete(node)) next.add(node)
      return next
    })
  const head = (column: string, text: string, title?: string) => (
    <th
      key={column}
      scope="col"
      aria-sort={sort.column === column ? (sort.down ? 'descending' : 'ascending') : 'none'}
      className={column === 'name' ? classes.nameColumn : undefined}
    >
      <button type="button" className={classes.sort} onClick={() => press(column)} title={title ?? words.tree.sort(text)}>
        {text}
        <span aria-hidden="true" className={classes.arrow}>
          {sort.column === column ? (sort.down ? '↓' : '↑') : ''}
        </span>
      </button>
    </th>
  )

  return (
    <Card
      title={words.levels[level].replace(/^./, (first) => first.toUpperCase())}
      note={words.tree.care}
      className="across"
      actions={
        teams.length > 0 && (
          <Choice
            label={words.tree.by}
            options={[
              { value: 'platform', label: words.tree.platforms },
              { value: 'team', label: words.tree.teams },
            ]}
            value={by}
            onChange={(value) => setBy(value as 'platform' | 'team')}
          />
        )
      }
    >
      {roots.length === 0 ? (
        <Empty title={words.tree.none} why={words.tree.noneWhy} />
      ) : (
        <div className={classes.scroll} data-stale={stale}>
          <table className={classes.table}>
            <thead>
              <tr>
                {head('name', words.tree.name)}
                {metrics.map((metric) => head(metric, titleOf(metric, definitions), docOf(metric, definitions)))}
              </tr>
            </thead>
            <tbody>
              {rows.map(({ node, depth, children }) => (
                <tr key={`${node.node} ${depth}`} data-depth={Math.min(depth, 3)}>
                  <th scope="row" className={classes.name} style={{ paddingLeft: depth * 24 }}>
                    {children > 0 ? (
                      <button
                        type="button"
                        className={classes.toggle}
                        aria-expanded={open.has(node.node)}
                        aria-label={(open.has(node.node) ? words.tree.close : words.tree.open)(nameOf(node))}
                        onClick={() => toggle(node.node)}
                      >
                        <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
                          <path d="M4.5 2.5 8 6 4.5 9.5" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
                        </svg>
                      </button>
                    ) : (
                      <span className={classes.noToggle} />
                    )}
                    <a href={to({ node: node.node })} onClick={follow}>
                      {nameOf(node)}
                    </a>
                    {depth > 0 && <span className={classes.level}>{words.level[node.level]}</span>}
                  </th>
                  {metrics.map((metric) => (
                    <Cell key={metric} value={node.metrics[metric]} most={greatest(shown, metric)} pace={columnPace(shown, metric)} reasons={definitions} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  )
}

function greatest(nodes: TreeNode[], metric: string): number {
  return Math.max(0, ...nodes.map((node) => node.metrics[metric]?.value ?? 0))
}

function Cell({ value, most, pace, reasons }: { value: Value | undefined; most: number; pace: Pace | undefined; reasons: Definitions | undefined }) {
  if (!value || value.value === null) {
    const why = reasonOf(value, reasons)
    return (
      <td title={why}>
        <span className={classes.none}>
          <span aria-hidden="true">{words.none}</span>
          <span className="unseen">{why ?? words.tree.na}</span>
        </span>
      </td>
    )
  }
  const share = most > 0 ? value.value / most : 0
  return (
    <td title={words.tile.n(value.n)}>
      <span className={classes.cell}>
        <span className={classes.number}>{format(value.value, value.unit, pace)}</span>
        {value.band && <BandMark band={value.band} bare />}
      </span>
      <span className={classes.bar} aria-hidden="true">
        <span className={classes.fill} style={{ width: `${Math.max(share > 0 ? 1 : 0, share * 100)}%` }} />
      </span>
    </td>
  )
}
