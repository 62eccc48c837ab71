/** Work in Node's thread pool that takes as long as others like: a DNS server that is silent, a disk that hangs. */
const WORK_OF_OTHERS = ['GetAddrInfoReqWrap', 'FSReqCallback']

/**
 * Ends the process at once, whatever its threads are doing. `process.exit` waits until the thread pool has finished: ten
 * seconds and more for one name lookup while the DNS does not answer, by when an orchestrator has lost its patience. A
 * process that replaces its program loses its threads there and then, so a shell takes its place and gives the code.
 * @param isStuck a thread may be so, too
 */
export function endProcess(code: number, { isStuck = false } = {}): void {
  if (isStuck || process.getActiveResourcesInfo().some((name) => WORK_OF_OTHERS.includes(name))) {
    try {
      process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {})
    } catch {
      // No shell here, as in some images: then it takes as long as it takes.
    }
  }
  process.exit(code)
}
