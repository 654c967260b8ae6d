import type { Definitions } from '../api/client'
import { en, type Words } from './en'

const LANGUAGES: Record<string, Words> = { en }

/** The words of the reader's language, else English. */
export const words: Words =
  (typeof navigator === 'undefined' ? undefined : LANGUAGES[navigator.language.slice(0, 2)]) ?? en

/** The name of a metric: ours where it has to be short or in another language, else the server's. */
export function titleOf(metric: string, definitions: Definitions | undefined): string {
  return words.short[metric] ?? definitions?.metrics.find((each) => each.id === metric)?.title ?? metric
}
