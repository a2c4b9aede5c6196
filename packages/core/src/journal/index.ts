export { JOURNAL_FILE, Journal, type JournalOptions } from './journal.js';
export type { EvaluationRecord, Fingerprint, Json } from './record.js';
