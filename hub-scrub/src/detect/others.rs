//! Words that name numbers of another kind than those that detectors look for.
//!
//! Without them, one order number in ten that begins like a card would be masked as one.

/// These words name numbers that count, order or identify things. A check digit that is right by chance says
/// little about such a number.
#[rustfmt::skip]
pub(super) const NUMBERED: &[&str] = &[
    "order", "orders", "invoice", "receipt", "reference", "ref", "id", "ids", "uid", "uuid", "guid", "tracking",
    "shipment", "parcel", "barcode", "ean", "upc", "gtin", "itf", "sscc", "isbn", "issn", "asin", "sku", "article",
    "product", "serial", "imei", "iccid", "imsi", "meid", "eid", "eui", "mac", "version", "build", "release",
    "revision", "commit", "ticket", "issue", "bug", "transaction", "batch", "job", "request", "trace", "span",
    "session", "event", "offset", "sequence", "seq", "cursor", "timestamp", "epoch", "millis", "nanos",
    "seconds", "duration", "elapsed", "count", "total", "sum", "size", "bytes", "length", "width", "height",
    "amount", "price", "cents", "balance", "quantity", "qty", "zip", "postcode", "postal", "latitude",
    "longitude", "pid", "tid", "column", "row", "hash", "checksum", "crc", "seed", "nonce", "bestellung",
    "bestellnummer", "auftrag", "auftragsnummer", "rechnung", "rechnungsnummer", "artikel", "artikelnummer",
    "commande", "facture", "pedido", "factura",
];

/// These words name versions of software, which look like addresses.
pub(super) const VERSIONS: &[&str] = &[
    "version", "versions", "ver", "v", "release", "build", "firmware", "revision", "rev", "rv",
    "tag", "agent", "driver", "kernel", "bios", "api", "oid", "mask",
];
