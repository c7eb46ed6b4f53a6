import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import { OperatorError } from './operator-error.ts'

const NOTHING: CommandLine = { command: 'serve', target: null, flags: {}, configFile: null }

function parse(line: string): CommandLine | string {
  try {
    return parseCommandLine(line.split(' ').filter((word) => word !== ''))
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error.message
  }
}

const UNDERSTOOD: readonly (readonly [line: string, Partial<CommandLine>])[] = [
  ['', {}],
  ['./public', { target: './public' }],
  ['./app.ts --port 9000', { target: './app.ts', flags: { port: 9000 } }],
  ['--port=9000 ./app.ts', { target: './app.ts', flags: { port: 9000 } }],
  ['--port 1 --port 2', { flags: { port: 2 } }],
  ['--workers auto', { flags: { workers: 'auto' } }],
  ['--workers 4', { flags: { workers: 4 } }],
  ['--access-log -', { flags: { accessLog: '-' } }],
  ['--log-level debug --spawn exec', { flags: { logLevel: 'debug', spawn: 'exec' } }],
  ['--host :: --backlog 9', { flags: { host: '::', backlog: 9 } }],
  ['--config other.ts', { configFile: 'other.ts' }],
  ['-- --port', { target: '--port' }],
  ['check', { command: 'check' }],
  ['check ./app.ts --config c.mjs', { command: 'check', target: './app.ts', configFile: 'c.mjs' }],
  ['--port 80 check', { command: 'check', flags: { port: 80 } }],
  ['./check', { target: './check' }],
  ['-h', { command: 'help' }],
  ['--help', { command: 'help' }],
  ['--bogus -h', { command: 'help' }],
  ['check --help', { command: 'help' }],
  ['-V', { command: 'version' }],
  ['--version', { command: 'version' }],
]

for (const [line, meaning] of UNDERSTOOD) {
  test(`prefork ${line}`, () => assert.deepEqual(parse(line), { ...NOTHING, ...meaning }))
}

const REFUSED: readonly (readonly [line: string, sentence: string])[] = [
  ['--prot 80', 'unknown option --prot; did you mean --port?'],
  ['--verbose', 'unknown option --verbose; prefork --help lists them all'],
  ['-p 80', 'unknown option -p; prefork --help lists them all'],
  ['--head-bytes 9', 'limits.headBytes has no flag; set it in prefork.config.ts'],
  ['--index x.html', 'static.index has no flag; set it in prefork.config.ts'],
  ['--target ./a', 'a target is given without a flag: prefork ./public'],
  ['--port', '--port needs a value: --port N'],
  ['--port --host ::', '--port needs a value: --port N'],
  ['--port=', '--port needs a value: --port N'],
  ['--config', '--config needs a value: --config FILE'],
  ['--port abc', "--port must be a whole number from 0 to 65535, not 'abc'"],
  ['--port -1', '--port must be a whole number from 0 to 65535, not -1'],
  ['--port=99999', '--port must be a whole number from 0 to 65535, not 99999'],
  ['--workers 0', "--workers must be 'auto' or a whole number from 1 to 1024, not 0"],
  ['--log-level loud', "--log-level must be one of error, warn, info, debug, not 'loud'"],
  ['./a ./b', "only one target can be served, but './a' and './b' were given; start prefork once for each"],
  ['check a b', "only one target can be served, but 'a' and 'b' were given; start prefork once for each"],
]

for (const [line, sentence] of REFUSED) test(`prefork ${line}: ${sentence}`, () => assert.equal(parse(line), sentence))
