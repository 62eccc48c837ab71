import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { prepareQuestions } from '../../src/store/sqlite/questions.ts'
import { prepareLaterLease } from '../../src/store/sqlite/statements/later-lease.ts'
import { prepareStepReplay } from '../../src/store/sqlite/statements/step-replay.ts'
import { newPath, open } from './store-file.ts'

// SQLite has no statistics here, so its plans are the same beside any history: each can be judged in an empty file.

/** Whole tables and indices that are read on purpose. */
const READ_ALL = [
  // Counts of what is undelivered and dead, and of the quarantine.
  /^SCAN deliveries USING COVERING INDEX deliveries_(order|given_up)$/,
  /^SCAN quarantine USING COVERING INDEX quarantine_received$/,
  // What people have paused: a row for each hook at most.
  /^SCAN hook_pauses$/,
  // A row for each workspace.
  /^SCAN reconciliations$/,
  // Numbered rows, newest first, with a limit.
  /^SCAN (events|replays)( USING INDEX replays_running)?$/,
  // Lists that came with the question, and what was selected inside the statement.
  /^SCAN (json_each|n|f|\(subquery-\d+\))( VIRTUAL TABLE INDEX \d+:)?$/,
]

test('no question reads a whole table or index, but for those that count or have a limit', async () => {
  const path = newPath()
  await open(path)
  const strays: unknown[] = []
  let judged = 0
  for (const sql of statementsOf(path, prepareQuestions)) {
    for (const step of planOf(path, sql)) {
      judged++
      if (!step.startsWith('SCAN ')) continue
      const isMeant = READ_ALL.some((meant) => meant.test(step))
      const isBounded =
        !/^SCAN (events|deliveries|replays)/.test(step) || /limit|max\(seq\)|count\(\*\)/.test(sql)
      if (!isMeant || !isBounded) strays.push({ step, sql })
    }
  }
  expect(judged).toBeGreaterThan(60)
  expect(strays).toEqual([])
})

test('a credential is looked for by a seek for each block, and in order', async () => {
  const path = newPath()
  await open(path)
  const ofCredential = statementsOf(path, prepareQuestions).filter((sql) => sql.includes('events_credential'))
  const steps = ofCredential.flatMap((sql) => planOf(path, sql))
  const seek = /^SEARCH e USING (COVERING )?INDEX events_credential \(<expr>=\? AND credential_id=\?/
  expect(steps.filter((step) => seek.test(step))).toHaveLength(ofCredential.length)
  expect(ofCredential).toHaveLength(3)
  expect(steps.filter((step) => step.includes('TEMP B-TREE'))).toEqual([])
})

test('a step of a replay finds by an index what it puts back and what is under way after it', async () => {
  const path = newPath()
  await open(path)
  const steps = statementsOf(path, prepareStepReplay).flatMap((sql) => planOf(path, sql))
  const ofLists = /^SCAN (json_each|n|f|\(subquery-\d+\))( |$)/
  expect(steps.filter((step) => step.startsWith('SCAN ') && !ofLists.test(step))).toEqual([])
  expect(steps).toContain(
    'SEARCH deliveries USING INDEX deliveries_order (hook=? AND order_key=? AND event_seq>?)',
  )
  // The first few of a credential come in order from the index, however many are in line.
  const ofLater = statementsOf(path, prepareLaterLease).flatMap((sql) => planOf(path, sql))
  expect(ofLater.filter((step) => step.includes('TEMP B-TREE'))).toEqual([])
})

/** All that is prepared with it, as on a thread of the store. */
function statementsOf(path: string, prepareAll: (db: DatabaseSync) => unknown): string[] {
  const db = new DatabaseSync(path, { readOnly: true })
  onTestFinished(() => db.close())
  const statements: string[] = []
  const prepare = db.prepare.bind(db)
  db.prepare = (sql: string) => {
    statements.push(sql)
    return prepare(sql)
  }
  prepareAll(db)
  return statements
}

function planOf(path: string, sql: string): string[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return db
      .prepare(`explain query plan ${sql}`)
      .all()
      .map(({ detail }) => detail as string)
  } finally {
    db.close()
  }
}
