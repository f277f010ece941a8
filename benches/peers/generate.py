"""Makes the benchmark's input: invented people, valid NHS numbers of the test range 999, no randomness but a seed.

usage: generate.py ROWS FORMAT     (csv, ndjson or xml, to standard output)
"""

import json
import random
import sys
from datetime import date, timedelta
from xml.sax.saxutils import escape

COLUMNS = ("CaseRef NHSNumber Forename Surname DOB Gender Postcode SurgeryODS ReferredBy Referred Accepted Assessed "
           "Satisfaction Worthwhile Closed ClosureReason Need1 Need2 ShareWithGP").split()
FORENAMES = ["Nia Haf", "Łukasz", "Khadīja", "Owen", "Marta", "Tomos", "Ffion", "Idris", "Zoë", "Aled"]
SURNAMES = ["Gruffudd", "Wiśniewski", "Okonkwo-Bell", "Ashdown", "O'Dowd", "Prydderch", "Tennant", "Øster"]
NEEDS = ["Loneliness / isolation", "Getting online", "Debt", "Housing", "Bereavement", "Physical inactivity",
         "Caring responsibilities", "Transport"]


def nhs_numbers():
    """Every valid number of the range, in a scattered order, for ever."""
    step = 0
    while True:
        step += 1
        nine = f"999{step * 7919 % 1_000_000:06d}"
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(nine)) % 11
        if check != 10 and len(set(nine)) > 1:
            yield nine + str(check % 11)


def day(when):
    return when.strftime("%d/%m/%Y") if when else ""


def rows(count):
    pick = random.Random(20260301)
    numbers = nhs_numbers()
    known = {}
    first = date(2023, 1, 2)
    for n in range(count):
        referred = first + timedelta(days=pick.randrange(1000))
        accepted = referred + timedelta(days=pick.randrange(1, 9)) if pick.random() < 0.9 else None
        assessed = accepted + timedelta(days=pick.randrange(3, 30)) if accepted and pick.random() < 0.8 else None
        closed = assessed + timedelta(days=pick.randrange(20, 90)) if assessed and pick.random() < 0.85 else None
        first_need, second_need = pick.sample(NEEDS, 2)
        number = next(numbers)
        person = (pick.choice(FORENAMES), pick.choice(SURNAMES),
                  day(date(1935, 1, 1) + timedelta(days=pick.randrange(25000))))
        # The range has fewer numbers than a million: one that comes again is the same person's.
        person = known.setdefault(number, person)
        yield (
            f"BEN-{n + 1:07d}", number, *person, pick.choice(["Female", "Male"]),
            f"ZZ99 {pick.randrange(1, 10)}{pick.choice('AB')}Z", f"Z{pick.randrange(99900, 99999)}",
            pick.choice(["GP", "GP", "Nurse", "Self"]), day(referred), day(accepted), day(assessed),
            str(pick.randrange(11)) if assessed else "", str(pick.randrange(11)) if assessed else "",
            day(closed), pick.choice(["Goals met", "Goals met", "Moved out of area"]) if closed else "",
            first_need, second_need if pick.random() < 0.5 else "",
            "Yes - everything" if pick.random() < 0.9 else "Yes - codes only",
        )


def main():
    count, kind, write = int(sys.argv[1]), sys.argv[2], sys.stdout.write
    if kind == "csv":
        write(",".join(COLUMNS) + "\n")
        for row in rows(count):
            write(",".join(row) + "\n")
    elif kind == "ndjson":
        for row in rows(count):
            write(json.dumps({k: v for k, v in zip(COLUMNS, row) if v}, ensure_ascii=False) + "\n")
    elif kind == "xml":
        write('<?xml version="1.0" encoding="UTF-8"?>\n<Referrals>\n')
        for row in rows(count):
            write("<Referral>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in zip(COLUMNS, row) if v)
                  + "</Referral>\n")
        write("</Referrals>\n")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
