import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { bucketOf, type Address, type Bucket, type Window } from '../address'
import { inTurn } from './turn'
import { body, client, type Answer, type Tree } from './client'

interface Range {
  from: string
  to?: string
}

/** A window up to now has no end: the server sets it on the minute, the same for all requests of the minute. */
function range(window: Window): Range {
  return 'last' in window ? { from: window.last } : { from: window.from, to: window.to }
}

/** What all questions share; with a definition only when one was chosen. */
function asked(address: Address) {
  return { ...range(address.window), definition: address.definition }
}

/** Answers move on with time: a window up to now ends later every minute. */
const SLIDES_MS = 5 * 60_000

/** Metrics of a node with series, compared with the window before. */
export function metrics(address: Address, node: string, names: string[]) {
  const bucket: Bucket = bucketOf(address)
  const question = { ...asked(address), node, metric: names.join(','), bucket, zone: address.zone, compare: 'previous' }
  return queryOptions({
    queryKey: ['metrics', question],
    queryFn: ({ signal }) => body(client.GET('/api/v1/metrics', { params: { query: question }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: SLIDES_MS,
    enabled: names.length > 0,
  })
}

/** The series of the window before an answer, for the ghosts: asked for once that answer names its window. */
export function before(address: Address, node: string, names: string[], now: Answer | undefined) {
  const bucket: Bucket = bucketOf(address)
  const { definition } = asked(address)
  const question = { node, metric: names.join(','), definition, bucket, zone: address.zone, from: now?.compare?.from ?? '', to: now?.compare?.to ?? '' }
  return queryOptions({
    queryKey: ['before', question],
    queryFn: ({ signal }) => body(client.GET('/api/v1/metrics', { params: { query: question }, signal })),
    placeholderData: keepPreviousData,
    enabled: now?.compare !== undefined,
  })
}

/** One metric of every node right below one, as series; `turn` when others go first. */
export function below(address: Address, node: string, metric: string, turn = false) {
  const question = { ...asked(address), node, metric, bucket: bucketOf(address), zone: address.zone }
  return queryOptions({
    queryKey: ['series', 'below', question],
    queryFn: ({ signal }) => {
      const ask = () => body(client.GET('/api/v1/children', { params: { query: question }, signal }))
      return turn ? inTurn(ask) : ask()
    },
    placeholderData: keepPreviousData,
    refetchInterval: SLIDES_MS,
  })
}

export function tree(address: Address) {
  const question = asked(address)
  return queryOptions({
    queryKey: ['tree', question],
    queryFn: ({ signal }) => body(client.GET('/api/v1/tree', { params: { query: question }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: SLIDES_MS,
  })
}

/** Metrics of a node without series; with `split`, taken apart where they have such parts. */
export function plain(address: Address, node: string, names: string[], split?: 'stage' | 'severity' | 'last') {
  const question = { ...asked(address), node, metric: names.join(','), split }
  return queryOptions({
    queryKey: ['series', 'plain', question],
    queryFn: ({ signal }) => inTurn(() => body(client.GET('/api/v1/metrics', { params: { query: question }, signal }))),
    placeholderData: keepPreviousData,
    refetchInterval: SLIDES_MS,
  })
}

/** One metric of a node and how its values lie. */
export function distribution(address: Address, node: string, metric: string) {
  const question = { ...asked(address), node, metric, distribution: true }
  return queryOptions({
    queryKey: ['series', 'distribution', question],
    queryFn: ({ signal }) => inTurn(() => body(client.GET('/api/v1/metrics', { params: { query: question }, signal }))),
    placeholderData: keepPreviousData,
    refetchInterval: SLIDES_MS,
  })
}

/** The most the server gives at once. */
const ALL = 1000

/** What failed, with the evidence: the rows of the failure rate, deployments and incidents of the window. */
export function troubleRows(address: Address) {
  const explained = { ...asked(address), node: address.node, metric: 'change_failure_rate', limit: ALL }
  const listed = { ...range(address.window), node: address.node, limit: ALL }
  return queryOptions({
    queryKey: ['before', 'troubles', explained],
    queryFn: async ({ signal }) => ({
      explained: await inTurn(() => body(client.GET('/api/v1/explain', { params: { query: explained }, signal }))),
      deployments: await inTurn(() => body(client.GET('/api/v1/deployments', { params: { query: listed }, signal }))),
      incidents: await inTurn(() => body(client.GET('/api/v1/incidents', { params: { query: listed }, signal }))),
    }),
    placeholderData: keepPreviousData,
  })
}

/** The tree in the window of equal length right before that of an answer. */
export function treeBefore(address: Address, now: Tree | undefined) {
  const [from, to] = [Date.parse(now?.from ?? ''), Date.parse(now?.to ?? '')]
  const known = Number.isFinite(from) && Number.isFinite(to)
  const { definition } = asked(address)
  const question = { definition, from: known ? new Date(2 * from - to).toISOString() : '', to: now?.from ?? '' }
  return queryOptions({
    queryKey: ['before', 'tree', question],
    queryFn: ({ signal }) => inTurn(() => body(client.GET('/api/v1/tree', { params: { query: question }, signal }))),
    placeholderData: keepPreviousData,
    enabled: known,
  })
}

export const definitions = queryOptions({
  queryKey: ['definitions'],
  queryFn: ({ signal }) => body(client.GET('/api/v1/definitions', { signal })),
  staleTime: Number.POSITIVE_INFINITY,
})

export function deployments(address: Address, limit: number) {
  const question = { ...range(address.window), node: address.node, limit }
  return queryOptions({
    queryKey: ['deployments', question],
    queryFn: ({ signal }) => body(client.GET('/api/v1/deployments', { params: { query: question }, signal })),
    placeholderData: keepPreviousData,
  })
}

export function incidents(address: Address, limit: number) {
  const question = { ...range(address.window), node: address.node, limit }
  return queryOptions({
    queryKey: ['incidents', question],
    queryFn: ({ signal }) => body(client.GET('/api/v1/incidents', { params: { query: question }, signal })),
    placeholderData: keepPreviousData,
  })
}

/** A metric, or `METRIC:PART`. */
export function explain(address: Address, what: string, limit: number) {
  const [metric = what, part] = what.split(':')
  const question = { ...asked(address), node: address.node, metric, part, limit }
  return queryOptions({
    queryKey: ['explain', question],
    queryFn: ({ signal }) => body(client.GET('/api/v1/explain', { params: { query: question }, signal })),
    placeholderData: keepPreviousData,
  })
}
