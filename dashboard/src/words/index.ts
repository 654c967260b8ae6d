import type { Definitions } from '../api/client'
import { en, type Words } from './en'
import { fr } from './fr'

/** Languages by the name they give themselves. */
export const LANGUAGES = { en: 'English', fr: 'Français' }
export type Language = keyof typeof LANGUAGES

const WORDS: Record<Language, Words> = { en, fr }
const known = (code: string | null | undefined): Language | undefined => (Object.keys(LANGUAGES) as Language[]).find((each) => each === code?.slice(0, 2).toLowerCase())

/** The language the address asks for, else the first the reader prefers that is known here, else English. */
export function languageOf(search: string, preferred: readonly string[]): Language {
  return known(new URLSearchParams(search).get('lang')) ?? preferred.map(known).find((each) => each !== undefined) ?? 'en'
}

/** Chosen once, when the page is loaded: another language is another load. Without a browser, as in tests, English. */
export const language: Language = typeof window === 'undefined' ? 'en' : languageOf(window.location.search, navigator.languages)
export const words: Words = WORDS[language]

/** The name of a metric: ours where it has to be short or in another language, else the server's. */
export function titleOf(metric: string, definitions: Definitions | undefined): string {
  return words.short[metric] ?? definitions?.metrics.find((each) => each.id === metric)?.title ?? metric
}

/** What a metric is, in a sentence. */
export function docOf(metric: string, definitions: Definitions | undefined): string | undefined {
  return words.docs[metric] ?? definitions?.metrics.find((each) => each.id === metric)?.doc
}
