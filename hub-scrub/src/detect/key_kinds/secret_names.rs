//! The names of secrets, as services, databases and tools write them in their settings and messages.
//!
//! The lists were collected from the documented variables and fields of public software and services. A bare
//! `key`, `auth` or `pass` is no name, because most values under these keys are no secrets.

/// A key that ends with one of these names has one secret.
#[rustfmt::skip]
pub(super) const SECRET_NAMES: &[&str] = &[
    "password", "passwd", "passwort", "pwd", "passphrase", "passcode", "passkey", "pswd", "passw",
    "htpasswd", "unlock code", "master phrase", "kennwort", "contraseña", "contrasena", "contrasenya",
    "clave secreta", "clave acceso", "clave de acceso", "clave usuario", "clave privada", "clave api",
    "senha", "senha usuario", "senha atual", "senha nova", "palavra passe", "mot de passe", "mdp",
    "phrase de passe", "code secret", "cle api", "clé api", "cle privee", "clé privée", "cle secrete",
    "clé secrète", "jeton", "wachtwoord", "toegangscode", "api sleutel", "hasło", "haslo", "klucz api",
    "klucz prywatny", "heslo", "lösenord", "losenord", "passord", "adgangskode", "kodeord", "salasana",
    "jelszó", "jelszo", "şifre", "sifre", "parola", "lozinka", "geslo", "slaptažodis", "parool", "пароль",
    "парола", "секрет", "токен", "密码", "密碼", "口令", "密钥", "私钥", "令牌", "パスワード", "暗証番号", "秘密鍵", "비밀번호", "암호",
    "mật khẩu", "mat khau", "kata sandi", "kata laluan", "รหัสผ่าน", "كلمة المرور", "סיסמה",
    "κωδικός πρόσβασης", "chiave api", "chiave privata", "chiave segreta", "api schlüssel",
    "api schluessel", "privater schlüssel", "geheimer schlüssel", "geheimnis", "zugangscode", "segredo",
    "secreto", "segreto", "secret", "token", "jwt", "bearer", "auth code", "authorization code",
    "code verifier", "device code", "cookie", "credential", "cred", "phpsessid", "jsessionid",
    "connect sid", "csrf", "xsrf", "csrfmiddlewaretoken", "otp", "totp", "otp code", "one time code",
    "mfa code", "2fa code", "totp code", "otp seed", "otpauth url", "verification code", "reset code",
    "recovery code", "backup code", "puk", "puk code", "magic link", "reset link", "sas url", "sas uri",
    "sas key", "blob sas", "container sas", "presigned url", "signed url", "slack webhook url",
    "slack webhook", "discord webhook url", "discord webhook", "teams webhook url", "teams webhook",
    "incoming webhook url", "amz signature", "goog signature", "docker config json", "docker auth config",
    "api key", "access key", "secret key", "secret key base", "fernet key", "private key", "signing key",
    "signature key", "encryption key", "encrypt key", "decryption key", "crypt key", "cipher key",
    "enc key", "crypto key", "openai key", "anthropic key", "stripe key", "resend key", "sendgrid key",
    "mailgun key", "maps key", "master key", "unseal key", "account key", "storage key", "shared key",
    "pre shared key", "psk", "wifi key", "auth key", "authentication key", "authorization key",
    "deploy key", "ssh key", "license key", "licence key", "service role key", "admin key", "app key",
    "application key", "consumer key", "subscription key", "stream key", "ingest key", "ingestion key",
    "integration key", "pagerduty routing key", "functions key", "function key", "server key",
    "client key data", "tls key", "ssl key", "rsa key", "ecdsa key", "ed25519 key", "gpg key", "pgp key",
    "hmac key", "aes key", "jwt key", "session key", "symmetric key", "cookie key", "csrf key",
    "lockbox key", "recovery key", "merchant key", "payment key", "activation key", "registration key",
    "enrollment key", "provisioning key", "wallet key", "kms data key", "plaintext data key",
    "sse customer key", "encryption customer key", "key material", "secure auth key", "logged in key",
    "nonce key", "mnemonic", "mnemonic phrase", "seed phrase", "recovery phrase", "secret phrase",
    "wallet seed", "xprv", "password salt", "auth salt", "logged in salt", "nonce salt", "hash salt",
    "token salt", "secret salt", "pepper", "password hash", "password digest", "password encrypted",
    "pass hash", "passwd hash", "token hash", "password confirmation", "password confirm",
    "password repeat", "password again", "password verify", "password verification", "password old",
    "password new", "password current", "password plain", "password plaintext", "password value",
    "password string", "password text", "password encoded", "password data", "secret string",
    "secret binary", "secret value", "secret text", "secret code", "secret answer", "security answer",
    "secret hash", "token value", "token string", "token raw", "raw token", "token encrypted",
    "api key value", "private key pem", "private key data", "private key plaintext", "private key content",
    "service account json", "service account key json", "credentials json", "credential value",
    "credential json", "access token", "refresh token", "auth token", "authentication token", "id token",
    "api token", "bot token", "csrf token", "xsrf token", "session token", "security token",
    "bearer token", "oauth token", "jwt token", "user token", "github token", "device token",
    "reset token", "secret token", "verify token", "sas token", "logintoken", "accesskeysecret",
    "client secret", "app secret", "api secret", "consumer secret", "shared secret", "jwt secret",
    "auth secret", "session secret", "webhook secret", "secret access key", "db password", "db passwd",
    "db pass", "db pwd", "user password", "userpasswd", "user pass", "userpwd", "root password", "rootpw",
    "admin password", "adminpass", "new password", "newpass", "old password", "oldpass",
    "current password", "confirm password", "repeat password", "key password", "keypass",
    "key store password", "storepass", "trust store password", "smtp password", "smtppass", "ssh password",
    "sshpass", "ftp password", "ftppass", "mysql pwd", "pgpassword", "pgpass", "redis password",
    "requirepass", "masterauth", "bindpw", "bind password", "rootpass", "wppassword", "login password",
    "email password", "mail password", "proxy password", "encpassword", "authpassword", "privpassword",
    "wifipassword", "ansible become pass", "becomepass", "database pass", "mail pass", "email pass",
    "redis pass", "mysql pass", "mongo pass", "postgres pass", "amqp pass", "rabbitmq pass", "mqtt pass",
    "ldap pass", "bind pass", "http pass", "login pass", "wifi pass", "vpn pass", "sudo pass",
    "default pass", "keystore pass", "app pass", "api pass", "service pass", "broker pass", "sftp pass",
    "imap pass", "basic pass", "account json base64",
];

/// These names end like the name of a secret, and name none: positions in lists, switches, texts of forms, and
/// references to keys that are kept elsewhere.
#[rustfmt::skip]
pub(super) const NO_SECRET_NAMES: &[&str] = &[
    "next token", "previous token", "prev token", "page token", "start page token", "pagination token",
    "paging token", "continuation token", "continue token", "cursor token", "starting token",
    "start token", "marker token", "resume token", "sync token", "delta token", "change token",
    "checkpoint token", "scroll token", "next forward token", "next backward token", "sequence token",
    "poll configuration token", "amzn client token", "reuse last generated token", "chunk token",
    "next message token", "idempotency token", "client request token", "creation token", "update token",
    "lock token", "version token", "concurrency token", "cancellation token", "cancel token",
    "abort token", "stop token", "eos token", "bos token", "pad token", "unk token", "sep token",
    "cls token", "mask token", "special token", "image token", "audio token", "video token", "end token",
    "decoder start token", "next lex token", "to first token", "per token", "per output token",
    "output token", "input token", "unexpected token", "lex token", "lexer token", "syntax token",
    "parse token", "keyword token", "operator token", "whitespace token", "design token", "color token",
    "spacing token", "font token", "erc20 token", "erc721 token", "nft token", "lp token", "native token",
    "base token", "quote token", "reward token", "staking token", "governance token", "utility token",
    "underlying token", "collateral token", "wrapped token", "fee token", "gas token", "has token",
    "is token", "use token", "require token", "requires token", "invalid token", "expired token",
    "missing token", "has password", "is password", "use password", "require password",
    "requires password", "requirement password", "show password", "hide password", "forgot password",
    "lost password", "remember password", "invalid password", "wrong password", "incorrect password",
    "label password", "labels password", "placeholder password", "errors password", "error password",
    "allow empty password", "empty password", "no password", "random root password", "generate password",
    "generate random password", "manage master user password", "rotate master user password",
    "manage master password", "manage admin password", "can change password", "must change password",
    "force change password", "change password", "allow password", "disable password", "existing secret",
    "image pull secret", "tls secret", "is secret", "is value secret", "has secret", "use secret",
    "require secret", "create secret", "generate secret", "rotate secret", "use existing client secret",
    "top secret", "trade secret", "has credential", "allow cookie", "accept cookie", "use cookie",
    "has cookie", "secure cookie", "http only cookie", "enable cookie", "enable csrf", "disable csrf",
    "use csrf", "check csrf", "skip csrf", "enable otp", "require otp", "requires otp", "has otp",
    "use otp", "erlang otp", "public api key", "public access key", "publishable api key",
    "public signing key", "public rsa key", "public encryption key", "public ssh key", "public gpg key",
    "public key material", "public app key", "kms master key", "customer master key", "kms encryption key",
    "kms key encryption key", "default encryption key", "managed encryption key", "volume encryption key",
    "customer encryption key", "disk encryption key", "key encryption key", "kms signing key",
    "has api key", "use api key", "require api key", "requires api key", "missing api key",
    "invalid api key", "enable storage key", "dimension account key", "dim account key",
    "redis stream key", "redis session key", "local storage key", "session storage key",
    "browser storage key", "async storage key", "keyboard function key", "public credential",
    "opcode mnemonic", "algorithm mnemonic", "chime bearer", "verify jwt", "instruction mnemonic",
    "has passphrase", "use passphrase", "bell pepper", "black pepper", "red pepper", "postman token",
    "attention token", "dkim token", "service token", "lifecycle action token", "request token",
    "skip token", "unique token", "import token", "result token", "upload token", "action token",
    "payout instrument token", "network token", "payment method token", "generic secret",
];

/// A key that ends with one of these names has several secrets.
#[rustfmt::skip]
pub(super) const SECRETS_NAMES: &[&str] = &[
    "passwords", "passphrases", "zugangsdaten", "credenciales", "credenciais", "secrets", "tokens",
    "cookies", "credentials", "creds", "recovery codes", "backup codes", "scratch codes", "presigned urls",
    "api keys", "access keys", "secret keys", "private keys", "unseal keys", "security answers",
    "access tokens", "api tokens",
];

/// These names end like the name of several secrets, and name none: counts, switches and lists of names.
#[rustfmt::skip]
pub(super) const NO_SECRETS_NAMES: &[&str] = &[
    "ratelimit reset tokens", "total tokens", "max tokens", "min tokens", "num tokens", "n tokens",
    "prompt tokens", "completion tokens", "input tokens", "output tokens", "cached tokens",
    "cache creation tokens", "cache read tokens", "cache write tokens", "reasoning tokens",
    "thinking tokens", "new tokens", "audio tokens", "text tokens", "image tokens", "video tokens",
    "prediction tokens", "used tokens", "remaining tokens", "limit tokens", "budget tokens",
    "context tokens", "available tokens", "generated tokens", "response tokens", "request tokens",
    "tool tokens", "system tokens", "message tokens", "chunk tokens", "overlap tokens", "embedding tokens",
    "trained tokens", "training tokens", "train tokens", "billed tokens", "estimated tokens",
    "saved tokens", "candidates tokens", "draft tokens", "speculative tokens", "batched tokens",
    "keep tokens", "free tokens", "credit tokens", "stop tokens", "special tokens", "added tokens",
    "suppress tokens", "bad tokens", "design tokens", "syntax tokens", "http tokens", "dkim tokens",
    "server tokens", "image pull secrets", "manage secrets", "list secrets", "read secrets",
    "write secrets", "use secrets", "mount secrets", "reveal secrets", "inherit secrets",
    "has credentials", "allow credentials", "include credentials", "with credentials", "use credentials",
    "require credentials", "save credentials", "validate credentials", "formation credentials",
    "caller credentials", "send credentials", "google application credentials", "client credentials",
    "invalid credentials", "password credentials", "allow cookies", "accept cookies", "include cookies",
    "use cookies", "enable cookies", "disable cookies", "clear cookies", "third party cookies",
    "block cookies", "included cookies", "excluded cookies", "forward cookies", "whitelisted cookies",
    "essential cookies", "marketing cookies", "analytics cookies", "expire passwords", "generic secrets",
    "secret scanning generic secrets",
];

/// These names end like the name of an authorization, and are switches, modes, or objects with a state.
#[rustfmt::skip]
pub(super) const NO_AUTHORIZATION_NAMES: &[&str] = &[
    "oauth", "smtp auth", "imap auth", "use auth", "enable auth", "require auth", "requires auth",
    "disable auth", "skip auth", "enable basic auth", "selective auth", "no auth", "need auth",
    "needs auth", "has auth", "is auth", "allow auth", "anonymous auth", "client auth", "mutual auth",
    "server auth", "web auth", "multi factor auth", "two factor auth", "factor auth", "forward auth",
    "pre auth", "iam auth", "require authorization", "requires authorization", "pre authorization",
    "payment authorization", "skip authorization", "enable authorization", "use basic auth",
    "card authorization",
];

/// These names end like that of a PIN, and are pins of a circuit, of a map, or switches.
#[rustfmt::skip]
pub(super) const NO_PIN_NAMES: &[&str] = &[
    "led pin", "gpio pin", "reset pin", "clock pin", "clk pin", "data pin", "tx pin", "rx pin", "cs pin",
    "sda pin", "scl pin", "mosi pin", "miso pin", "sck pin", "dc pin", "rst pin", "en pin", "trigger pin",
    "echo pin", "button pin", "buzzer pin", "relay pin", "sensor pin", "motor pin", "servo pin",
    "input pin", "output pin", "in pin", "out pin", "interrupt pin", "irq pin", "enable pin", "power pin",
    "analog pin", "digital pin", "map pin", "drop pin", "location pin", "is pin", "can pin", "un pin",
    "cpu pin", "version pin", "has pin", "require pin", "use pin",
];

/// Keys that end with one of these names describe secrets, and have none themselves.
#[rustfmt::skip]
pub(super) const DESCRIBING: &[&str] = &[
    "type", "kind", "api version", "method", "mode", "scheme", "grant type", "flow", "provider", "issuer",
    "iss", "audience", "aud", "scope", "scopes", "role", "roles", "permissions", "algorithm", "alg", "kty",
    "use", "crv", "key ops", "key size", "key length", "bits", "encoding", "format", "version", "name",
    "description", "label", "title", "comment", "note count", "region", "zone", "environment", "env",
    "host", "hostname", "port", "database", "db name", "schema", "endpoint", "url", "uri", "auth uri",
    "token uri", "auth url", "token url", "domain", "path", "same site", "secure", "http only", "max age",
    "expires", "expires in", "expires at", "expires on", "expire", "expiry", "expiration",
    "expiration date", "expiration time", "ttl", "lifetime", "duration", "not before", "valid from",
    "valid to", "valid until", "iat", "exp", "nbf", "created", "created at", "created on", "create date",
    "creation date", "updated", "updated at", "modified", "modified at", "last used", "last used at",
    "last used date", "last rotated", "rotated at", "revoked at", "issued at", "timestamp", "date",
    "count", "size", "length", "min length", "max length", "total", "limit", "index", "order", "weight",
    "enabled", "disabled", "active", "valid", "required", "optional", "revoked", "verified", "expired",
    "default", "readonly", "status", "error", "error code", "reason", "message", "id", "uuid", "key id",
    "kid", "access key id", "client id", "tenant id", "project id", "account id", "app id", "user id",
    "arn", "ref", "filename", "key ref", "secret name", "store", "source", "policy", "rotation",
    "rotation days", "prefix", "fingerprint", "thumbprint", "public key", "user", "username", "login",
    "owner", "urls", "href", "link", "links", "self", "visibility", "realm", "cluster", "indices",
    "privileges", "network", "currency", "balance", "tags", "metadata", "by", "at", "on", "in", "settings",
    "query", "header", "headers", "contract", "symbol", "server", "application",
];
