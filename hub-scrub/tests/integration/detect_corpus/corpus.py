"""Writes a labelled corpus: JSON lines {"text", "key", "spans": [[start, end, detector], ...]}, offsets in bytes.

    pip install faker
    python corpus.py --seed 1 --texts 2000 > corpus.jsonl

Values and filler come from faker in ten locales. The sentences around them are below; one in four values
stands alone, one in four under a key or behind a label in the locale's language, the rest in a sentence.
"""

import argparse
import base64
import json
import random
import string
import sys

from faker import Faker

LOCALES = ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "ja_JP"]

PHONE_LABELS = {
    "en": ["Phone", "Tel.", "Call me on", "mobile", "my cell is"],
    "de": ["Telefon", "Tel.", "Rufnummer", "Handy", "erreichbar unter Mobil"],
    "fr": ["Téléphone", "Tél.", "Appelez le", "portable"],
    "es": ["Teléfono", "Tel.", "móvil", "llámame al tel"],
    "it": ["Telefono", "Tel.", "cellulare"],
    "nl": ["Telefoon", "Tel.", "mobiel", "bel"],
    "pl": ["Telefon", "tel.", "numer telefonu"],
    "pt": ["Telefone", "Tel.", "celular"],
    "sv": ["Telefon", "Tel.", "mobil", "ring"],
    "ja": ["電話", "携帯", "電話番号："],
}
LABELS = {
    "card": ["Card", "paid with", "Kreditkarte", "PAN"], "iban": ["IBAN", "account", "Konto"],
    "email": ["E-mail", "write to", "mailto:"], "ipv4": ["from", "ip", "client"], "ipv6": ["from", "ip", "peer"],
    "us_ssn": ["SSN", "social security number"], "jwt": ["Bearer", "token"], "aws_key": ["key", "aws"],
    "github_token": ["token"], "slack_token": ["slack"], "stripe_key": ["stripe"], "google_api_key": ["api key"],
}
KEYS = {"phone": ["phone", "mobile", "phoneNumber", "contact_tel"], "us_ssn": ["ssn"]}


def luhn(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c)
        total += d if i % 2 else d // 5 + d * 2 % 10
    return str(-total % 10)


def token(rng, n, alphabet=string.ascii_letters + string.digits):
    return "".join(rng.choice(alphabet) for _ in range(n))


def part(rng, value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def grouped(rng, digits, sep):
    return sep.join(digits[i:i + 4] for i in range(0, len(digits), 4))


def values(fake, us, rng):
    card = us.credit_card_number()
    if len(card) == 16 and rng.random() < 0.3:
        card = grouped(rng, card, rng.choice(" -"))
    iban = fake.iban() if rng.random() < 0.8 else us.iban()
    if rng.random() < 0.3:
        iban = grouped(rng, iban, " ")
    jwt = ".".join([part(rng, {"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}),
                    part(rng, {"sub": fake.uuid4(), "iat": rng.randrange(10**9, 2 * 10**9)}),
                    token(rng, 43, string.ascii_letters + string.digits + "_-")])
    return {
        "card": card, "iban": iban, "email": rng.choice([fake.email, fake.ascii_company_email, fake.free_email])(),
        "phone": fake.phone_number(), "ipv4": fake.ipv4(), "ipv6": compress(fake.ipv6(), rng), "us_ssn": us.ssn(), "jwt": jwt,
        "aws_key": rng.choice(["AKIA", "ASIA"]) + token(rng, 16, string.ascii_uppercase + "234567"),
        "github_token": rng.choice(["ghp_", "gho_", "ghs_"]) + token(rng, 36),
        "slack_token": f"xoxb-{rng.randrange(10**11, 10**12)}-{rng.randrange(10**11, 10**12)}-{token(rng, 24)}",
        "stripe_key": rng.choice(["sk_live_", "rk_live_", "sk_test_"]) + token(rng, rng.choice([24, 99])),
        "google_api_key": "AIza" + token(rng, 35, string.ascii_letters + string.digits + "_-"),
    }


def compress(address, rng):
    import ipaddress
    if rng.random() < 0.5:
        return address
    zeroed = address.split(":")
    for i in range(rng.randrange(1, 4), rng.randrange(4, 8)):
        zeroed[i] = "0"
    return ipaddress.ip_address(":".join(zeroed)).compressed


def filler(fake, rng):
    """Text with nothing in it that a detector should find, though much looks like it."""
    makers = [
        lambda: fake.sentence(), lambda: fake.text(120), lambda: fake.address().replace("\n", ", "), fake.company, fake.name,
        lambda: fake.date_time().isoformat() + "Z", lambda: fake.date(pattern="%d.%m.%Y %H:%M:%S"), fake.uuid4, fake.ean13, fake.isbn13,
        fake.mac_address, fake.user_agent, fake.sha1, fake.md5, lambda: fake.url() + fake.uri_path(), fake.file_path,
        lambda: f"v{rng.randrange(20)}.{rng.randrange(20)}.{rng.randrange(300)}",
        lambda: f"order {rng.randrange(10**6, 10**10)}", lambda: f"SO-2026-{rng.randrange(10**8)}",
        lambda: f"{rng.uniform(-180, 180):.7f}, {rng.uniform(-90, 90):.7f}", lambda: str(rng.randrange(1_600_000_000_000, 1_900_000_000_000)),
        lambda: f"{rng.randrange(10**6):,} units at {rng.uniform(1, 900):.2f}", lambda: fake.color(), lambda: f"{fake.word()}::{fake.word()}",
        lambda: fake.image_url().split("?")[0], lambda: f"tracking 1Z{token(rng, 16, string.ascii_uppercase + string.digits)}",
        lambda: f"{rng.randrange(10**15, 10**16)}", lambda: fake.swift(), lambda: token(rng, 40, "0123456789abcdef"),
    ]
    return rng.choice(makers)()


def text_with(fake, locale, rng, kind, value):
    """The text, the key, and where the value begins in it."""
    labels = PHONE_LABELS[locale[:2]] if kind == "phone" else LABELS[kind]
    form = rng.randrange(4)
    if form == 0:
        keys = KEYS.get(kind, ["value", "data"])
        return value, rng.choice(keys) if rng.random() < 0.6 else "", 0
    if form == 1:
        before = f"{rng.choice(labels)}{rng.choice([' ', ': ', ' = ', ' '])}"
        return before + value, "", len(before)
    words = fake.sentence(nb_words=rng.randrange(2, 8)).rstrip(".。")
    label = rng.choice(labels) + " " if form == 2 else ""
    before = f"{words}{rng.choice([' ', ': ', ', ', ' (', ' “'])}{label}"
    behind = rng.choice(["", ".", ", ", ")", "; "]) + " " + fake.sentence(nb_words=3)
    return before + value + behind, "", len(before)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--texts", type=int, default=2000, help="texts a locale")
    args = parser.parse_args()
    us = Faker("en_US")
    us.seed_instance(args.seed)
    for n, locale in enumerate(LOCALES):
        rng = random.Random(args.seed * 1000 + n)
        fake = Faker(locale)
        fake.seed_instance(args.seed * 1000 + n)
        for _ in range(args.texts):
            if rng.random() < 0.4:
                line = {"text": filler(fake, rng), "key": "", "spans": []}
            else:
                kind, value = rng.choice(list(values(fake, us, rng).items()))
                text, key, at = text_with(fake, locale, rng, kind, value)
                start = len(text[:at].encode())
                line = {"text": text, "key": key, "spans": [[start, start + len(value.encode()), kind]]}
            line["locale"] = locale
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
