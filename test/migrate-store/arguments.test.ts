import { expect, test } from 'vitest'
import { startMigrateStore, outcomeOf } from './command.ts'

test.each<[string[], string[]]>([
  [[], ['--from: expected sqlite:PATH, found nothing', '--to: expected postgres://']],
  [
    ['--from', 'postgres://u:s3cret@h/d', '--to', 'sqlite:relay.db'],
    ['--from: expected sqlite:PATH, found postgres:…', '--to: expected postgres://'],
  ],
  [
    ['--from', 'sqlite:a.db', '--from', 'sqlite:b.db', 'postgres://u:s3cret@h/d', '--too=s3cret', '--to'],
    [
      'arguments: expected --from and --to alone, found a string of 23 characters (not shown)',
      '--from: expected it once, found it 2 times',
      '--too: expected --from and --to alone, found an unknown option',
      '--to: expected postgres://',
    ],
  ],
  [['--postgres://u:s3cret@h/d'], ['arguments: expected --from and --to alone, found an unknown option']],
])('one message lists all mistakes in the arguments, without a secret: %j', async (args, mistakes) => {
  const { code, stdout, stderr } = await outcomeOf(startMigrateStore(args))
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  for (const mistake of mistakes) expect(stderr).toContain(`\n  ${mistake}`)
  expect(stderr).toContain('Usage: ')
  expect(stderr).not.toContain('s3cret')
})

test('--help shows the usage', async () => {
  const { code, stdout, stderr } = await outcomeOf(startMigrateStore(['--help']))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: npm run migrate-store/)
})
