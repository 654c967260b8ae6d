// Why a deployment counts as failed, by the rules of a definition. The server decides whether it does; this tells why.
import type { Definitions, Deployment } from './api/client'

/** The part of a definition that says what makes a deployment fail. */
export interface Failure {
  signals: string[]
  window_s: number
  incident_at: 'started_at' | 'opened_at'
  incident_scope: 'narrowest' | 'product'
  closed_incidents_only: boolean
  incident_max_age_s: number | null
}

/** Of a definition, the server's own when none is named; none while definitions are not there. */
export function failureOf(definitions: Definitions | undefined, id: string | undefined): Failure | undefined {
  const wanted = id ?? definitions?.default
  const found = definitions?.definitions.find((each) => each.definition.id === wanted)?.definition
  return (found as { failure?: Failure } | undefined)?.failure
}

/** The columns of the rule by which a definition looks for the cause of an incident: `started_narrowest` and so on. */
export function ruleOf(failure: Failure): string {
  return `${failure.incident_at.replace('_at', '')}_${failure.incident_scope}`
}

/** Signals that follow a deployment after some seconds, with the column that says after how many. */
const DELAYED: Record<string, string> = {
  rollback: 'rollback_delay_s',
  hotfix: 'hotfix_delay_s',
  revert: 'revert_delay_s',
  health_check: 'health_check_delay_s',
  incident_within: 'incident_within_s',
}

/** What speaks for a failure of this deployment; empty when nothing does, or when a person said that it did not fail. */
export function signalsOf(row: Deployment, failure: Failure): string[] {
  const cells = row as unknown as Record<string, unknown>
  const number = (name: string): number | null => (typeof cells[name] === 'number' ? cells[name] : null)
  if (failure.signals.includes('manual') && row.manual_failed !== null) return row.manual_failed ? ['manual'] : []
  return failure.signals.filter((signal) => {
    if (signal === 'incident') return incident(number, failure)
    if (signal === 'deploy_failed') return row.status === 'failed'
    if (signal === 'is_remediation') return row.kind === 'rollback' || row.kind === 'hotfix'
    const delay = number(DELAYED[signal] ?? '')
    return delay !== null && delay <= failure.window_s
  })
}

function incident(number: (name: string) => number | null, failure: Failure): boolean {
  const rule = ruleOf(failure)
  const open = failure.closed_incidents_only ? (number(`open_incidents_${rule}`) ?? 0) : 0
  if ((number(`incidents_${rule}`) ?? 0) - open <= 0) return false
  if (failure.incident_max_age_s === null) return true
  const delay = number(`${failure.closed_incidents_only ? 'first_resolved_delay_s' : 'first_delay_s'}_${rule}`)
  return delay !== null && delay <= failure.incident_max_age_s
}
