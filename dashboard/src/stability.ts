// What went wrong and why, from the server's own rows. Pure.
import type { Definitions, Deployment, ExplainedRow, Incident } from './api/client'
import { ruleOf, signalsOf, type Failure } from './failure'

export type Kind = 'incident' | 'failure' | 'attempt'

export interface Trouble {
  kind: Kind
  key: string
  at: number
  /** When an incident ended; null while it is open. Others end at once. */
  until: number | null
  /** Component, else product; with the instance where there are several. */
  where: string
  what: string
  severity: string | null
  /** Of an incident: the deployment it is linked to, in the words of the server why, and how long before it was. */
  cause: { key: string; name: string; why: string; delay: number } | null
  /** Of a failed deployment: which signals said so, each with what followed. */
  signals: { signal: string; delay: number | null; incident: string | null }[]
}

const key = (row: { source: string | null; id: string | null }) => `${row.source}/${row.id}`
const last = (name: string | null) => name?.split('/').at(-1) ?? ''
const where = (row: { component: string | null; product: string | null; instance: string | null }) =>
  `${last(row.component) || row.product || ''}${row.instance && row.instance !== 'default' ? ` @${row.instance}` : ''}`

/**
 * Incidents, deployments that count as failed and attempts that failed, newest first. Which deployments failed is what
 * the explanation of the change failure rate says (`value` 1); its causes are read from their evidence.
 */
export function troubles(failed: ExplainedRow[], deployments: Deployment[], incidents: Incident[], failure: Failure | undefined): Trouble[] {
  const byKey = new Map(deployments.map((row) => [key(row), row]))
  const rule = failure ? ruleOf(failure) : 'started_narrowest'
  const found = incidents.map((row) => incident(row, rule, byKey))
  const blamed = new Map(found.flatMap((each) => (each.cause ? [[each.cause.key, each.what] as const] : [])))
  const failures = failed.filter((row) => row.value === 1 && row.at).map((row): Trouble => {
    const evidence = byKey.get(key(row))
    return {
      ...none,
      kind: 'failure',
      key: key(row),
      at: Date.parse(row.at ?? ''),
      where: where(row),
      what: versionOf(evidence) ?? row.id,
      signals: evidence && failure ? signalsOf(evidence, failure).map((signal) => said(signal, evidence, blamed.get(key(row)) ?? null)) : [],
    }
  })
  const known = new Set(failures.map((each) => each.key))
  const attempts = deployments
    .filter((row) => row.status === 'failed' && row.production && row.finished_at && !known.has(key(row)))
    .map((row): Trouble => ({ ...none, kind: 'attempt', key: key(row), at: Date.parse(row.finished_at ?? ''), where: where(row), what: versionOf(row) ?? row.id ?? '' }))
  return [...found, ...failures, ...attempts].filter((each) => Number.isFinite(each.at)).toSorted((a, b) => b.at - a.at || a.key.localeCompare(b.key))
}

const none = { until: null, severity: null, cause: null, signals: [] }

function incident(row: Incident, rule: string, deployments: Map<string, Deployment>): Trouble {
  const cells = row as unknown as Record<string, unknown>
  const [source, id] = [cells[`cause_source_${rule}`], cells[`cause_id_${rule}`]]
  const cause = typeof source === 'string' && typeof id === 'string' ? `${source}/${id}` : null
  const evidence = cause ? deployments.get(cause) : undefined
  return {
    ...none,
    kind: 'incident',
    key: key(row),
    at: Date.parse(row.started_at ?? row.opened_at ?? ''),
    until: row.resolved_at ? Date.parse(row.resolved_at) : null,
    where: where(row),
    what: row.title ?? row.id ?? '',
    severity: row.severity,
    cause: cause
      ? {
          key: cause,
          name: evidence ? `${where(evidence)} ${versionOf(evidence) ?? ''}`.trim() : String(id),
          why: String(cells[`cause_why_${rule}`] ?? ''),
          delay: Number(cells[`cause_delay_s_${rule}`] ?? 0),
        }
      : null,
  }
}

const DELAYS: Record<string, string> = { rollback: 'rollback_delay_s', hotfix: 'hotfix_delay_s', revert: 'revert_delay_s', health_check: 'health_check_delay_s', incident_within: 'incident_within_s' }

function said(signal: string, row: Deployment, title: string | null) {
  const delay = (row as unknown as Record<string, unknown>)[DELAYS[signal] ?? '']
  return { signal, delay: typeof delay === 'number' ? delay : null, incident: signal === 'incident' ? title : null }
}

const versionOf = (row: Deployment | undefined) => row?.version ?? row?.sha?.slice(0, 8)

/** Metric whose explanation holds the row of a mark. */
export function metricOf(kind: Kind, definitions: Definitions | undefined): string {
  const wanted = { incident: 'time_to_restore', failure: 'change_failure_rate', attempt: 'deployment_success_rate' }[kind]
  return definitions?.metrics.some((metric) => metric.id === wanted) === false ? 'change_failure_rate' : wanted
}

export function troublesCsv(rows: Trouble[]): string {
  const quote = (text: string) => (/[",\n]/.test(text) || /^[=+\-@]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const time = (at: number | null) => (at === null ? '' : new Date(at).toISOString())
  const lines = rows.map((row) =>
    [row.kind, time(row.at), row.kind === 'incident' ? time(row.until) : '', row.where, row.what, row.severity ?? '', row.cause?.key ?? row.signals.map((each) => each.signal).join(' '), row.key].map(quote).join(','),
  )
  return ['kind,at,until,where,what,severity,cause,id', ...lines].join('\r\n') + '\r\n'
}
