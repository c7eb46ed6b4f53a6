#!/usr/bin/env node
/**
 * npm run test:debian: the tests of TLS under Debian's own `node`, which is linked to a
 * shared libssl, unlike the one that nodejs.org gives out.
 *
 *     npm run test:debian                the tests with `tls` in their path, in a chroot
 *     npm run test:debian -- http        those with `http` in it
 *     npm run test:debian -- --kernel    in a virtual machine, under Debian's kernel, which has kernel TLS
 *
 * As root on Debian, x86-64. Debian 13 is put into .peers/debian; delete that folder to
 * fetch it anew. Nothing is left running, and nothing outside .peers/ is written.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { ensureDebianPackages } from './packages.mjs'
import { installIfNeeded, root } from './setup.mjs'
import { chooseSeed, countLines, findTests, runSuite } from './suite.mjs'

const RELEASE = 'trixie'
/** curl and strace are driven by tests; the others make a machine of it. */
const PACKAGES = 'nodejs,openssl,curl,strace,iproute2,kmod,linux-image-cloud-amd64'
const MACHINE_TIMEOUT_MS = 45 * 60_000
/** Where no hardware helps, the machine's processor is interpreted: all takes ten times as long and more. */
const PATIENT_DEADLINE_MS = 180_000
const CHROOT_TIMEOUT_MS = 20 * 60_000

/** The last line of the machine's first process. */
const VERDICT = 'the tests have ended with'

const peers = join(root, '.peers')
const debian = join(peers, 'debian')
const argv = process.argv.slice(2)
const isKernel = argv.includes('--kernel')
const tests = argv.filter((arg) => arg !== '--kernel' && arg !== '--inside')

process.exitCode = (await (argv.includes('--inside') ? runTests() : prepareAndRun())) ? 0 : 1

async function prepareAndRun() {
  if (process.getuid() !== 0 || process.arch !== 'x64') {
    console.error('This is for root on x86-64: it makes a chroot of another Debian')
    return false
  }
  const programs = isKernel ? ['mmdebstrap', 'e2fsprogs', 'qemu-system-x86'] : ['mmdebstrap']
  return ensureDebianPackages(programs) && installIfNeeded() && build() && makeRoot() && (isKernel ? boot() : enter())
}

/** On the inside: by the node that runs this. */
function runTests() {
  process.env.PREFORK_HANDSHAKES ??= '1000'
  if (isKernel) process.env.PREFORK_KERNEL_TLS = 'required'
  const files = findTests(tests.length > 0 ? tests : ['tls'])
  console.log(`Node ${process.version}, OpenSSL ${process.versions.openssl}, PREFORK_SEED=${chooseSeed()}`)
  const flags = isKernel ? ['--test-concurrency=1'] : []
  const { passed, counts } = runSuite({ files, flags, name: 'debian' })
  if (counts !== null) console.log(countLines(counts).join('\n'))
  return passed && files.length > 0
}

// ── the root ─────────────────────────────────────────────────────────────────

/** The stamp is written last: a folder that is half filled is filled again. */
function makeRoot() {
  const stamp = join(peers, `debian-${RELEASE}`)
  if (existsSync(stamp) && existsSync(debian)) return true
  console.log(`Fetching Debian ${RELEASE} into .peers/debian`)
  rmSync(debian, { recursive: true, force: true })
  rmSync(join(peers, 'debian.ext4'), { force: true })
  mkdirSync(peers, { recursive: true })
  if (!succeeds('mmdebstrap', ['--quiet', '--variant=apt', `--include=${PACKAGES}`, RELEASE, debian])) return false
  writeFileSync(join(debian, 'etc/hosts'), '127.0.0.1 localhost\n')
  mkdirSync(join(debian, 'clone'))
  writeFileSync(stamp, '')
  return true
}

// ── a chroot ─────────────────────────────────────────────────────────────────

/** In namespaces of its own, so that its mounts and processes are gone with it. */
function enter() {
  const script = `set -e
    mount --bind ${quote(root)} ${quote(join(debian, 'clone'))}
    mount --bind /dev ${quote(join(debian, 'dev'))}
    mount -t proc proc ${quote(join(debian, 'proc'))}
    mount -t sysfs sysfs ${quote(join(debian, 'sys'))}
    mount -t tmpfs tmpfs ${quote(join(debian, 'tmp'))}
    exec chroot ${quote(debian)} ${command()}`
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child']
  const { status } = spawnSync('unshare', [...namespaces, 'sh', '-c', script], {
    stdio: 'inherit',
    timeout: CHROOT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  return status === 0
}

/** Of our environment only what is ours goes in. */
function command() {
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith('PREFORK_'))
  const environment = ['HOME=/root', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...ours.map((pair) => pair.join('='))]
  const words = ['env', '-i', ...environment, 'node', '/clone/scripts/debian.mjs', '--inside', ...argv]
  return words.map(quote).join(' ')
}

function quote(word) {
  return `'${word.replaceAll("'", "'\\''")}'`
}

// ── a virtual machine ────────────────────────────────────────────────────────

/** Its disks are copies, and forget what is written to them. */
function boot() {
  if (!hasHardware()) process.env.PREFORK_DEADLINE_MS ??= String(PATIENT_DEADLINE_MS)
  const system = join(peers, 'debian.ext4')
  const clone = join(peers, 'clone.ext4')
  if (!existsSync(system) && !makeDisk(system, debian, 2048)) return false
  if (!makeCloneDisk(clone)) return false
  const kernel = newest('vmlinuz-')
  const initrd = newest('initrd.img-')
  const hardware = hasHardware() ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max']
  const init =
    'console=ttyS0 quiet panic=-1 root=/dev/vda rw init=/bin/sh -- -c "mount /dev/vdb /clone; sh /clone/init"'
  const args = [...hardware, '-smp', '2', '-m', '3072', '-nodefaults', '-no-reboot', '-display', 'none']
  args.push('-serial', 'stdio', '-kernel', kernel, '-initrd', initrd, '-append', init, ...disk(system), ...disk(clone))
  return watchMachine(args)
}

function watchMachine(args) {
  const machine = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const giveUp = setTimeout(() => machine.kill('SIGKILL'), MACHINE_TIMEOUT_MS)
  let tail = ''
  machine.stdout.on('data', (piece) => {
    process.stdout.write(piece)
    tail = (tail + piece.toString('latin1')).slice(-4096)
  })
  return new Promise((resolve) => {
    machine.on('close', () => {
      clearTimeout(giveUp)
      const verdict = new RegExp(`^${VERDICT} (\\d+)`, 'm').exec(tail)
      if (verdict === null) console.error('The machine came to its end before the tests')
      resolve(verdict?.[1] === '0')
    })
  })
}

function hasHardware() {
  return existsSync('/dev/kvm') && ['intel', 'amd'].some((maker) => existsSync(`/sys/module/kvm_${maker}`))
}

function newest(prefix) {
  const folder = join(debian, 'boot')
  return join(
    folder,
    readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .sort()
      .at(-1),
  )
}

function disk(file) {
  return ['-drive', `file=${file},if=virtio,format=raw,snapshot=on`]
}

function makeDisk(file, folder, megabytes) {
  rmSync(file, { force: true })
  return succeeds('mke2fs', ['-q', '-t', 'ext4', '-d', folder, file, `${megabytes}M`])
}

/** What a run of the tests needs of this clone, and what the machine does. */
function makeCloneDisk(file) {
  const folder = join(peers, 'clone')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const parts = readdirSync(root).filter((name) => !['.git', '.peers', '.matrix'].includes(name))
  if (!succeeds('cp', ['--archive', '--link', ...parts.map((name) => join(root, name)), folder])) return false
  writeFileSync(
    join(folder, 'init'),
    `mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t tmpfs tmpfs /tmp
    mount -t tmpfs tmpfs /run
    mkdir -p /dev/pts /dev/shm
    mount -t devpts devpts /dev/pts
    mount -t tmpfs tmpfs /dev/shm
    ip link set lo up
    modprobe --all tls aesni-intel
    uname -sr
    ${command()}
    echo "${VERDICT} $?"
    sleep 60 &
    echo o > /proc/sysrq-trigger
    wait
    `,
  )
  return makeDisk(file, folder, 1024)
}

function succeeds(program, args) {
  const { status } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0) console.error(`${program} failed`)
  return status === 0
}
