import classes from './Bars.module.css'

interface Row {
  name: string
  value: number | null
  text: string
  note: string
}

/** Bars from zero on one scale, each with its words: read as a list by those who hear it. */
export function Bars({ rows }: { rows: Row[] }) {
  const most = Math.max(0, ...rows.map((row) => row.value ?? 0))
  return (
    <dl className={classes.bars}>
      {rows.map((row) => (
        <div key={row.name}>
          <dt>{row.name}</dt>
          <dd>
            <span className={classes.track} aria-hidden="true">
              <span className={classes.fill} style={{ width: `${most > 0 ? ((row.value ?? 0) / most) * 100 : 0}%` }} />
            </span>
            <span className={classes.value}>{row.text}</span> <span className="dim">{row.note}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}
