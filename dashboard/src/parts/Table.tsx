import type { ReactNode } from 'react'
import classes from './Evolution.module.css'

interface Props {
  caption: string
  head: { name: string; right?: boolean }[]
  rows: { key: string; cells: ReactNode[] }[]
}

/** The table behind a chart; the first cell of a row names it. */
export function Table({ caption, head, rows }: Props) {
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={caption}>
      <table className="plain">
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            {head.map(({ name, right }) => (
              <th key={name} scope="col" className={right ? 'right' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              {row.cells.map((cell, index) =>
                index === 0 ? (
                  <th key="name" scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={head[index]?.name} className={head[index]?.right ? 'right' : undefined}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
