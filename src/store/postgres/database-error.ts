import { DatabaseError } from 'pg'
import { StoreError } from '../store.ts'

// Tells failures of the database and of the connection apart. Codes: PostgreSQL's manual, appendix A.

const STATEMENT_TIMED_OUT = '57014'

/** The database refuses this request for its data or a constraint; it works otherwise. */
export function isDataError(error: unknown): boolean {
  return /^2[23][0-9A-Z]{3}$/.test(codeOf(error))
}

/** A deadlock or a conflict between transactions: this one can be tried again. */
export function isOutOfStep(error: unknown): boolean {
  return /^40(001|P01)$/.test(codeOf(error))
}

/** All the connections that there may be are in use; the database itself may be well. */
export function isBusy(error: unknown): boolean {
  return (error as Error).message === 'timeout exceeded when trying to connect'
}

/** The database cannot be reached or is not up yet; waiting may help. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error)
  if (error instanceof DatabaseError) return /^(08|57P0|53300)/.test(code)
  // A file that the URL names, such as a certificate, is missing: waiting does not help.
  if ((error as { syscall?: string }).syscall === 'open') return false
  // Errors of the system have a code in capitals; the driver's errors for a broken connection have none.
  return /^E[A-Z]+(_AGAIN)?$/.test(code) || /^(Connection terminated|timeout)/.test((error as Error).message)
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? ''
}

/**
 * The same as a `StoreError`. Its message names no host, user or value, so that a probe may show it. The cause leaves out
 * the details that the database gives, because these can quote a row.
 */
export function storeErrorFrom(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { code, message } = error as Error & { code?: string }
  const cause = Object.assign(new Error(message), { code })
  if (message === 'Query read timeout' || code === STATEMENT_TIMED_OUT) {
    return new StoreError('store_overloaded', 'the database has not answered for too long', cause)
  }
  if (isBusy(error)) {
    return new StoreError('store_overloaded', 'all connections to the database are busy', cause)
  }
  if (error instanceof DatabaseError) {
    return new StoreError('store_failing', `the database refused (SQLSTATE ${code})`, cause)
  }
  return new StoreError(
    'store_failing',
    `the database cannot be reached (${code ?? 'connection lost'})`,
    cause,
  )
}
