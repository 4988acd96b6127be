"""Many customers with purchases, brought in by files, for models and segments."""
import json
import os

from stack import UID, GID


def write(stack, name, lines):
    """A file that the server's user can read; its path."""
    path = os.path.join(stack.home, name)
    with open(path, "w") as f:
        for line in lines:
            f.write(line if isinstance(line, str) else json.dumps(line) + "\n")
    os.chown(path, UID, GID)
    return path


CUSTOMERS = {
    "title": "Customers", "what": "customers", "format": "ndjson", "origin": "shop",
    "person": "customer_number",
    "fields": {"customer_number": "number", "first_name": "name"},
    "consents": [{"purpose": "segmentation", "column": "yes", "give": ["1"],
                  "method": "form", "evidence": "declared"}],
}
EVENTS = {
    "title": "Tickets", "what": "events", "format": "ndjson", "origin": "shop",
    "person": {"field": "customer_number", "column": "number"},
    "create_people": False, "kind": "purchase",
    "time": {"column": "day", "format": "date", "zone": "UTC"},
    "amount": "amount", "currency": "EUR", "document": "ticket",
}


def customers(stack, rows, controller="acme", basis="contract", mapping=None, check=True):
    m = write(stack, "customers.map.json", [mapping or CUSTOMERS])
    f = write(stack, "customers.ndjson", rows)
    return stack.cli("import", "customers", f, "--map", m, "--controller", controller,
                     "--basis", basis, check=check)


def events(stack, rows, controller="acme", basis="contract", mapping=None, check=True):
    m = write(stack, "events.map.json", [mapping or EVENTS])
    f = write(stack, "events.ndjson", rows)
    return stack.cli("import", "events", f, "--map", m, "--controller", controller,
                     "--basis", basis, check=check)


def fill(stack, n, consenting=lambda i: True, prefix="S"):
    """n customers; the i-th bought on 1 + i % 7 days, in the first half of 2026."""
    people = [{"number": "%s%06d" % (prefix, i), "name": "Ana",
               "yes": "1" if consenting(i) else ""} for i in range(n)]
    tickets = [{"number": "%s%06d" % (prefix, i), "ticket": "%s%d-%d" % (prefix, i, k),
                "day": "2026-%02d-%02d" % (1 + (i + k) % 6, 1 + (i * 7 + k * 3) % 28),
                "amount": "%d.%02d" % (5 + i * 13 % 90, i % 100)}
               for i in range(n) for k in range(1 + i % 7)]
    customers(stack, people)
    events(stack, tickets)
    return people, tickets
