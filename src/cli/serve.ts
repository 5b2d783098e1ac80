import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import qrcode from 'qrcode-terminal';
import { generate } from 'selfsigned';
import { buildIfStale, projectRoot } from './ensure-built.ts';
import { serveBuilt } from './static-server.ts';

const usage = `npm start -- [--port N] [--https-port N] [--local]
  --port N        port of the local address (default 4320)
  --https-port N  port of the LAN address (default 4321)
  --local         serve on this machine only`;

const oneDayMs = 24 * 60 * 60 * 1000;
const certificateDays = 365;

interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly addresses: readonly string[];
  readonly madeAtMs: number;
}

/** IPv4 addresses under which other devices of the network reach this machine. */
function lanAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => entry.family === 'IPv4' && !entry.internal)
    .map((entry) => entry.address);
}

/**
 * A self-signed certificate naming localhost and the LAN addresses, kept in `.cert/` so that a phone has to
 * accept it only once; made again when an address is missing from it or it nears its end.
 */
async function certificateFor(addresses: readonly string[]): Promise<Certificate> {
  const folder = join(projectRoot, '.cert');
  const file = join(folder, 'certificate.json');
  if (existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Certificate;
    const isFresh = Date.now() - kept.madeAtMs < (certificateDays - 7) * oneDayMs;
    if (isFresh && addresses.every((address) => kept.addresses.includes(address))) return kept;
  }
  const pems = await generate([{ name: 'commonName', value: 'Paretoscope' }], {
    keySize: 2048,
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + certificateDays * oneDayMs),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          ...addresses.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  const made: Certificate = { key: pems.private, cert: pems.cert, addresses, madeAtMs: Date.now() };
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

function version(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: projectRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4320' },
      'https-port': { type: 'string', default: '4321' },
      local: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(usage);
  await buildIfStale();

  const local = await serveBuilt({ host: '127.0.0.1', port: Number(values.port) });
  console.log(`\n  Paretoscope ${version()}\n\n  On this machine   ${local.url}`);

  const addresses = values.local ? [] : lanAddresses();
  const [first] = addresses;
  if (first !== undefined) {
    const { key, cert } = await certificateFor(addresses);
    const lan = await serveBuilt({
      host: '0.0.0.0',
      port: Number(values['https-port']),
      https: { key, cert },
    });
    const { port } = new URL(lan.url);
    for (const address of addresses) console.log(`  On your network   https://${address}:${port}/`);
    console.log(
      '\n  Scan with the phone; it warns once about the home-made certificate: choose “advanced”, “proceed”.\n',
    );
    qrcode.generate(`https://${first}:${port}/`, { small: true }, (code) =>
      console.log(code.replace(/^/gm, '  ')),
    );
  } else if (!values.local) {
    console.log('  No network address found: other devices cannot reach this machine.');
  }
  console.log('  Ctrl+C stops it.');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
