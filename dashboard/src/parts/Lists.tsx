import { useQuery } from '@tanstack/react-query'
import { useRef, type ReactNode } from 'react'
import type { Definitions, Deployment, Incident } from '../api/client'
import { deployments, incidents } from '../api/queries'
import { ago, dateTime, shortDateTime } from '../format/time'
import { format } from '../format/value'
import { failureOf, signalsOf, type Failure } from '../failure'
import { follow, usePlace } from '../useAddress'
import { words } from '../words'
import { Card } from './Card'
import { Empty } from './Empty'
import classes from './Lists.module.css'

const LENGTH = 8

export function LatestDeployments({ definitions }: { definitions: Definitions | undefined }) {
  const { address, to } = usePlace()
  const failure = failureOf(definitions, address.definition)
  const { data } = useQuery(deployments(address, LENGTH))
  const isNew = useNews(data?.deployments.map(key))
  return (
    <Card title={words.lists.deployments} className={classes.half}>
      {!data ? (
        <div className="skeleton" style={{ height: 240 }} />
      ) : data.deployments.length === 0 ? (
        <Empty title={words.lists.noDeployments} why={words.lists.noDeploymentsWhy} />
      ) : (
        <Listing
          head={[words.lists.when, words.lists.component, words.lists.version, words.lists.status]}
          rows={data.deployments.map((row) => ({
            key: key(row),
            fresh: isNew(key(row)),
            cells: [
              <When key="at" at={row.finished_at ?? row.started_at} />,
              row.component ? (
                <span key="where" className={classes.where}>
                  <a href={to({ node: `component:${row.component}` })} onClick={follow}>
                    {short(row.component)}
                  </a>
                  {row.instance && row.instance !== 'default' && <span className="dim"> @{row.instance}</span>}
                </span>
              ) : (
                words.none
              ),
              <Version key="version" row={row} />,
              <Status key="status" row={row} failure={failure} />,
            ],
          }))}
          label={words.lists.deployments}
        />
      )}
    </Card>
  )
}

export function LatestIncidents() {
  const { address } = usePlace()
  const { data } = useQuery(incidents(address, LENGTH))
  const isNew = useNews(data?.incidents.map(key))
  return (
    <Card title={words.lists.incidents} className={classes.half}>
      {!data ? (
        <div className="skeleton" style={{ height: 240 }} />
      ) : data.incidents.length === 0 ? (
        <Empty title={words.lists.noIncidents} why={words.lists.noIncidentsWhy} />
      ) : (
        <Listing
          head={[words.lists.when, words.lists.title, words.lists.severity, words.lists.lasted]}
          rows={data.incidents.map((row) => ({
            key: key(row),
            fresh: isNew(key(row)),
            cells: [
              <When key="at" at={row.started_at} />,
              <What key="what" row={row} />,
              row.severity ?? words.none,
              row.resolved_at && row.started_at ? (
                format((Date.parse(row.resolved_at) - Date.parse(row.started_at)) / 1000, 's')
              ) : (
                <span key="open" className={classes.broken}>
                  {words.lists.open}
                </span>
              ),
            ],
          }))}
          label={words.lists.incidents}
        />
      )}
    </Card>
  )
}

const key = (row: Deployment | Incident) => `${row.source}/${row.id}`
const short = (component: string) => component.split('/').slice(1).join('/') || component

/** Which rows came while the page was open: those slide in. */
function useNews(keys: string[] | undefined): (key: string) => boolean {
  const seen = useRef<Set<string> | null>(null)
  const fresh = useRef(new Set<string>())
  if (keys) {
    if (seen.current) keys.filter((each) => !seen.current?.has(each)).forEach((each) => fresh.current.add(each))
    seen.current = new Set([...(seen.current ?? []), ...keys])
  }
  return (each) => fresh.current.has(each)
}

function Listing({ head, rows, label }: { head: string[]; rows: { key: string; fresh: boolean; cells: ReactNode[] }[]; label: string }) {
  return (
    <div className={classes.scroll}>
      <table className="plain" aria-label={label}>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} className={row.fresh ? 'arrived' : undefined}>
              {row.cells.map((cell, index) => (
                <td key={head[index]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function When({ at }: { at: string | null }) {
  const { address } = usePlace()
  if (!at) return words.none
  const full = `${dateTime(at, address.zone)} (${ago(Date.parse(at), Date.now())})`
  return (
    <time dateTime={at} title={full}>
      {shortDateTime(at, address.zone)}
    </time>
  )
}

function Version({ row }: { row: Deployment }) {
  const text = row.version ?? row.sha?.slice(0, 8) ?? words.none
  const special = row.kind && row.kind !== 'code' && row.kind !== 'unknown' ? row.kind : null
  return (
    <span className={classes.version}>
      {row.url ? (
        <a href={row.url} rel="noreferrer">
          {text}
        </a>
      ) : (
        text
      )}
      {special && <span className={classes.kind}>{special}</span>}
    </span>
  )
}

function Status({ row, failure }: { row: Deployment; failure: Failure | undefined }) {
  const status = row.status ?? 'unknown'
  const failedLater = status === 'succeeded' && failure !== undefined && signalsOf(row, failure).length > 0
  return (
    <span className={classes.status} data-status={failedLater ? 'after' : status}>
      {failedLater ? words.lists.failedLater : (words.lists.status_[status] ?? status)}
    </span>
  )
}

function What({ row }: { row: Incident }) {
  const text = row.title ?? row.id ?? words.none
  const where = row.component ? short(row.component) : row.product
  return (
    <span className={classes.what} title={`${text} · ${row.source}/${row.id}`}>
      {row.url ? (
        <a href={row.url} rel="noreferrer">
          {text}
        </a>
      ) : (
        text
      )}
      <span className="dim"> {where}</span>
    </span>
  )
}
