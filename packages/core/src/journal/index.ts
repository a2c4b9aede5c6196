export { JOURNAL_FILE, Journal, type JournalOptions, type RecordedSoup } from './journal.js';
export type { EvaluationRecord, Fingerprint, Json } from './record.js';
