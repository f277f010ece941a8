"""The benchmark's mapping by hand: csv and orjson, no validation, everything constant made once.

It makes the same Bundles as sp-fhir with benches/data/bench.toml, Provenance ids included: the revision's UUID is
made from the SHA-256 of the event's content, which this program builds in the same form. It checks nothing: no NHS
number, no date, no code, no duplicate id.

usage: orjson_by_hand.py FILE.csv RECORDED_AT AGENT     (NDJSON to standard output)
"""

import csv
import sys
from hashlib import sha1, sha256

import orjson

SOURCE = "https://bench-sp.example/cases"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
SNOMED = "http://snomed.info/sct"
PROVIDER, SERVICE = "Bench Social Prescribing (invented)", "Bench link workers"
VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
URL_NAMESPACE = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
NAMESPACE = None


def uuid5(name, start=None):
    state = (start or NAMESPACE).copy()
    state.update(name.encode())
    h = state.hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{VARIANT[h[16]]}{h[17:20]}-{h[20:32]}"


NAMESPACE = sha1(bytes.fromhex(uuid5(SOURCE, sha1(URL_NAMESPACE)).replace("-", "")))


def meta(kind):
    return {"profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-" + kind]}


def snomed(code, display=None, text=None):
    coding = {"system": SNOMED, "code": code}
    if display:
        coding["display"] = display
    return {"coding": [coding], "text": text} if text else {"coding": [coding]}


def concept(system, code, display):
    return {"coding": [{"system": system, "code": code, "display": display}]}


V3_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NEEDS = {
    "Loneliness / isolation": snomed("267076002", "Feeling lonely", "Loneliness / isolation"),
    "Getting online": {"text": "Getting online"},
    "Debt": snomed("160932005", None, "Debt"),
    "Housing": {"text": "Housing"},
    "Bereavement": snomed("74506000", "Bereavement"),
    "Physical inactivity": snomed("40979000", None, "Physical inactivity"),
    "Caring responsibilities": snomed("224484003", "Patient themselves providing care", "Caring responsibilities"),
    "Transport": {"text": "Transport"},
}
REFERRERS = {
    "GP": ("108161000000109", "Referred by general practitioner"),
    "Nurse": ("185362004", "Referred by nurse"),
    "Self": ("306098008", "Self-referral"),
}
REFERRED = snomed("871731000000106", "Referral to social prescribing service")
FULFIL = concept("http://hl7.org/fhir/CodeSystem/task-code", "fulfill", "Fulfill the focal request")
SURVEY = concept("http://terminology.hl7.org/CodeSystem/observation-category", "survey", "Survey")
ASSEMBLER = concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "assembler", "Assembler")
PRIVACY = concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent")
DISCLOSURE = concept(V3_ACT, "IDSCL", "information disclosure")
POLICY = {
    True: concept(V3_ACT, "OPTIN", "opt-in") | {"text": "Shares everything with the GP's system"},
    False: concept(V3_ACT, "OPTINR", "opt-in with restrictions") | {"text": "Shares codes only with the GP's system"},
}
META = {kind: meta(kind) for kind in
        "Organization HealthcareService ServiceRequest Task Consent Observation Communication".split()}


def create_once(kind, uuid, resource):
    key = resource["identifier"][0]
    return {"fullUrl": "urn:uuid:" + uuid, "resource": resource, "request": {
        "method": "POST", "url": kind, "ifNoneExist": f"identifier={key['system']}|{key['value']}"}}


def update(kind, word, uuid, resource):
    return {"fullUrl": "urn:uuid:" + uuid, "resource": resource, "request": {
        "method": "PUT", "url": f"{kind}?identifier={SOURCE}/{word}|{uuid}"}}


PROVIDER_ID = uuid5("organization/" + PROVIDER)
SERVICE_ID = uuid5("service/" + SERVICE)
PROVIDER_REFERENCE = {"reference": "urn:uuid:" + PROVIDER_ID}
SERVICE_REFERENCE = {"reference": "urn:uuid:" + SERVICE_ID}
SERVICE_NAMED = SERVICE_REFERENCE | {"display": SERVICE}
PROVIDER_ENTRY = create_once("Organization", PROVIDER_ID, {
    "resourceType": "Organization", "meta": META["Organization"],
    "identifier": [{"system": SOURCE + "/organization", "value": PROVIDER_ID}], "name": PROVIDER})
SERVICE_ENTRY = create_once("HealthcareService", SERVICE_ID, {
    "resourceType": "HealthcareService", "meta": META["HealthcareService"],
    "identifier": [{"system": SOURCE + "/service", "value": SERVICE_ID}],
    "providedBy": PROVIDER_REFERENCE, "name": SERVICE})
SURGERIES = {}


def surgery(ods):
    known = SURGERIES.get(ods)
    if known is None:
        uuid = uuid5("organization/" + ods)
        entry = create_once("Organization", uuid, {
            "resourceType": "Organization", "meta": META["Organization"],
            "identifier": [{"system": ODS, "value": ods}]})
        known = SURGERIES[ods] = (entry, {"reference": "urn:uuid:" + uuid})
    return known


def iso(text):
    return f"{text[6:]}-{text[3:5]}-{text[:2]}"


def term(text):
    return {"text": text, "controlled": True}


def bundles(row, recorded, agent):
    """The transaction Bundles of a row, one per event."""
    (case, nhs, _, _, _, _, _, ods, by, referred, accepted, assessed, satisfaction, worthwhile, closed, reason,
     need1, need2, share) = row
    full = share == "Yes - everything"
    is_self = by == "Self"
    surgery_entry, surgery_reference = surgery(ods)
    subject = {"reference": f"Patient?identifier={NHS_NUMBER}|{nhs}",
               "identifier": {"system": NHS_NUMBER, "value": nhs}}
    requester = subject if is_self else surgery_reference
    request_id, task_id = uuid5("referral/" + case), uuid5(f"task/{case}/1")
    request_reference = {"reference": "urn:uuid:" + request_id}
    task_reference = {"reference": "urn:uuid:" + task_id}
    code, display = REFERRERS[by]
    authored = iso(referred)
    needs = [need for need in (need1, need2) if need]
    request = {
        "resourceType": "ServiceRequest", "meta": META["ServiceRequest"],
        "extension": [{
            "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-SourceOfServiceRequest",
            "valueCodeableConcept": snomed(code, display, by if full else None)}],
        "identifier": [{"system": SOURCE + "/referral", "value": request_id},
                       {"system": SOURCE + "/case-reference", "value": case}],
        "status": "active", "intent": "order", "code": REFERRED, "subject": subject, "authoredOn": authored,
        "requester": requester, "performer": [SERVICE_NAMED], "reasonCode": [NEEDS[need] for need in needs],
    }
    task = {
        "resourceType": "Task", "meta": META["Task"],
        "identifier": [{"system": SOURCE + "/task", "value": task_id}],
        "status": "requested", "intent": "order", "code": FULFIL, "focus": request_reference, "for": subject,
        "authoredOn": authored, "lastModified": authored, "requester": requester, "owner": SERVICE_REFERENCE,
    }

    def bundle(key, kind, label, day, detail, own, with_surgery):
        event_id = uuid5(f"event/{case}/{key}")
        content = sha256(orjson.dumps((kind, day, detail, None))).hexdigest()
        revision = uuid5(f"event/{case}/{key}/{content}")
        targets = [{"reference": entry["fullUrl"]} for entry in own]
        provenance = {
            "resourceType": "Provenance", "id": revision,
            "meta": {"tag": [{"system": SOURCE + "/event", "code": event_id}]},
            "target": [*targets, request_reference, task_reference],
            "occurredDateTime": day, "recorded": recorded, "activity": {"text": label},
            "agent": [{"type": ASSEMBLER, "who": {"display": agent}}],
            "entity": [{"role": "source", "what": {"identifier": {"system": SOURCE + "/event", "value": event_id}}}],
        }
        parties = [surgery_entry] if with_surgery or not is_self else []
        return {"resourceType": "Bundle", "type": "transaction", "entry": [
            *parties, PROVIDER_ENTRY, SERVICE_ENTRY,
            update("ServiceRequest", "referral", request_id, request), update("Task", "task", task_id, task), *own,
            {"fullUrl": "urn:uuid:" + revision, "resource": provenance,
             "request": {"method": "PUT", "url": "Provenance/" + revision}},
        ]}

    consent_id = uuid5("consent/" + case)
    consent = update("Consent", "consent", consent_id, {
        "resourceType": "Consent", "meta": META["Consent"],
        "identifier": [{"system": SOURCE + "/consent", "value": consent_id}], "status": "active", "scope": PRIVACY,
        "category": [DISCLOSURE], "patient": subject, "policyRule": POLICY[full]})
    yield bundle("referred", "referred", "referred", authored, {"reasons": [term(need) for need in needs]},
                 [consent], False)
    if accepted:
        day = iso(accepted)
        task = task | {"status": "accepted", "lastModified": day}
        yield bundle("accepted", "accepted", "accepted", day, {}, [], False)
    if assessed:
        day = iso(assessed)
        task = task | {"status": "in-progress", "lastModified": day}
        uuid = uuid5(f"observation/{case}/assessed/ons4/parts")
        scores = [("ons4-satisfaction", "ONS4 life satisfaction", int(satisfaction)),
                  ("ons4-worthwhile", "ONS4 worthwhile", int(worthwhile))]
        observation = update("Observation", "observation", uuid, {
            "resourceType": "Observation", "meta": META["Observation"],
            "identifier": [{"system": SOURCE + "/observation", "value": uuid}], "basedOn": [request_reference],
            "status": "final", "category": [SURVEY], "code": {"text": "ons4"}, "subject": subject,
            "effectiveDateTime": day, "performer": [PROVIDER_REFERENCE],
            "component": [{"code": {"text": text}, "valueInteger": value} for _, text, value in scores]})
        detail = {"scores": [{"id": name, "measure": term(text), "value": value, "part_of": "ons4"}
                             for name, text, value in scores]}
        yield bundle("assessed", "assessed", "assessed", day, detail, [observation], False)
    if closed:
        day = iso(closed)
        done = reason == "Goals met"
        request = request | {"status": "completed" if done else "revoked"}
        task = task | {"status": "completed" if done else "failed", "lastModified": day}
        if done:
            task["output"] = [{"type": {"text": "Outcome"}, "valueCodeableConcept": {"text": reason}}]
        else:
            task["statusReason"] = {"text": reason}
        own = []
        if done:
            uuid = uuid5(f"communication/{case}/closed")
            own = [update("Communication", "communication", uuid, {
                "resourceType": "Communication", "meta": META["Communication"],
                "identifier": [{"system": SOURCE + "/communication", "value": uuid}],
                "basedOn": [request_reference], "status": "completed", "subject": subject,
                "recipient": [surgery_reference], "sender": PROVIDER_REFERENCE,
                "payload": [{"contentString": reason}]})]
        kind, label = (("completed", "completed") if done
                       else ("closed_without_completion", "closed without completion"))
        yield bundle("closed", kind, label, day, {"outcome" if done else "status_reason": term(reason)}, own, done)


def main():
    path, recorded, agent = sys.argv[1:]
    out = sys.stdout.buffer
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            for made in bundles(row, recorded, agent):
                out.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
