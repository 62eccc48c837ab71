import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

/** Files that take longest. In a fresh checkout nobody knows, and one that begins last keeps everybody waiting. */
const SLOW =
  /\/(store\/(sqlite|postgres)-store|operator\/page\/page|system\/day\/day|system\/database-outage\/database-outage|system\/replicas\/(sharing|presence|leases)|reconcile\/kill|torture\/torture)\.test\.ts$/

/** Begins the slowest files first. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId)
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))]
  }
}
