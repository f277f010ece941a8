// Where the packages of package-lock.json were installed: a cache outside the work tree, so that a fresh clone need
// not fetch them again. SP_FHIR_NODE names the folder that holds node_modules.

import { createRequire } from 'node:module';
import path from 'node:path';

const folder = process.env.SP_FHIR_NODE;
if (!folder) {
  throw new Error('SP_FHIR_NODE is not set: run scripts/get-servers and scripts/servers instead');
}

export const require = createRequire(path.join(path.resolve(folder), 'package.json'));
