// The benchmark's mapping in JSONata, the expression compiled once and evaluated per row; UUIDs, hashes and the
// constant tables come from JavaScript. It makes the same Bundles as sp-fhir with benches/data/bench.toml and
// checks nothing.
//
// usage: node jsonata.mjs FILE.csv RECORDED_AT AGENT     (NDJSON to standard output; jsonata is looked for in the
// folder it is started from)

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const jsonata = createRequire(process.cwd() + '/')('jsonata');
const [path, recorded, agent] = process.argv.slice(2);

const hashed = (namespace, name) => {
  const h = createHash('sha1').update(namespace).update(name).digest();
  h[6] = (h[6] & 0x0f) | 0x50;
  h[8] = (h[8] & 0x3f) | 0x80;
  return h.subarray(0, 16);
};
const NAMESPACE = hashed(Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex'), 'https://bench-sp.example/cases');
const uuid5 = (name) => hashed(NAMESPACE, name).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

const snomed = (code, display, text) => ({
  coding: [display ? { system: 'http://snomed.info/sct', code, display } : { system: 'http://snomed.info/sct', code }],
  ...(text ? { text } : {}),
});
const concept = (system, code, display) => ({ coding: [{ system, code, display }] });
const act = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const policy = (code, display, text) => ({ ...concept(act, code, display), text });
const meta = (kind) => ({ profile: ['https://fhir.hl7.org.uk/StructureDefinition/UKCore-' + kind] });
const constants = {
  recorded,
  agent,
  provider: uuid5('organization/Bench Social Prescribing (invented)'),
  service: uuid5('service/Bench link workers'),
  meta: Object.fromEntries(
    ['Organization', 'HealthcareService', 'ServiceRequest', 'Task', 'Consent', 'Observation', 'Communication'].map(
      (kind) => [kind, meta(kind)])),
  needs: {
    'Loneliness / isolation': snomed('267076002', 'Feeling lonely', 'Loneliness / isolation'),
    'Getting online': { text: 'Getting online' },
    Debt: snomed('160932005', null, 'Debt'),
    Housing: { text: 'Housing' },
    Bereavement: snomed('74506000', 'Bereavement'),
    'Physical inactivity': snomed('40979000', null, 'Physical inactivity'),
    'Caring responsibilities': snomed('224484003', 'Patient themselves providing care', 'Caring responsibilities'),
    Transport: { text: 'Transport' },
  },
  referrers: {
    GP: ['108161000000109', 'Referred by general practitioner'],
    Nurse: ['185362004', 'Referred by nurse'],
    Self: ['306098008', 'Self-referral'],
  },
  policies: {
    'Yes - everything': policy('OPTIN', 'opt-in', "Shares everything with the GP's system"),
    'Yes - codes only': policy('OPTINR', 'opt-in with restrictions', "Shares codes only with the GP's system"),
  },
  referredCode: snomed('871731000000106', 'Referral to social prescribing service'),
  fulfil: concept('http://hl7.org/fhir/CodeSystem/task-code', 'fulfill', 'Fulfill the focal request'),
  survey: concept('http://terminology.hl7.org/CodeSystem/observation-category', 'survey', 'Survey'),
  assembler: concept('http://terminology.hl7.org/CodeSystem/provenance-participant-type', 'assembler', 'Assembler'),
  privacy: concept('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy', 'Privacy Consent'),
  disclosure: concept(act, 'IDSCL', 'information disclosure'),
};

const expression = jsonata(String.raw`(
  $base := "https://bench-sp.example/cases";
  $nhs := "https://fhir.nhs.uk/Id/nhs-number";
  $iso := function($d) { $substring($d, 6) & "-" & $substring($d, 3, 2) & "-" & $substring($d, 0, 2) };
  $to := function($uuid) { {"reference": "urn:uuid:" & $uuid} };
  $update := function($kind, $word, $uuid, $resource) {{
    "fullUrl": "urn:uuid:" & $uuid, "resource": $resource,
    "request": {"method": "PUT", "url": $kind & "?identifier=" & $base & "/" & $word & "|" & $uuid}
  }};
  $once := function($kind, $uuid, $resource) {{
    "fullUrl": "urn:uuid:" & $uuid, "resource": $resource,
    "request": {"method": "POST", "url": $kind,
      "ifNoneExist": "identifier=" & $resource.identifier[0].system & "|" & $resource.identifier[0].value}
  }};
  $case := CaseRef;
  $surgery := $uuid5("organization/" & SurgeryODS);
  $self := ReferredBy = "Self";
  $subject := {"reference": "Patient?identifier=" & $nhs & "|" & NHSNumber,
               "identifier": {"system": $nhs, "value": NHSNumber}};
  $requester := $self ? $subject : $to($surgery);
  $requestId := $uuid5("referral/" & $case);
  $taskId := $uuid5("task/" & $case & "/1");
  $authored := $iso(Referred);
  $needList := [Need1, Need2];
  $code := $lookup($referrers, ReferredBy);
  $done := ClosureReason = "Goals met";
  $surgeryEntry := $once("Organization", $surgery, {"resourceType": "Organization", "meta": $meta.Organization,
    "identifier": [{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": SurgeryODS}]});
  $providerEntry := $once("Organization", $provider, {"resourceType": "Organization", "meta": $meta.Organization,
    "identifier": [{"system": $base & "/organization", "value": $provider}],
    "name": "Bench Social Prescribing (invented)"});
  $serviceEntry := $once("HealthcareService", $service, {"resourceType": "HealthcareService",
    "meta": $meta.HealthcareService, "identifier": [{"system": $base & "/service", "value": $service}],
    "providedBy": $to($provider), "name": "Bench link workers"});
  $request := function($status) { $update("ServiceRequest", "referral", $requestId, {
    "resourceType": "ServiceRequest", "meta": $meta.ServiceRequest,
    "extension": [{
      "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-SourceOfServiceRequest",
      "valueCodeableConcept": {
        "coding": [{"system": "http://snomed.info/sct", "code": $code[0], "display": $code[1]}],
        "text": ShareWithGP = "Yes - everything" ? ReferredBy}}],
    "identifier": [{"system": $base & "/referral", "value": $requestId},
                   {"system": $base & "/case-reference", "value": $case}],
    "status": $status, "intent": "order", "code": $referredCode, "subject": $subject, "authoredOn": $authored,
    "requester": $requester,
    "performer": [{"reference": "urn:uuid:" & $service, "display": "Bench link workers"}],
    "reasonCode": [$map($needList, function($need) { $lookup($needs, $need) })]}) };
  $task := function($status, $day, $output, $reason) { $update("Task", "task", $taskId, {
    "resourceType": "Task", "meta": $meta.Task, "identifier": [{"system": $base & "/task", "value": $taskId}],
    "status": $status, "intent": "order", "code": $fulfil, "focus": $to($requestId), "for": $subject,
    "authoredOn": $authored, "lastModified": $day, "requester": $requester, "owner": $to($service),
    "output": $output, "statusReason": $reason}) };
  $term := function($text) { {"text": $text, "controlled": true} };
  $bundle := function($key, $kind, $label, $day, $detail, $state, $own, $withSurgery) {(
    $eventId := $uuid5("event/" & $case & "/" & $key);
    $revision := $uuid5("event/" & $case & "/" & $key & "/" & $sha256($string([$kind, $day, $detail, null])));
    {"resourceType": "Bundle", "type": "transaction", "entry": [
      $self and $not($withSurgery) ? [] : $surgeryEntry, $providerEntry, $serviceEntry, $state, $own,
      {"fullUrl": "urn:uuid:" & $revision, "resource": {
        "resourceType": "Provenance", "id": $revision,
        "meta": {"tag": [{"system": $base & "/event", "code": $eventId}]},
        "target": [$own.{"reference": fullUrl}, $to($requestId), $to($taskId)],
        "occurredDateTime": $day, "recorded": $recorded, "activity": {"text": $label},
        "agent": [{"type": $assembler, "who": {"display": $agent}}],
        "entity": [{"role": "source", "what": {"identifier": {"system": $base & "/event", "value": $eventId}}}]},
       "request": {"method": "PUT", "url": "Provenance/" & $revision}}
    ]}
  )};
  [
    ($id := $uuid5("consent/" & $case);
     $bundle("referred", "referred", "referred", $authored, {"reasons": [$map($needList, $term)]},
      [$request("active"), $task("requested", $authored)],
      $update("Consent", "consent", $id, {
        "resourceType": "Consent", "meta": $meta.Consent,
        "identifier": [{"system": $base & "/consent", "value": $id}], "status": "active", "scope": $privacy,
        "category": [$disclosure], "patient": $subject, "policyRule": $lookup($policies, ShareWithGP)}), false)),
    Accepted ? ($day := $iso(Accepted);
     $bundle("accepted", "accepted", "accepted", $day, {},
      [$request("active"), $task("accepted", $day)], [], false)),
    Assessed ? ($day := $iso(Assessed);
     $id := $uuid5("observation/" & $case & "/assessed/ons4/parts");
     $scores := [
       {"id": "ons4-satisfaction", "measure": $term("ONS4 life satisfaction"), "value": $number(Satisfaction),
        "part_of": "ons4"},
       {"id": "ons4-worthwhile", "measure": $term("ONS4 worthwhile"), "value": $number(Worthwhile),
        "part_of": "ons4"}];
     $bundle("assessed", "assessed", "assessed", $day, {"scores": $scores},
      [$request("active"), $task("in-progress", $day)],
      $update("Observation", "observation", $id, {
        "resourceType": "Observation", "meta": $meta.Observation,
        "identifier": [{"system": $base & "/observation", "value": $id}], "basedOn": [$to($requestId)],
        "status": "final", "category": [$survey], "code": {"text": "ons4"}, "subject": $subject,
        "effectiveDateTime": $day, "performer": [$to($provider)],
        "component": [$scores.{"code": {"text": measure.text}, "valueInteger": value}]}), false)),
    Closed ? ($day := $iso(Closed);
     $id := $uuid5("communication/" & $case & "/closed");
     $bundle("closed", $done ? "completed" : "closed_without_completion",
      $done ? "completed" : "closed without completion", $day,
      $done ? {"outcome": $term(ClosureReason)} : {"status_reason": $term(ClosureReason)},
      [$request($done ? "completed" : "revoked"), $task($done ? "completed" : "failed", $day,
        $done ? [{"type": {"text": "Outcome"}, "valueCodeableConcept": {"text": ClosureReason}}],
        $done ? $nothing : {"text": ClosureReason})],
      $done ? $update("Communication", "communication", $id, {
        "resourceType": "Communication", "meta": $meta.Communication,
        "identifier": [{"system": $base & "/communication", "value": $id}], "basedOn": [$to($requestId)],
        "status": "completed", "subject": $subject, "recipient": [$to($surgery)], "sender": $to($provider),
        "payload": [{"contentString": ClosureReason}]}) : [], $done))
  ]
)`);
for (const [name, value] of Object.entries(constants)) expression.assign(name, value);
expression.registerFunction('uuid5', uuid5, '<s:s>');
expression.registerFunction('sha256', (text) => createHash('sha256').update(text).digest('hex'), '<s:s>');

let columns = null;
let out = [];
for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
  const cells = line.split(',');
  if (!columns) {
    columns = cells;
    continue;
  }
  const row = {};
  columns.forEach((name, index) => { if (cells[index]) row[name] = cells[index]; });
  for (const bundle of await expression.evaluate(row)) out.push(JSON.stringify(bundle), '\n');
  if (out.length > 500) {
    process.stdout.write(out.join(''));
    out = [];
  }
}
process.stdout.write(out.join(''));
