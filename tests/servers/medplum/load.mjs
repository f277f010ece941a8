// Waits for a FHIR server, and puts definitions into it. Needs no package.
//
//   node load.mjs wait BASE PID SECONDS   until BASE/metadata answers; fails when process PID ends or time is up
//   node load.mjs load BASE DIR           PUTs every StructureDefinition in DIR under its own id; fails when one is
//                                         refused. (helios-hfs knows the core value sets only, so no others are sent.)

import fs from 'node:fs';
import path from 'node:path';

const LOAD_MS = 120_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function runs(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function wait(base, pid, seconds) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end && runs(pid)) {
    try {
      const response = await fetch(`${base}/metadata`, { signal: AbortSignal.timeout(2000) });
      const body = await response.json();
      // Looking at the process again tells our server from another that took the port before it.
      if (body.resourceType === 'CapabilityStatement' && runs(pid)) {
        return true;
      }
    } catch {
      // Not yet.
    }
    await sleep(100);
  }
  return false;
}

async function send(base, method, address, resource) {
  const response = await fetch(`${base}/${address}`, {
    method,
    headers: { 'Content-Type': 'application/fhir+json' },
    body: JSON.stringify(resource),
    signal: AbortSignal.timeout(LOAD_MS),
  });
  return { status: response.status, text: await response.text() };
}

async function load(base, folder) {
  const began = Date.now();
  const read = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  const files = fs.readdirSync(folder).filter((file) => file.startsWith('StructureDefinition-')).sort();
  const profiles = files.map(read);
  const address = (profile) => `${profile.resourceType}/${profile.id}`;

  // One batch, so that the server works on several at once.
  const entry = profiles.map((resource) => ({ resource, request: { method: 'PUT', url: address(resource) } }));
  const batch = await send(base, 'POST', '', { resourceType: 'Bundle', type: 'batch', entry });
  const answers = batch.status === 200 ? JSON.parse(batch.text).entry : [];

  // Several writers can lock each other out of its store: what failed is sent once more, alone.
  const refused = [];
  for (const [index, profile] of profiles.entries()) {
    if (!answers[index]?.response?.status?.startsWith('2')) {
      const reply = await send(base, 'PUT', address(profile), profile);
      if (reply.status >= 300) {
        refused.push(`${address(profile)}: ${reply.status} ${reply.text.slice(0, 300)}`);
      }
    }
  }
  console.log(`loaded ${profiles.length - refused.length} of ${profiles.length} profiles in ${Date.now() - began} ms`);
  refused.forEach((line) => console.log(`refused: ${line}`));
  return profiles.length > 0 && refused.length === 0;
}

const [command, ...args] = process.argv.slice(2);
let done;
if (command === 'wait' && args.length === 3) {
  done = await wait(args[0], Number(args[1]), Number(args[2]));
} else if (command === 'load' && args.length === 2) {
  done = await load(args[0], args[1]);
} else {
  console.error('usage: node load.mjs wait BASE PID SECONDS | load BASE DIR');
  process.exit(2);
}
process.exit(done ? 0 : 1);
