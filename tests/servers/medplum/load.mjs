// Waits for a FHIR server, and puts definitions into it. Needs no package.
//
//   node load.mjs wait BASE PID SECONDS   until BASE/metadata answers; fails when process PID ends or time is up
//   node load.mjs load BASE DIR           PUTs every definition in DIR under its own id; fails when one is refused

import fs from 'node:fs';
import path from 'node:path';

const LOADERS = 4;
const REQUEST_MS = 30_000;

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

async function put(base, resource) {
  const response = await fetch(`${base}/${resource.resourceType}/${resource.id}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/fhir+json' },
    body: JSON.stringify(resource),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  return response.ok ? undefined : `${response.status} ${(await response.text()).slice(0, 300)}`;
}

async function load(base, folder) {
  const began = Date.now();
  const read = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  const queue = fs.readdirSync(folder).filter((file) => file.endsWith('.json')).sort().map(read);
  const total = queue.length;
  const refused = [];
  await Promise.all(
    Array.from({ length: LOADERS }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const error = await put(base, next);
        if (error) {
          refused.push(`${next.resourceType}/${next.id}: ${error}`);
        }
      }
    })
  );
  console.log(`loaded ${total - refused.length} of ${total} definitions in ${Date.now() - began} ms`);
  refused.forEach((line) => console.log(`refused: ${line}`));
  return total > 0 && refused.length === 0;
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
